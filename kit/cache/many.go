package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/script"
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
// Redis: 1 round trip for all keys, GETs in a pipeline, in a cluster 1 to each
// node; 2 more when something is loaded, acquire.lua and store.lua in pipelines,
// and 1 more where Options.TagFunc gives tags. Keys <name>:{<key>}:v and :l.
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
		if down != nil {
			c.failed(down)
			done <- c.offlineMany(detached, missing, load, fetched, down)
			return
		}
		done <- c.leadMany(detached, missing, load, fetched, false)
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

// lookMany reads what Redis has.
func (c *Cache[K, V]) lookMany(ctx context.Context, items []*item[K, V]) error {
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
	if _, known := c.remote.clock.now(); !known {
		if err := c.remote.readClock(ctx); err != nil {
			return err
		}
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
	for _, it := range items {
		age := c.ageOf(it.found)
		if age == gone || age == lastResort {
			c.stats.misses.Add(1)
			missing = append(missing, it)
			continue
		}
		if age != fresh {
			due = append(due, it)
		}
		if age != revalidate {
			c.local.fill(it.key, it.name, it.found, it.epoch, c.freshFor(it.found.header))
		}
		if r, err := c.hit(it.name, it.found); err == nil {
			values[it.key] = r.Value
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
	left := 0
	for _, it := range missing {
		if _, ok := values[it.key]; ok {
			continue
		}
		if c.ageOf(it.found) != lastResort {
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
	if err := c.leadMany(ctx, due, load, map[K]V{}, true); err != nil {
		c.options.Logger.Warn("cache: a refresh in the background failed", "keys", len(due), "error", err)
	}
}

// leadMany gets the values of items from Redis or from the origin, as lead does
// for one. A refresh leaves out those that somebody else is at work on.
func (c *Cache[K, V]) leadMany(ctx context.Context, items []*item[K, V], load batchLoader[K, V], values map[K]V, refresh bool) error {
	began := time.Now()
	items, alone := split(items, func(it *item[K, V]) bool { return !it.found.newer })
	for loads := 0; len(items)+len(alone) > 0; alone = nil {
		granted, waiting, newer, err := c.acquireMany(ctx, items, values)
		if err != nil {
			c.failed(err)
			return c.offlineMany(ctx, items, load, values, err)
		}
		if alone = append(alone, newer...); len(alone) > 0 && !refresh {
			if err := c.loadAlone(ctx, alone, load, values); err != nil {
				return err
			}
		}
		if len(granted) > 0 {
			loads++
			killed, err := c.loadMany(ctx, granted, load, values)
			if err != nil {
				return err
			}
			if loads < maxLoads && time.Since(began) < c.options.LoadTimeout {
				waiting = append(waiting, killed...)
			}
		}
		if refresh || len(waiting) == 0 {
			return nil
		}
		waited := time.Since(began)
		if waited >= c.options.Wait {
			return c.loadAlone(ctx, waiting, load, values)
		}
		if len(granted) == 0 {
			time.Sleep(pause(waited, c.options.Wait-waited))
		}
		items = waiting
	}
	return nil
}

// split returns the items of which is holds, and the others.
func split[T any](items []T, is func(T) bool) (yes, no []T) {
	for _, it := range items {
		if is(it) {
			yes = append(yes, it)
		} else {
			no = append(no, it)
		}
	}
	return yes, no
}

// acquireMany asks for the leases of all items at once. What is present goes to
// values; newer are those that must not be overwritten.
func (c *Cache[K, V]) acquireMany(ctx context.Context, items []*item[K, V], values map[K]V) (yes, waiting, newer []*item[K, V], err error) {
	if len(items) == 0 {
		return nil, nil, nil, nil
	}
	answers := make([]*script.Result, len(items))
	sent := time.Now()
	err = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
		for i, it := range items {
			it.token = newToken()
			answers[i] = acquireScript.Queue(ctx, b, it.name.both(), it.token, script.Millis(c.options.LeaseTTL), it.found.id)
		}
	})
	if err != nil {
		return nil, nil, nil, err
	}
	for i, it := range items {
		g, err := c.remote.readGrant(sent, answers[i])
		if err != nil {
			return nil, nil, nil, err
		}
		switch g.kind {
		case granted:
			it.lease = lease{token: it.token, grant: g}
			yes = append(yes, it)
		case busy:
			waiting = append(waiting, it)
		case present:
			it.found = c.decode(it.name, g.entry)
			switch {
			case it.found.ok:
				c.stats.waited.Add(1)
				c.local.fill(it.key, it.name, it.found, it.epoch, c.freshFor(it.found.header))
				if !it.found.header.negative {
					values[it.key] = it.found.value
				}
			case it.found.newer:
				newer = append(newer, it)
			default:
				waiting = append(waiting, it) // its id is known now
			}
		}
	}
	return yes, waiting, newer, nil
}

// callMany runs the loader for items, and counts it.
func (c *Cache[K, V]) callMany(ctx context.Context, items []*item[K, V], load batchLoader[K, V], renew func(context.Context)) loaded[map[K]V] {
	ids := make([]K, len(items))
	for i, it := range items {
		ids[i] = it.key
	}
	c.stats.loads.Add(1)
	l := call(ctx, c.options.LoadTimeout, c.options.LeaseTTL/3, func(ctx context.Context, _ *Entry) (map[K]V, error) { return load(ctx, ids) }, renew)
	if l.negative { // of all of them
		l.err = nil
	}
	if l.err != nil {
		c.stats.loadErrors.Add(1)
	}
	return l
}

// loadMany loads under leases and stores the results. killed are those whose
// lease did not stand until the end; their values are in values all the same.
func (c *Cache[K, V]) loadMany(ctx context.Context, items []*item[K, V], load batchLoader[K, V], values map[K]V) (killed []*item[K, V], err error) {
	l := c.callMany(ctx, items, load, func(ctx context.Context) {
		_ = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
			for _, it := range items {
				renewScript.Queue(ctx, b, []string{it.name.lease}, it.token, script.Millis(c.options.LeaseTTL))
			}
		})
	})
	if l.err != nil {
		c.releaseMany(ctx, items)
		return nil, fmt.Errorf("cache: load %d keys: %w", len(items), l.err)
	}
	return c.storeMany(ctx, items, l, values), nil
}

// releaseMany gives leases back; what fails ends by itself.
func (c *Cache[K, V]) releaseMany(ctx context.Context, items []*item[K, V]) {
	_ = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
		for _, it := range items {
			releaseScript.Queue(ctx, b, []string{it.name.lease}, it.token)
		}
	})
}

// storeMany stores what was loaded.
func (c *Cache[K, V]) storeMany(ctx context.Context, items []*item[K, V], l loaded[map[K]V], values map[K]V) (killed []*item[K, V]) {
	type write struct {
		*item[K, V]
		entry  []byte
		ttl    time.Duration
		value  V
		answer *script.Result
	}
	var writes []*write
	var tags []tagging
	for _, it := range items {
		one := loaded[V]{began: l.began, took: l.took}
		var exists bool
		if one.value, exists = l.value[it.key]; exists {
			values[it.key] = one.value
		}
		one.negative = !exists
		entry, ttl := c.encode(it.name, it.lease, one)
		if ttl -= time.Since(it.lease.grant.at); entry == nil || ttl <= 0 {
			writes = append(writes, &write{item: it})
			continue
		}
		writes = append(writes, &write{item: it, entry: entry, ttl: ttl, value: one.value})
		tags = append(tags, tagging{it.name, c.tagsOf(it.key, one), l.began, ttl})
	}
	stands, err := c.enter(ctx, tags...)
	if err == nil {
		err = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
			for _, w := range writes {
				if w.entry == nil || !stands {
					w.answer = releaseScript.Queue(ctx, b, []string{w.name.lease}, w.token)
				} else {
					w.answer = storeScript.Queue(ctx, b, w.name.both(), w.token, script.Millis(w.ttl), w.entry)
				}
			}
		})
	}
	if err != nil {
		c.failed(err)
		return nil
	}
	for _, w := range writes {
		done, _, _ := w.answer.Bool()
		switch {
		case !done || !stands:
			c.stats.refused.Add(1)
			killed = append(killed, w.item)
		case w.entry != nil:
			c.stats.stored.Add(1)
			head, _, _ := parseHeader(w.entry)
			c.local.fill(w.key, w.name, found[V]{ok: true, header: head, value: w.value, size: len(w.entry)}, w.epoch, c.freshFor(head))
		}
	}
	return killed
}

// loadAlone loads for this call alone.
func (c *Cache[K, V]) loadAlone(ctx context.Context, items []*item[K, V], load batchLoader[K, V], values map[K]V) error {
	c.stats.unstored.Add(int64(len(items)))
	l := c.callMany(ctx, items, load, func(context.Context) {})
	if l.err != nil {
		return fmt.Errorf("cache: load %d keys: %w", len(items), l.err)
	}
	for _, it := range items {
		if v, ok := l.value[it.key]; ok {
			values[it.key] = v
		}
	}
	return nil
}

// offlineMany loads when Redis did not answer, as offline does.
func (c *Cache[K, V]) offlineMany(ctx context.Context, items []*item[K, V], load batchLoader[K, V], values map[K]V, cause error) error {
	if !outOfMemory(cause) {
		if !c.origin.enter() {
			c.stats.overloaded.Add(1)
			return fmt.Errorf("cache: load %d keys: %w: %w", len(items), ErrOverloaded, cause)
		}
		defer c.origin.leave()
	}
	return c.loadAlone(ctx, items, load, values)
}
