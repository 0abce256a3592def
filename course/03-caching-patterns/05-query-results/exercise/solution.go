//go:build solution

// Package exercise caches what queries answer.
package exercise

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the methods return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// ErrNotTold says that the transaction has committed, and that the cache could not be
// told. Whoever repeats the transaction does it twice.
var ErrNotTold = errors.New("committed, and the cache was not told")

const (
	life = 5 * time.Minute // of an answer
	hold = time.Second     // how long Update tries to tell the cache
)

// Store answers queries from Redis, or else from the database.
type Store struct {
	DB     *sql.DB
	Redis  redis.Cmdable
	Prefix string // begins every key
}

// Queryer is what can be asked: *sql.DB, or *sql.Tx within a transaction.
type Queryer interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// Rows are what a query answers, as text.
type Rows [][]string

// read asks the database. Rows that broke off are an error.
func read(ctx context.Context, q Queryer, text string, args ...any) (Rows, error) {
	found, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	all := Rows{}
	for found.Next() {
		row, into := make([]string, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, found.Err()
}

// entry is an answer, with the versions that its tables had before it was read. It is
// good as long as they still have them.
type entry struct {
	Versions []string
	Rows     Rows
}

// answerKey names a question, with the type and the length of each part.
func (s *Store) answerKey(text string, args []any) string {
	all := sha256.New()
	for _, part := range append([]any{text}, args...) {
		shown := fmt.Sprintf("%T %v", part, part)
		fmt.Fprintf(all, "%d %s", len(shown), shown)
	}
	return s.Prefix + "answer:" + hex.EncodeToString(all.Sum(nil))
}

func (s *Store) versionKey(table string) string { return s.Prefix + "version:" + table }

// Query returns what text answers for args: by q, which is s.DB or a transaction of it.
// tables are those that text reads; there is at least one.
//
// With s.DB the answer is that of Redis, in 1 round trip, if there is one, or else that
// of the database, which is asked once, and which is stored for life. An empty answer is
// an answer. No question is given another's answer: questions differ in their text, or
// in an argument, be it its type alone. Arguments are strings, ints, floats, bools and
// nil. An error of the database is returned, and nothing is stored. When Redis is in
// trouble the database answers, and nobody is bothered with that.
//
// Nothing is stored that was read before an Update of one of its tables had committed,
// or it is never answered with.
//
// Within a transaction the answer is what that transaction sees, with what it has
// changed, and nobody else is ever given it.
//
// Whatever lies in Redis ends by itself: after 2 * life at most.
func (s *Store) Query(ctx context.Context, q Queryer, tables []string, text string, args ...any) (Rows, error) {
	if _, inside := q.(*sql.Tx); inside {
		return read(ctx, q, text, args...)
	}
	keys := []string{s.answerKey(text, args)}
	for _, table := range tables {
		keys = append(keys, s.versionKey(table))
	}
	found, err := s.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		return read(ctx, q, text, args...)
	}
	versions := make([]string, len(tables))
	for i := range tables {
		versions[i], _ = found[i+1].(string) // or none yet
	}
	if kept, ok := found[0].(string); ok {
		var e entry
		if json.Unmarshal([]byte(kept), &e) == nil && slices.Equal(e.Versions, versions) {
			return e.Rows, nil
		}
	}
	rows, err := read(ctx, q, text, args...)
	if err != nil {
		return nil, err
	}
	if kept, err := json.Marshal(entry{versions, rows}); err == nil {
		_ = s.Redis.Set(ctx, keys[0], kept, life).Err() // the caller has the answer all the same
	}
	return rows, nil
}

// Update calls f in a transaction, commits it, and sees to it that answers that read one
// of these tables are not given any more, to anybody who asks after it. Other answers
// stay.
//
// An error of f rolls back and is returned, and so is one of the commit; the cached
// answers stay. If Redis cannot be told of a commit, the error wraps ErrNotTold. A
// caller who leaves (ctx ends) when it has committed keeps nobody from being told.
func (s *Store) Update(ctx context.Context, tables []string, f func(tx *sql.Tx) error) error {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.forget(ctx, tables)
}

// forget gives tables new versions. They are random: a counter that ended would begin
// again at a number that it had before.
func (s *Store) forget(ctx context.Context, tables []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hold)
	defer cancel()
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, table := range tables {
			p.Set(ctx, s.versionKey(table), rand.Text(), 2*life)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotTold, err)
	}
	return nil
}
