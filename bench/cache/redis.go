package main

import (
	"context"
	"time"

	peercache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/redis-grind/grind/bench/measure"
	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/codec"
)

// once reads by go-redis/cache, which keeps structs as MessagePack and bytes as they
// are.
func once[V any](c *peercache.Cache, keys []string, value V) func(context.Context, int) error {
	return func(ctx context.Context, i int) error {
		var v V
		return c.Once(&peercache.Item{Ctx: ctx, Key: keys[i], Value: &v, TTL: time.Hour, Do: func(*peercache.Item) (any, error) { return value, nil }})
	}
}

// header is what kit/cache puts before a value.
const header = 26

// decodedFromRedis reads structs that are in Redis.
func decodedFromRedis(ctx context.Context, addr string) ([]measure.Peer, func(), error) {
	client, err := open(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	ours, err := cache.New(client, cache.Options[int, product]{Name: "ours", TTL: time.Hour, EarlyRefresh: -1})
	if err != nil {
		return nil, nil, err
	}
	// A client as go-redis makes it by default, which does not end a command when its
	// context does.
	other := redis.NewClient(&redis.Options{Addr: addr})
	otherwise, err := cache.New(other, cache.Options[int, product]{Name: "ours", TTL: time.Hour, EarlyRefresh: -1})
	if err != nil {
		return nil, nil, err
	}
	auto, err := client.AutoPipeline()
	if err != nil {
		return nil, nil, err
	}
	theirs, same := keysOf("theirs"), keysOf("ours") // by hand the same is read as by ours
	plain, batched := peercache.New(&peercache.Options{Redis: client}), peercache.New(&peercache.Options{Redis: auto})
	err = fill(ctx, func(ctx context.Context, i int) error {
		if _, err := ours.Fetch(ctx, i, load); err != nil {
			return err
		}
		return plain.Set(&peercache.Item{Ctx: ctx, Key: theirs[i], Value: article, TTL: time.Hour})
	})
	if err != nil {
		return nil, nil, err
	}
	cbor := codec.CBOR[product]()
	decode := func(data []byte, err error) error {
		if err == nil {
			_, err = cbor.Decode("", data[header:])
		}
		return err
	}
	return []measure.Peer{
		{Name: "kit/cache", Do: func(ctx context.Context, i int) error { _, err := ours.Fetch(ctx, i, load); return err }},
		{Name: "kit/cache, a client that heeds no deadlines", Do: func(ctx context.Context, i int) error { _, err := otherwise.Fetch(ctx, i, load); return err }},
		{Name: "go-redis/cache", Do: once(plain, theirs, article)},
		{Name: "go-redis/cache, its client auto-pipelined", Do: once(batched, theirs, article)},
		{Name: "by hand: GET and CBOR", Do: func(ctx context.Context, i int) error { return decode(client.Get(ctx, same[i]).Bytes()) }},
		{Name: "by hand: GET and CBOR, auto-pipelined", Do: func(ctx context.Context, i int) error { return decode(auto.Get(ctx, same[i]).Bytes()) }},
	}, func() { _ = client.Close(); _ = other.Close() }, nil
}

// rawFromRedis reads bytes that are in Redis.
func rawFromRedis(ctx context.Context, addr string) ([]measure.Peer, func(), error) {
	client, err := open(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	data := article.encoded()
	ours, err := cache.New(client, cache.Options[int, []byte]{Name: "ours-raw", TTL: time.Hour, EarlyRefresh: -1, Codec: codec.Raw[[]byte]()})
	if err != nil {
		return nil, nil, err
	}
	async, err := client.AsyncAutoPipeline()
	if err != nil {
		return nil, nil, err
	}
	other, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		return nil, nil, err
	}
	theirs, same := keysOf("theirs-raw"), keysOf("ours-raw") // the bare GETs read what ours reads
	plain := peercache.New(&peercache.Options{Redis: client})
	loadRaw := func(context.Context, int) ([]byte, error) { return data, nil } //nolint:unparam // a loader is of this form
	err = fill(ctx, func(ctx context.Context, i int) error {
		if _, err := ours.Fetch(ctx, i, loadRaw); err != nil {
			return err
		}
		return plain.Set(&peercache.Item{Ctx: ctx, Key: theirs[i], Value: data, TTL: time.Hour})
	})
	if err != nil {
		return nil, nil, err
	}
	return []measure.Peer{
		{Name: "kit/cache", Do: func(ctx context.Context, i int) error { _, err := ours.Fetch(ctx, i, loadRaw); return err }},
		{Name: "go-redis/cache", Do: once(plain, theirs, data)},
		{Name: "GET, auto-pipelined", Do: func(ctx context.Context, i int) error {
			cmd := redis.NewStringCmd(ctx, "get", same[i])
			if err := async.Submit(ctx, cmd).WaitContext(ctx); err != nil {
				return err
			}
			_, err := cmd.Bytes()
			return err
		}},
		{Name: "GET", Do: func(ctx context.Context, i int) error { _, err := client.Get(ctx, same[i]).Bytes(); return err }},
		{Name: "GET by rueidis, which pipelines by itself", Do: func(ctx context.Context, i int) error {
			_, err := other.Do(ctx, other.B().Get().Key(same[i]).Build()).AsBytes()
			return err
		}},
	}, func() { _ = client.Close(); other.Close() }, nil
}
