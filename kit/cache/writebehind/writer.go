package writebehind

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/keys"
	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/script"
)

// Writer accepts writes and brings them to a database. Most callers use Put and
// Loader, and call Run in at least one process. It is safe for concurrent use.
type Writer[K comparable, V any] struct {
	client redis.UniversalClient
	pipe   *pipe.Pipe
	o      Options[K, V]
	space  keys.Space
	shards []shard

	partial atomic.Bool  // the sink says which writes of a batch failed
	aliveMS atomic.Int64 // when the sink last wrote something, by Redis's clock
}

// New returns a Writer. Nothing is sent, and no goroutine runs before Run.
func New[K comparable, V any](client redis.UniversalClient, o Options[K, V]) (*Writer[K, V], error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	space, err := keys.New(o.Prefix, "writebehind")
	if err != nil {
		return nil, fmt.Errorf("writebehind: Options.Prefix: %w", err)
	}
	return &Writer[K, V]{
		client: client,
		pipe:   pipe.New(client, pipe.Options{}),
		o:      o,
		space:  space,
		shards: shardsOf(space, o.Shards),
	}, nil
}

// Put accepts a value for a key. When it returns nil the write is in Redis, every
// Loader sees it, and it will reach the database; a write of the same key that is
// still pending was replaced.
//
// ErrFull means that nothing was accepted, ErrNotInvalidated that all was, but for
// the cached value. An error that is script.ErrUnknown, which a time-out usually
// is, leaves open whether the write was accepted. It is never repeated by itself;
// repeating it is safe, and means that this value is written last.
//
// Redis: 1 round trip, EVALSHA put.lua, O(log n) for the n pending keys of a
// shard; and those of Options.Invalidator.
func (w *Writer[K, V]) Put(ctx context.Context, key K, value V) error {
	field := w.o.FormatKey(key)
	payload, err := w.o.Codec.Encode(w.shards[w.shardOf(field)].place(field), value)
	if err != nil {
		return fmt.Errorf("writebehind: put %q: encode: %w", field, err)
	}
	return w.accept(ctx, "put", key, opPut, payload)
}

// Delete accepts the deletion of a key, in all as Put does: it replaces a write
// that is pending, and is replaced by the next Put.
//
// Redis: 1 round trip, EVALSHA put.lua, O(log n) for the n pending keys of a
// shard; and those of Options.Invalidator.
func (w *Writer[K, V]) Delete(ctx context.Context, key K) error {
	return w.accept(ctx, "delete", key, opDelete, nil)
}

func (w *Writer[K, V]) accept(ctx context.Context, what string, key K, op string, payload []byte) error {
	field := w.o.FormatKey(key)
	s := w.shards[w.shardOf(field)]
	answer, _, err := putScript.Run(ctx, w.pipe, []string{s.pending, s.due, s.since, s.dead, s.meta},
		field, op, payload, script.Millis(w.o.Delay), w.o.MaxPending/w.o.Shards).Int64s()
	if err != nil {
		return fmt.Errorf("writebehind: %s %q: %w", what, field, err)
	}
	if answer[0] == 0 {
		return fmt.Errorf("writebehind: %s %q: %w", what, field, ErrFull)
	}
	if err := w.invalidate(ctx, key); err != nil {
		return fmt.Errorf("writebehind: %s %q: %w: %w", what, field, ErrNotInvalidated, err)
	}
	return nil
}

func (w *Writer[K, V]) invalidate(ctx context.Context, keys ...K) error {
	if w.o.Invalidator == nil || len(keys) == 0 {
		return nil
	}
	return w.o.Invalidator.Invalidate(ctx, keys...)
}

// shardOf is the same in every process and every version of the program.
func (w *Writer[K, V]) shardOf(field string) int {
	h := fnv.New32a()
	h.Write([]byte(field))
	return int(h.Sum32() % uint32(len(w.shards)))
}

// byShard writes keys as text, by the shard that they are in.
func (w *Writer[K, V]) byShard(keys []K) map[int][]string {
	fields := map[int][]string{}
	for _, key := range keys {
		field := w.o.FormatKey(key)
		n := w.shardOf(field)
		fields[n] = append(fields[n], field)
	}
	return fields
}
