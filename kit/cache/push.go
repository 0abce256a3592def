package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-grind/grind/kit/internal/track"
)

// Run keeps Options.Local up to date with what other processes invalidate,
// until ctx ends; then it returns nil. Without it, and while its connection to
// Redis is broken, a value can stay in memory for Local.TTL after another
// process invalidated it. Whenever a message may have been missed, memory is
// emptied.
//
// A cache without Local needs no Run; then, and where the server cannot push,
// which is logged, Run only waits. Stats.Pushed tells whether it works. Run it
// once at a time.
//
// Redis: 1 connection to each master; CLIENT TRACKING with BCAST for the prefix
// <name>:, and a PING twice a second.
func (c *Cache[K, V]) Run(ctx context.Context) error {
	if c.local == nil {
		<-ctx.Done()
		return nil
	}
	t, err := track.New(c.client, track.Options{
		Prefix:  c.space.Prefix() + ":",
		OnKeys:  c.pushed,
		OnReset: c.forgetAll,
		Logger:  c.options.Logger,
	})
	if err == nil {
		c.tracker.Store(t)
		err = t.Run(ctx)
		c.tracker.Store(nil)
	}
	if errors.Is(err, track.ErrUnsupported) {
		c.options.Logger.Warn("cache: memory is bounded by its TTL alone", "name", c.space.Prefix(), "error", err)
		<-ctx.Done()
		return nil
	}
	if err != nil {
		return fmt.Errorf("cache: run: %w", err)
	}
	return nil
}

// pushed is told of Redis keys that have changed. Those of leases and tags are
// among them, and mean nothing for what is in memory.
func (c *Cache[K, V]) pushed(changed []string) {
	for _, key := range changed {
		if text, part, ok := c.space.Entity(key); ok && part == partValue {
			c.local.drop(name{text: text})
		}
	}
}

// forgetAll is told that any key may have changed.
func (c *Cache[K, V]) forgetAll() {
	c.local.reset()
	c.stats.localResets.Add(1)
}
