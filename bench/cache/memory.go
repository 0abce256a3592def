package main

import (
	"context"
	"fmt"
	"time"

	peercache "github.com/go-redis/cache/v9"
	"github.com/maypok86/otter/v2"
	"github.com/redis/rueidis"

	"github.com/redis-grind/grind/bench/measure"
	"github.com/redis-grind/grind/kit/cache"
)

// fromMemory reads structs that are in this process. rueidis keeps the answers of
// the server, as bytes.
func fromMemory(ctx context.Context, addr string) ([]measure.Peer, func(), error) {
	client, err := open(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	ours, err := cache.New(client, cache.Options[int, product]{Name: "near", TTL: time.Hour, EarlyRefresh: -1, Local: cache.Local{Entries: 10 * items, TTL: time.Hour}})
	if err != nil {
		return nil, nil, err
	}
	bare, err := otter.New(&otter.Options[int, product]{MaximumSize: 10 * items})
	if err != nil {
		return nil, nil, err
	}
	near := peercache.New(&peercache.Options{Redis: client, LocalCache: peercache.NewTinyLFU(10*items, time.Hour)})
	tracked, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		return nil, nil, err
	}
	theirs := keysOf("near-peer")
	err = fill(ctx, func(ctx context.Context, i int) error {
		if _, err := ours.Fetch(ctx, i, load); err != nil {
			return err
		}
		bare.Set(i, article)
		return near.Set(&peercache.Item{Ctx: ctx, Key: theirs[i], Value: article, TTL: time.Hour})
	})
	if err != nil {
		return nil, nil, err
	}
	return []measure.Peer{
		{Name: "kit/cache", Do: func(ctx context.Context, i int) error { _, err := ours.Fetch(ctx, i, load); return err }},
		{Name: "go-redis/cache, local TinyLFU", Do: once(near, theirs, article)},
		{Name: "rueidis, client-side caching, as bytes", Do: func(ctx context.Context, i int) error {
			return tracked.DoCache(ctx, tracked.B().Get().Key(theirs[i]).Cache(), time.Hour).Error()
		}},
		{Name: "otter", Do: func(_ context.Context, i int) error {
			if _, ok := bare.GetIfPresent(i); !ok {
				return fmt.Errorf("%d is gone", i)
			}
			return nil
		}},
	}, func() { tracked.Close(); bare.StopAllGoroutines(); _ = client.Close() }, nil
}
