package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	peercache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/redisproc"
)

const (
	readers   = 500
	instances = 4
	slowLoad  = 100 * time.Millisecond
)

// stampede is 500 readers of a key that is not there, over four instances, each with a
// client of its own as a process has.
func stampede(ctx context.Context, server *redisproc.Server) error {
	fmt.Printf("\n%d readers of one key that is not there, %d instances, a loader of %v\n%-44s %12s %10s %10s\n", readers, instances, slowLoad, "", "origin calls", "p50", "p99")
	for _, row := range []struct {
		name string
		open func(c *redis.Client, calls *atomic.Int64) (func(context.Context) error, error)
	}{
		{"kit/cache", func(c *redis.Client, calls *atomic.Int64) (func(context.Context) error, error) {
			ours, err := cache.New(c, cache.Options[int, product]{Name: "stampede", TTL: time.Hour})
			return func(ctx context.Context) error {
				_, err := ours.Fetch(ctx, 1, func(context.Context, int) (product, error) {
					calls.Add(1)
					time.Sleep(slowLoad)
					return article, nil
				})
				return err
			}, err
		}},
		{"go-redis/cache", func(c *redis.Client, calls *atomic.Int64) (func(context.Context) error, error) {
			theirs := peercache.New(&peercache.Options{Redis: c})
			return func(ctx context.Context) error {
				var v product
				return theirs.Once(&peercache.Item{Ctx: ctx, Key: "stampede", Value: &v, TTL: time.Hour, Do: func(*peercache.Item) (any, error) {
					calls.Add(1)
					time.Sleep(slowLoad)
					return article, nil
				}})
			}, nil
		}},
	} {
		if err := rush(ctx, server, row.name, row.open); err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
	}
	return nil
}

func rush(ctx context.Context, server *redisproc.Server, name string, open func(*redis.Client, *atomic.Int64) (func(context.Context) error, error)) error {
	var (
		calls atomic.Int64
		all   sync.WaitGroup
		mu    sync.Mutex
		took  []time.Duration
		first error
	)
	reads := make([]func(context.Context) error, instances)
	for i := range reads {
		c := redis.NewClient(&redis.Options{Addr: server.Addr()})
		defer c.Close()
		if err := c.Ping(ctx).Err(); err != nil {
			return err
		}
		var err error
		if reads[i], err = open(c, &calls); err != nil {
			return err
		}
	}
	for i := range readers {
		all.Go(func() {
			begun := time.Now()
			err := reads[i%instances](ctx)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(begun))
			if first == nil {
				first = err
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	fmt.Printf("%-44s %12d %10v %10v\n", name, calls.Load(), took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond))
	return first
}
