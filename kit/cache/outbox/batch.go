package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rowsPerInsert keeps a statement below the parameters that SQLite once allowed.
const rowsPerInsert = 100

// Execer is what a Batch needs of a transaction. *sql.Tx is one.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Batch is what one transaction invalidates. It is for one goroutine, as the
// transaction is.
type Batch struct {
	box   *Outbox
	tx    Execer
	id    string
	noted map[string]*noted // by the name of the cache
}

// noted is what is to be invalidated in one cache. Doubles do no harm.
type noted struct{ keys, tags []string }

func (n *noted) add(tag bool, items ...string) {
	if tag {
		n.tags = append(n.tags, items...)
	} else {
		n.keys = append(n.keys, items...)
	}
}

// On begins the batch of a transaction that the caller begins and ends by itself.
// After the commit call AfterCommit; if that is left out, the relay does its work.
func (b *Outbox) On(tx Execer) *Batch {
	return &Batch{box: b, tx: tx, id: rand.Text(), noted: map[string]*noted{}}
}

// InTx runs f in a transaction, commits, and invalidates what f noted. An error of
// f, or a panic, rolls back, and nothing is invalidated.
//
// Nil means that the transaction is committed; if the invalidation failed then, it
// is logged and left to the relay. An error of the commit itself leaves open
// whether it took place, as always; if it did, the relay invalidates.
//
// Redis: what the caches say. SQL: BEGIN, COMMIT, the statements of f and, if
// something was noted, one DELETE after the commit.
func (b *Outbox) InTx(ctx context.Context, o *sql.TxOptions, f func(tx *sql.Tx, batch *Batch) error) error {
	tx, err := b.db.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("outbox: begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	batch := b.On(tx)
	if err := f(tx, batch); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("outbox: commit: %w", err)
	}
	if err := batch.AfterCommit(ctx); err != nil {
		b.o.Logger.WarnContext(ctx, "outbox: an invalidation is left to the relay", "error", err)
	}
	return nil
}

// add writes rows in the transaction and remembers them.
func (b *Batch) add(ctx context.Context, cache string, tag bool, items []string) error {
	kind := 0
	if tag {
		kind = 1
	}
	for rows := range slices.Chunk(items, rowsPerInsert) {
		values := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, "+b.box.now()+"), ", len(rows)), ", ")
		args := make([]any, 0, 4*len(rows))
		for _, item := range rows {
			args = append(args, b.id, cache, kind, item)
		}
		query := b.box.statement("INSERT INTO " + b.box.o.Table + " (batch, cache, tag, item, created_ms) VALUES " + values)
		if _, err := b.tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("outbox: note %d rows for %q: %w", len(rows), cache, err)
		}
	}
	if b.noted[cache] == nil {
		b.noted[cache] = &noted{}
	}
	b.noted[cache].add(tag, items...)
	return nil
}

// AfterCommit invalidates what was noted and deletes the rows. Call it only when
// the transaction is committed. An error wraps ErrDeferred: the relay will do what
// is left, and there is nothing to repeat.
//
// It takes at most Options.Timeout, and does not end with ctx: the request that
// made the change may be over, its readers are not.
//
// Redis: what the caches say. SQL: 1 DELETE, if something was noted.
func (b *Batch) AfterCommit(ctx context.Context) error {
	if len(b.noted) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.box.o.Timeout)
	defer cancel()
	for _, name := range slices.Sorted(maps.Keys(b.noted)) {
		t, ok := b.box.target(name)
		if !ok {
			return fmt.Errorf("%w: the cache %q is not bound to this outbox", ErrDeferred, name)
		}
		if _, err := t.deliver(ctx, b.noted[name].keys, b.noted[name].tags); err != nil {
			return fmt.Errorf("%w: invalidate in %q: %w", ErrDeferred, name, err)
		}
	}
	clear(b.noted)
	query := b.box.statement("DELETE FROM " + b.box.o.Table + " WHERE batch = ?")
	if _, err := b.box.db.ExecContext(ctx, query, b.id); err != nil {
		return fmt.Errorf("%w: invalidated, but its rows are still there: %w", ErrDeferred, err)
	}
	return nil
}
