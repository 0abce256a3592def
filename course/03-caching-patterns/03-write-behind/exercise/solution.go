//go:build solution

// Package exercise is a write-behind that loses nothing, small.
package exercise

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Client is what you work with. *redis.Client is one.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Write is a write on its way to the database.
type Write struct {
	Key, Value string
	// Version is above 0, and larger than that of every earlier write of the same
	// key, also of those that are in the database already. The database keeps it, and
	// leaves a row alone that has a larger one, or the same.
	Version int64
}

// Save writes a batch to the database in one transaction: all of it, or, with an
// error, nothing.
type Save func(ctx context.Context, batch []Write) error

// maxBatch is how many writes Save is given at most.
const maxBatch = 100

// put replaces what is pending of a key: "<version> <value>". The counter of versions
// is never removed, so they grow also for keys that are not pending any more.
var put = redis.NewScript(`
local version = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', version) .. ' ' .. ARGV[2])
return 1`)

// done removes what was saved, if it is still the same.
var done = redis.NewScript(`
for i = 1, #ARGV, 2 do
	if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
		redis.call('HDEL', KEYS[1], ARGV[i])
	end
end
return 1`)

// Put accepts a write. When it returns nil, the write lies in Redis and nowhere else:
// this process may be killed, and the Flush of another one finds it. A write of the
// same key that is still pending is replaced.
//
// What Put keeps lies at keys that begin with buffer. Keys and values of writes may
// hold any text, spaces and colons too. Put costs 1 round trip (2 the first time, if
// you use a script).
func Put(ctx context.Context, rdb Client, buffer, key, value string) error {
	return put.Run(ctx, rdb, []string{buffer, buffer + ":version"}, key, value).Err()
}

// Flush hands what is pending to save, at most maxBatch writes at a time, and takes
// out of Redis what was saved. Not before: Flush may be killed anywhere, and others
// may run Put and Flush at the same time. A write that is replaced while save runs
// stays pending.
//
// If a batch fails, each of its writes is tried alone. Those that fail alone stay
// pending, and their keys are returned; they hold up no other. An error is one of
// Redis.
//
// Flush costs 2 round trips and 1 more for each batch.
func Flush(ctx context.Context, rdb Client, buffer string, save Save) (failed []string, err error) {
	pending, err := rdb.HGetAll(ctx, buffer).Result()
	if err != nil {
		return nil, err
	}
	var writes []Write
	for key, entry := range pending {
		version, value, _ := strings.Cut(entry, " ")
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return nil, err
		}
		writes = append(writes, Write{Key: key, Value: value, Version: n})
	}
	for batch := range slices.Chunk(writes, maxBatch) {
		var saved []any
		for _, w := range trySave(ctx, batch, save) {
			saved = append(saved, w.Key, pending[w.Key])
			delete(pending, w.Key)
		}
		if len(saved) == 0 {
			continue
		}
		if err := done.Run(ctx, rdb, []string{buffer}, saved...).Err(); err != nil {
			return nil, err
		}
	}
	for key := range pending { // what is left
		failed = append(failed, key)
	}
	return failed, nil
}

// trySave returns the writes of a batch that were saved.
func trySave(ctx context.Context, batch []Write, save Save) (saved []Write) {
	if save(ctx, batch) == nil {
		return batch
	}
	for _, w := range batch {
		if save(ctx, []Write{w}) == nil {
			saved = append(saved, w)
		}
	}
	return saved
}
