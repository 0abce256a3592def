package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Invalidator is a cache. A *cache.Cache is one.
type Invalidator[K any] interface {
	Invalidate(ctx context.Context, keys ...K) error
	InvalidateTag(ctx context.Context, tags ...string) error
}

// Cache notes what is to be invalidated in one cache. It is safe for concurrent
// use.
type Cache[K any] struct {
	name  string
	cache Invalidator[K]
}

// Bind makes a cache known to an Outbox, under a name that stays the same as long
// as there are rows. Bind it in the processes that run the relay, too, before Run.
// A name that is empty or bound already is an error.
func Bind[K any](b *Outbox, name string, cache Invalidator[K]) (*Cache[K], error) {
	if name == "" {
		return nil, errors.New("outbox: bind a cache: its name must not be empty")
	}
	c := &Cache[K]{name: name, cache: cache}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.targets[name]; ok {
		return nil, fmt.Errorf("outbox: bind %q: the name is bound already", name)
	}
	b.targets[name] = c
	return c, nil
}

// Invalidate notes keys in the transaction of a batch. They are invalidated after
// its commit, and never if it is rolled back. After an error the transaction should
// be rolled back.
//
// Redis: none. SQL: 1 statement for each 100 keys.
func (c *Cache[K]) Invalidate(ctx context.Context, b *Batch, keys ...K) error {
	items := make([]string, len(keys))
	for i, key := range keys {
		text, err := json.Marshal(key)
		if err != nil {
			return fmt.Errorf("outbox: invalidate a key of %q: %w", c.name, err)
		}
		items[i] = string(text)
	}
	return b.add(ctx, c.name, false, items)
}

// InvalidateTag notes tags, in all as Invalidate does keys. Where a transaction
// touches thousands of keys, a tag is one row.
//
// Redis: none. SQL: 1 statement for each 100 tags.
func (c *Cache[K]) InvalidateTag(ctx context.Context, b *Batch, tags ...string) error {
	return b.add(ctx, c.name, true, tags)
}

// deliver is the target's side.
func (c *Cache[K]) deliver(ctx context.Context, items, tags []string) (bad []string, err error) {
	keys := make([]K, 0, len(items))
	for _, item := range items {
		var key K
		if err := json.Unmarshal([]byte(item), &key); err != nil {
			bad = append(bad, item)
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		if err := c.cache.Invalidate(ctx, keys...); err != nil {
			return bad, err
		}
	}
	if len(tags) > 0 {
		return bad, c.cache.InvalidateTag(ctx, tags...)
	}
	return bad, nil
}
