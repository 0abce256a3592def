package cache

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis-grind/grind/kit/script"
)

var (
	//go:embed begin_write.lua
	beginWriteSource string
	//go:embed end_write.lua
	endWriteSource string

	beginWriteScript = script.Must(beginWriteSource, script.Idempotent())
	endWriteScript   = script.Must(endWriteSource, script.Idempotent())
)

// Write writes through: it calls write, which brings value into the database,
// and then stores value in the cache. The older value is gone from the cache
// before write is called, and readers wait, as for a load, until it has returned.
//
// The value is stored only if nothing else wrote or invalidated the key
// meanwhile: of two writes nobody can tell which one the database took last, so
// then nothing is stored, and the next reader loads.
//
// Before write is called an error means that nothing was written: without Redis
// the older value could not be removed. An error of write is returned as it is,
// wrapped, and leaves no value in the cache. ErrNotTold is the one error after
// which the database may have the new value and the cache an older one. A
// process that dies within Write leaves no value, only a lease that runs out.
//
// Redis: 2 round trips, begin_write.lua and end_write.lua, and 1 more where
// Options.TagFunc gives tags; renew.lua while write runs for long. Keys
// <name>:{<key>}:v and :l.
func (c *Cache[K, V]) Write(ctx context.Context, key K, value V, write func(ctx context.Context) error) (err error) {
	n, token := c.nameOf(key), newToken()
	g, err := c.beginWrite(ctx, n, token)
	if err != nil {
		return fmt.Errorf("cache: write %q: nothing was written: %w", n.text, err)
	}
	l := lease{token: token, grant: g}
	written := false
	defer func() { // also when write panics
		if end := c.endWrite(context.WithoutCancel(ctx), key, n, l, value, written); end != nil {
			err = errors.Join(err, fmt.Errorf("cache: write %q: %w: %w", n.text, ErrNotTold, end))
		}
	}()
	defer c.keep(ctx, n, token)()
	if err := write(ctx); err != nil {
		return fmt.Errorf("cache: write %q: %w", n.text, err)
	}
	written = true
	return nil
}

// beginWrite removes the value and makes readers wait.
func (c *Cache[K, V]) beginWrite(ctx context.Context, n name, token string) (grant, error) {
	g := grant{kind: granted, at: time.Now()}
	var err error
	g.now, _, err = beginWriteScript.Run(ctx, c.remote.pipe, n.both(), token, script.Millis(c.options.LeaseTTL)).Int64()
	c.local.drop(n)
	c.flights.forget(n)
	if err == nil {
		c.remote.clock.observe(g.at, g.now)
	}
	return g, err
}

// keep renews the lease of a write until the function that it returns is called.
func (c *Cache[K, V]) keep(ctx context.Context, n name, token string) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		renewal := time.NewTicker(c.options.LeaseTTL / 3)
		defer renewal.Stop()
		for {
			select {
			case <-renewal.C:
				_, _ = c.remote.renew(ctx, n, token) // the end of the write finds out
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// endWrite stores what was written, or sees to it that nothing is left.
func (c *Cache[K, V]) endWrite(ctx context.Context, key K, n name, l lease, value V, written bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.LeaseTTL)
	defer cancel()
	var entry []byte
	var ttl time.Duration
	if written {
		done := loaded[V]{value: value, began: l.grant.at}
		entry, ttl = c.encode(n, l, done)
		ttl -= time.Since(l.grant.at)
		stands, err := c.enter(ctx, tagging{n, c.tagsOf(key, done), l.grant.at, ttl})
		if ttl <= 0 || err != nil || !stands {
			entry = nil
		}
	}
	stored, _, err := endWriteScript.Run(ctx, c.remote.pipe, n.both(), l.token, script.Millis(max(ttl, 1)), script.Millis(c.options.ReplicaLag), entry).Bool()
	c.local.drop(n)
	c.flights.forget(n)
	switch {
	case err != nil:
		return err
	case stored:
		c.stats.stored.Add(1)
	case written:
		c.stats.refused.Add(1)
	}
	return nil
}
