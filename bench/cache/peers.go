package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	peercache "github.com/go-redis/cache/v9"
	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/redisproc"
)

// product is what is read: some 550 bytes.
type product struct {
	ID          int64
	Name        string
	Description string
	PriceCents  int64
	Tags        []string
	Updated     time.Time
}

var article = product{
	ID: 4711, Name: "Teapot, cast iron, 1.2 l", Description: strings.Repeat("Keeps tea warm for an hour and a half. ", 9),
	PriceCents: 5490, Tags: []string{"kitchen", "tea", "iron", "gift"}, Updated: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
}

func (p product) size() int {
	data, err := codec.CBOR[product]().Encode("", p)
	if err != nil {
		panic(err)
	}
	return len(data)
}

// keys is how many values there are.
const keys = 1000

func load(context.Context, int) (product, error) { return article, nil }

// fromRedis reads values that are in Redis.
func fromRedis(ctx context.Context, server *redisproc.Server) ([]peer, string, func(), error) {
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	ours, err := cache.New(client, cache.Options[int, product]{Name: "ours", TTL: time.Hour, EarlyRefresh: -1})
	if err != nil {
		return nil, "", nil, err
	}
	auto, err := client.AutoPipeline()
	if err != nil {
		return nil, "", nil, err
	}
	plain := peercache.New(&peercache.Options{Redis: client})
	batched := peercache.New(&peercache.Options{Redis: auto})
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("peer:%d", i)
		if _, err := ours.Fetch(ctx, i, load); err != nil {
			return nil, "", nil, err
		}
		if err := plain.Set(&peercache.Item{Ctx: ctx, Key: names[i], Value: article, TTL: time.Hour}); err != nil {
			return nil, "", nil, err
		}
		if err := client.Set(ctx, "bare:"+names[i], make([]byte, article.size()), time.Hour).Err(); err != nil {
			return nil, "", nil, err
		}
		names[i] = "peer:" + fmt.Sprint(i)
	}
	async, err := client.AsyncAutoPipeline()
	if err != nil {
		return nil, "", nil, err
	}
	once := func(c *peercache.Cache) func(context.Context, int) error {
		return func(ctx context.Context, i int) error {
			var v product
			return c.Once(&peercache.Item{Ctx: ctx, Key: names[i%keys], Value: &v, TTL: time.Hour, Do: func(*peercache.Item) (any, error) { return article, nil }})
		}
	}
	return []peer{
		{"kit/cache, decoded", func(ctx context.Context, i int) error { _, err := ours.Fetch(ctx, i%keys, load); return err }},
		{"go-redis/cache, decoded", once(plain)},
		{"go-redis/cache, its client auto-pipelined", once(batched)},
		{"GET, auto-pipelined, not decoded", func(ctx context.Context, i int) error {
			return async.Submit(ctx, redis.NewStringCmd(ctx, "get", "bare:"+names[i%keys])).WaitContext(ctx)
		}},
		{"GET, not decoded", func(ctx context.Context, i int) error { return client.Get(ctx, "bare:"+names[i%keys]).Err() }},
	}, "A hit in Redis", func() { _ = client.Close() }, nil
}

// fromMemory reads values that are in this process.
func fromMemory(ctx context.Context, server *redisproc.Server) ([]peer, string, func(), error) {
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	ours, err := cache.New(client, cache.Options[int, product]{Name: "near", TTL: time.Hour, EarlyRefresh: -1, Local: cache.Local{Entries: 10 * keys, TTL: time.Hour}})
	if err != nil {
		return nil, "", nil, err
	}
	bare, err := otter.New(&otter.Options[int, product]{MaximumSize: 10 * keys})
	if err != nil {
		return nil, "", nil, err
	}
	near := peercache.New(&peercache.Options{Redis: client, LocalCache: peercache.NewTinyLFU(10*keys, time.Hour)})
	tracked, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}})
	if err != nil {
		return nil, "", nil, err
	}
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("near-peer:%d", i)
		if _, err := ours.Fetch(ctx, i, load); err != nil {
			return nil, "", nil, err
		}
		bare.Set(i, article)
		if err := near.Set(&peercache.Item{Ctx: ctx, Key: names[i], Value: article, TTL: time.Hour}); err != nil {
			return nil, "", nil, err
		}
	}
	return []peer{
		{"kit/cache, in memory", func(ctx context.Context, i int) error { _, err := ours.Fetch(ctx, i%keys, load); return err }},
		{"go-redis/cache, local TinyLFU", func(ctx context.Context, i int) error {
			var v product
			return near.Once(&peercache.Item{Ctx: ctx, Key: names[i%keys], Value: &v, TTL: time.Hour, Do: func(*peercache.Item) (any, error) { return article, nil }})
		}},
		{"rueidis, client-side caching, not decoded", func(ctx context.Context, i int) error {
			return tracked.DoCache(ctx, tracked.B().Get().Key(names[i%keys]).Cache(), time.Hour).Error()
		}},
		{"otter", func(_ context.Context, i int) error {
			if _, ok := bare.GetIfPresent(i % keys); !ok {
				return fmt.Errorf("%d is gone", i%keys)
			}
			return nil
		}},
	}, "A hit in memory", func() { tracked.Close(); _ = client.Close() }, nil
}
