package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/redis-grind/grind/kit/script"
)

// surviving calls do, and makes an error of its panic.
func surviving(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return do()
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
			return c.offlineMany(ctx, append(items, alone...), load, values, err)
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
	for some := range slices.Chunk(items, inOneStep) {
		answers := make([]*script.Result, len(some))
		sent := time.Now()
		err = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
			for i, it := range some {
				it.token = newToken()
				answers[i] = acquireScript.Queue(ctx, b, it.name.both(), it.token, script.Millis(c.options.LeaseTTL), it.found.id())
			}
		})
		if err != nil {
			return nil, nil, nil, err
		}
		for i, it := range some {
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
					c.arrived(it, g.now, values)
				case it.found.newer:
					newer = append(newer, it)
				default:
					waiting = append(waiting, it) // its id is known now
				}
			}
		}
	}
	return yes, waiting, newer, nil
}

// arrived takes over what another process has loaded.
func (c *Cache[K, V]) arrived(it *item[K, V], now int64, values map[K]V) {
	c.stats.waited.Add(1)
	c.local.fill(it.key, it.name, &it.found, it.epoch, it.found.header.left(now))
	if !it.found.header.negative {
		values[it.key] = it.found.value
	}
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
		for some := range slices.Chunk(items, inOneStep) {
			_ = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
				for _, it := range some {
					renewScript.Queue(ctx, b, []string{it.name.lease()}, it.token, script.Millis(c.options.LeaseTTL))
				}
			})
		}
	})
	if l.err != nil {
		c.releaseMany(ctx, items)
		return nil, fmt.Errorf("cache: load %d keys: %w", len(items), l.err)
	}
	for some := range slices.Chunk(items, inOneStep) {
		killed = append(killed, c.storeSome(ctx, some, l, values)...)
	}
	return killed, nil
}

// releaseMany gives leases back; what fails ends by itself.
func (c *Cache[K, V]) releaseMany(ctx context.Context, items []*item[K, V]) {
	for some := range slices.Chunk(items, inOneStep) {
		_ = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
			for _, it := range some {
				releaseScript.Queue(ctx, b, []string{it.name.lease()}, it.token)
			}
		})
	}
}

// keeping is an item that is to be stored.
type keeping[K comparable, V any] struct {
	*item[K, V]
	value  V
	entry  []byte // nil: not to be stored after all
	ttl    time.Duration
	answer *script.Result
}

// keepMany makes entries of what was loaded.
func (c *Cache[K, V]) keepMany(items []*item[K, V], l loaded[map[K]V], values map[K]V) (writes []*keeping[K, V], tags []tagging) {
	for _, it := range items {
		one := loaded[V]{began: l.began, took: l.took}
		value, exists := l.value[it.key]
		one.value, one.negative = value, !exists
		w := &keeping[K, V]{item: it, value: one.value}
		w.entry, w.ttl = c.encode(it.name, it.lease, one)
		if w.ttl -= time.Since(it.lease.grant.at); w.ttl <= 0 {
			w.entry = nil
		}
		if w.entry != nil {
			tags = append(tags, tagging{it.name, c.tagsOf(it.key, one), l.began, w.ttl})
		}
		writes = append(writes, w)
		if exists {
			values[it.key] = value
		}
	}
	return writes, tags
}

// storeSome stores what was loaded, in one step.
func (c *Cache[K, V]) storeSome(ctx context.Context, items []*item[K, V], l loaded[map[K]V], values map[K]V) (killed []*item[K, V]) {
	writes, tags := c.keepMany(items, l, values)
	stands, err := c.enter(ctx, tags...)
	if err == nil {
		err = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
			for _, w := range writes {
				if w.entry == nil || !stands {
					w.answer = releaseScript.Queue(ctx, b, []string{w.name.lease()}, w.token)
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
			c.local.fill(w.key, w.name, &found[V]{ok: true, header: head, value: w.value, size: len(w.entry)}, w.epoch, head.left(c.remote.clock.ms()))
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
