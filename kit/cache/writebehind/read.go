package writebehind

import (
	"context"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"
)

// Pending returns the writes of these keys that have not reached the database
// yet. Keys without one, and those whose write is a dead letter, are absent.
//
// Redis: 1 round trip, an HMGET for each shard that the keys are in (in a cluster
// 1 a node, at the same time); O(1) for each key.
func (w *Writer[K, V]) Pending(ctx context.Context, keys ...K) (map[K]Write[K, V], error) {
	fields := w.byShard(keys)
	found := map[K]Write[K, V]{}
	if len(fields) == 0 {
		return found, nil
	}
	replies := map[int]*redis.SliceCmd{}
	_, err := w.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, list := range fields {
			replies[n] = p.HMGet(ctx, w.shards[n].pending, list...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("writebehind: look for %d pending keys: %w", len(keys), err)
	}
	for n, reply := range replies {
		for i, v := range reply.Val() {
			text, ok := v.(string)
			if !ok {
				continue // not pending
			}
			e, err := parseEntry(fields[n][i], text)
			if err != nil {
				return nil, fmt.Errorf("writebehind: pending: %w", err)
			}
			write, err := w.write(e)
			if err != nil {
				return nil, fmt.Errorf("writebehind: pending: %w", err)
			}
			found[write.Key] = write
		}
	}
	return found, nil
}

// Loader returns a loader for a cache that looks at what is pending before it asks
// load, so that a reader sees a write before the database does. For a key whose
// deletion is pending it answers Options.NotFound. An error of Redis is an error:
// what the database holds may be old.
//
// Redis: 1 round trip, HMGET, at each call.
func (w *Writer[K, V]) Loader(load func(context.Context, K) (V, error)) func(context.Context, K) (V, error) {
	return func(ctx context.Context, key K) (V, error) {
		var zero V
		pending, err := w.Pending(ctx, key)
		if err != nil {
			return zero, err
		}
		if write, ok := pending[key]; !ok {
			return load(ctx, key)
		} else if write.Deleted {
			return zero, w.o.NotFound
		} else {
			return write.Value, nil
		}
	}
}

// LoaderMany is Loader for many keys at once: load gets those that are not
// pending, and is not called when there are none. Keys whose deletion is pending
// are absent from the result.
//
// Redis: 1 round trip, as Pending, at each call.
func (w *Writer[K, V]) LoaderMany(load func(context.Context, []K) (map[K]V, error)) func(context.Context, []K) (map[K]V, error) {
	return func(ctx context.Context, keys []K) (map[K]V, error) {
		pending, err := w.Pending(ctx, keys...)
		if err != nil {
			return nil, err
		}
		values := make(map[K]V, len(keys))
		var rest []K
		for _, key := range keys {
			if write, ok := pending[key]; !ok {
				rest = append(rest, key)
			} else if !write.Deleted {
				values[key] = write.Value
			}
		}
		if len(rest) > 0 {
			loaded, err := load(ctx, rest)
			if err != nil {
				return nil, err
			}
			maps.Copy(values, loaded)
		}
		return values, nil
	}
}
