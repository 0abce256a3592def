//go:build ignore

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

// answerKey names a question, with the type and the length of each part.
func (s *Store) answerKey(text string, args []any) string {
	all := sha256.New()
	for _, part := range append([]any{text}, args...) {
		shown := fmt.Sprintf("%T %v", part, part)
		fmt.Fprintf(all, "%d %s", len(shown), shown)
	}
	return s.Prefix + "answer:" + hex.EncodeToString(all.Sum(nil))
}

// A tag is the set of the keys of its answers, and of the leases of those who load.
func (s *Store) tagKey(table string) string { return s.Prefix + "tag:" + table }

// lease puts the token of a load beside the answer, and both into the sets.
var lease = redis.NewScript(`
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
for i = 3, #KEYS do
	redis.call('SADD', KEYS[i], KEYS[1], KEYS[2])
	redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
return 1`)

// store keeps an answer whose lease is still there.
var store = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
	return 0
end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1`)

// drop deletes what is in a set. The keys are named by the set, so this is for one
// server.
var drop = redis.NewScript(`
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
	redis.call('DEL', key)
end
return redis.call('DEL', KEYS[1])`)

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
	key := s.answerKey(text, args)
	kept, err := s.Redis.Get(ctx, key).Result()
	if err == nil {
		var rows Rows
		err = json.Unmarshal([]byte(kept), &rows)
		return rows, err
	}
	if !errors.Is(err, redis.Nil) {
		return read(ctx, q, text, args...)
	}
	token, keys := rand.Text(), []string{key, key + ":lease"}
	for _, table := range tables {
		keys = append(keys, s.tagKey(table))
	}
	leased := lease.Run(ctx, s.Redis, keys, token, life.Milliseconds()).Err()
	rows, err := read(ctx, q, text, args...)
	if err != nil {
		return nil, err
	}
	if kept, err := json.Marshal(rows); err == nil && leased == nil {
		_ = store.Run(ctx, s.Redis, keys[:2], token, life.Milliseconds(), kept).Err()
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
	defer tx.Rollback() // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.forget(ctx, tables)
}

// forget deletes what bears a tag.
func (s *Store) forget(ctx context.Context, tables []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hold)
	defer cancel()
	for _, table := range tables {
		if err := drop.Run(ctx, s.Redis, []string{s.tagKey(table)}).Err(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotTold, err)
		}
	}
	return nil
}
