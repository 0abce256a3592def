package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/internal/pipe"
)

// batchLoader loads several keys; one that is not in its answer does not exist.
type batchLoader[K comparable, V any] func(context.Context, []K) (map[K]V, error)

// item is one key of a FetchMany.
type item[K comparable, V any] struct {
	key   K
	name  name
	epoch epoch
	found found[V]
	token string
	lease lease // granted
}

// FetchMany is Fetch for several keys. Those that nobody has are given to load
// together, in one call; what load leaves out does not exist, is remembered as
// that for Options.NegativeTTL, and is absent from the answer. Each key has a
// lease of its own: of two overlapping calls, in whatever processes, each key is
// loaded by one, and the other waits for it.
//
// When load fails, the answer holds what was there, and the error is load's;
// keys with a stale value (Options.StaleIfError) count as there. In other ways
// it is as Fetch; one call of load counts once against Options.OriginLimit.
//
// Redis: 1 round trip for each 200 keys, GETs in a pipeline, in a cluster 1 to
// each node; 2 more when something is loaded, acquire.lua and store.lua in
// pipelines, and 1 more where Options.TagFunc gives tags. Keys <name>:{<key>}:v and :l.
func (c *Cache[K, V]) FetchMany(ctx context.Context, ids []K, load func(ctx context.Context, ids []K) (map[K]V, error)) (map[K]V, error) {
	values := make(map[K]V, len(ids))
	asked := c.localMany(ids, values)
	if len(asked) == 0 {
		return values, nil
	}
	down := c.lookMany(ctx, asked)
	if down != nil && ctx.Err() != nil {
		return values, fmt.Errorf("cache: fetch %d keys: %w", len(ids), ctx.Err())
	}
	missing, due := c.sort(asked, values)
	detached := context.WithoutCancel(ctx)
	if len(due) > 0 {
		go c.refreshMany(detached, due, load)
	}
	if len(missing) == 0 {
		return values, nil
	}
	done := make(chan error, 1)
	fetched := map[K]V{}
	go func() {
		done <- surviving(func() error {
			if down != nil {
				c.failed(down)
				return c.offlineMany(detached, missing, load, fetched, down)
			}
			return c.leadMany(detached, missing, load, fetched, false)
		})
	}()
	select {
	case err := <-done:
		maps.Copy(values, fetched)
		return values, c.lastResorts(missing, values, err)
	case <-ctx.Done():
		return values, fmt.Errorf("cache: fetch %d keys: %w", len(ids), ctx.Err())
	}
}

// localMany takes what is in memory, and returns the rest, each key once.
func (c *Cache[K, V]) localMany(ids []K, values map[K]V) []*item[K, V] {
	var rest []*item[K, V]
	seen := make(map[K]bool, len(ids))
	for _, key := range ids {
		if seen[key] {
			continue
		}
		seen[key] = true
		if l := c.local.get(key); l == nil {
			n := c.nameOf(key)
			rest = append(rest, &item[K, V]{key: key, name: n, epoch: c.local.epoch(n)})
		} else if l.err == nil {
			values[key] = l.value
		}
	}
	return rest
}

// inOneStep is how many keys go to Redis together: what has to be done for them
// there, and on the way, must fit into RedisTimeout on a busy day.
const inOneStep = 200

// lookMany reads what Redis has.
func (c *Cache[K, V]) lookMany(ctx context.Context, items []*item[K, V]) error {
	for some := range slices.Chunk(items, inOneStep) {
		if err := c.lookSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cache[K, V]) lookSome(ctx context.Context, items []*item[K, V]) error {
	cmds := make([]redis.Cmder, len(items))
	err := c.remote.step(ctx, func(ctx context.Context) error {
		return within(ctx, func() error {
			p := c.remote.conn.Pipeline()
			for i, it := range items {
				cmds[i] = p.Get(ctx, it.name.value)
			}
			_, err := p.Exec(ctx)
			if err = fault.Cause(cmds, err); errors.Is(err, redis.Nil) {
				err = nil
			}
			pipe.Refresh(ctx, c.remote.conn, err)
			return err
		})
	})
	if err != nil && !pipe.Answered(err) {
		return err // the commands may still be under way
	}
	if _, err := c.remote.now(ctx); err != nil {
		return err
	}
	for i, it := range items {
		if data, err := cmds[i].(*redis.StringCmd).Bytes(); err == nil {
			it.found = c.decode(it.name, data)
		}
	}
	return err
}

// sort answers with what may be answered with, and returns what is missing and
// what is due to be loaded anew in the background.
func (c *Cache[K, V]) sort(items []*item[K, V], values map[K]V) (missing, due []*item[K, V]) {
	now := c.remote.clock.ms()
	for _, it := range items {
		age := c.ageOf(&it.found, now)
		if age == gone || age == lastResort {
			c.stats.misses.Add(1)
			missing = append(missing, it)
			continue
		}
		if age != fresh {
			due = append(due, it)
		}
		if age == revalidate {
			c.stats.staleHits.Add(1)
		} else {
			c.local.fill(it.key, it.name, &it.found, it.epoch, it.found.header.left(now))
		}
		if c.hit(it.name, &it.found) == nil {
			values[it.key] = it.found.value
		}
	}
	return missing, due
}

// lastResorts answers with stale values for what could not be loaded. The error
// is gone when nothing is left without one.
func (c *Cache[K, V]) lastResorts(missing []*item[K, V], values map[K]V, err error) error {
	if err == nil {
		return nil
	}
	left, now := 0, c.remote.clock.ms()
	for _, it := range missing {
		if _, ok := values[it.key]; ok {
			continue
		}
		if c.ageOf(&it.found, now) != lastResort {
			left++
			continue
		}
		values[it.key] = it.found.value
		c.stats.staleOnError.Add(1)
	}
	if left == 0 {
		return nil
	}
	return fmt.Errorf("cache: load %d of %d keys: %w", left, len(missing), err)
}

// refreshMany loads anew what nobody else does, in the background.
func (c *Cache[K, V]) refreshMany(ctx context.Context, due []*item[K, V], load batchLoader[K, V]) {
	c.stats.refreshes.Add(int64(len(due)))
	err := surviving(func() error { return c.leadMany(ctx, due, load, map[K]V{}, true) })
	if err != nil {
		c.options.Logger.Warn("cache: a refresh in the background failed", "keys", len(due), "error", err)
	}
}
