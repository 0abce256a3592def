package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Run delivers what processes left behind that died after a commit, or that could
// not reach Redis, until ctx ends; then it returns nil. Any number of processes may
// run it. A database or a Redis that does not answer is waited for.
//
// Redis: what the caches say, for rows that are left; nothing otherwise. SQL: each
// Options.Every 1 DELETE of what is too old, and for each cache a transaction with
// 1 SELECT (on SQLite without one), and 1 DELETE for each Options.Batch rows.
func (b *Outbox) Run(ctx context.Context) error {
	ticker := time.NewTicker(b.o.Every)
	defer ticker.Stop()
	failing := false
	for {
		err := b.relay(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			b.o.Logger.WarnContext(ctx, "outbox: the relay can not deliver", "error", err)
		case err == nil && failing:
			b.o.Logger.InfoContext(ctx, "outbox: the relay delivers again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// relay delivers all that is due. A cache that fails holds up no other.
func (b *Outbox) relay(ctx context.Context) error {
	err := b.expire(ctx)
	for _, name := range b.bound() {
		for {
			n, failed := b.deliver(ctx, name)
			err = errors.Join(err, failed)
			if n < b.o.Batch {
				break
			}
		}
	}
	return err
}

// expire deletes what cannot matter any more.
func (b *Outbox) expire(ctx context.Context) error {
	if b.o.KeepFor < 0 {
		return nil
	}
	query := b.statement(fmt.Sprintf("DELETE FROM %s WHERE created_ms < %s - ?", b.o.Table, b.now()))
	result, err := b.db.ExecContext(ctx, query, b.o.KeepFor.Milliseconds())
	if err != nil {
		return fmt.Errorf("outbox: delete old rows: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 {
		b.o.Logger.ErrorContext(ctx, "outbox: rows were too old and are deleted undelivered", "rows", n)
	}
	return nil
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	Execer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// deliver brings up to Options.Batch rows to their cache, and returns how many it
// deleted. On PostgreSQL a transaction keeps them locked meanwhile; on SQLite it
// would keep all others from writing.
func (b *Outbox) deliver(ctx context.Context, cache string) (n int, err error) {
	if b.o.Dialect == SQLite {
		return b.deliverOn(ctx, b.db, cache)
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("outbox: deliver: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if n, err = b.deliverOn(ctx, tx, cache); err != nil || n == 0 {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("outbox: delete delivered rows: %w", err)
	}
	return n, nil
}

func (b *Outbox) deliverOn(ctx context.Context, q querier, cache string) (int, error) {
	ids, found, err := b.due(ctx, q, cache)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := b.invalidate(ctx, cache, found); err != nil {
		return 0, fmt.Errorf("outbox: invalidate in %q: %w", cache, err)
	}
	query := b.statement("DELETE FROM " + b.o.Table + " WHERE id IN (" + strings.TrimSuffix(strings.Repeat("?,", len(ids)), ",") + ")")
	if _, err := q.ExecContext(ctx, query, ids...); err != nil {
		return 0, fmt.Errorf("outbox: delete delivered rows: %w", err)
	}
	return len(ids), nil
}

// due reads rows that were left behind. On PostgreSQL they stay locked until the
// transaction ends, and those that another relay has locked are skipped.
func (b *Outbox) due(ctx context.Context, q querier, cache string) (ids []any, found noted, err error) {
	query := fmt.Sprintf("SELECT id, tag, item FROM %s WHERE cache = ? AND created_ms <= %s - ? ORDER BY id LIMIT ?", b.o.Table, b.now())
	if b.o.Dialect == Postgres {
		query += " FOR UPDATE SKIP LOCKED"
	}
	failed := func(err error) ([]any, noted, error) {
		return nil, noted{}, fmt.Errorf("outbox: read rows: %w", err)
	}
	rows, err := q.QueryContext(ctx, b.statement(query), cache, b.o.Grace.Milliseconds(), b.o.Batch)
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, tag int64
		var item string
		if err := rows.Scan(&id, &tag, &item); err != nil {
			return failed(err)
		}
		ids = append(ids, id)
		found.add(tag == 1, item)
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return ids, found, nil
}

// invalidate hands what was found to its cache, each key and tag once.
func (b *Outbox) invalidate(ctx context.Context, cache string, found noted) error {
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	for _, list := range []*[]string{&found.keys, &found.tags} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	t, _ := b.target(cache) // it is bound: the relay asks for no other
	bad, err := t.deliver(ctx, found.keys, found.tags)
	if len(bad) > 0 && err == nil {
		b.o.Logger.ErrorContext(ctx, "outbox: keys that can not be read are dropped", "cache", cache, "keys", bad)
	}
	return err
}
