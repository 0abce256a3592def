package cache

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/redistest"
)

// A hit in memory, beside the store that it is made of.
//
//	go test -run '^$' -bench 'Local' ./kit/cache
func BenchmarkLocal(b *testing.B) {
	b.Run("otter", func(b *testing.B) {
		bare := otter.Must(&otter.Options[int64, *user]{MaximumSize: 1000, ExpiryCalculator: otter.ExpiryWriting[int64, *user](time.Hour)})
		b.Cleanup(func() { bare.StopAllGoroutines() })
		for id := range int64(500) {
			bare.Set(id, &user{id, "ann"})
		}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for id := int64(0); pb.Next(); id = (id + 1) % 500 {
				if _, ok := bare.GetIfPresent(id); !ok {
					b.Fail()
				}
			}
		})
	})
	b.Run("Fetch", func(b *testing.B) {
		c := newUsers(b, withLocal, func(o *Options[int64, user]) { o.Local.TTL = time.Hour; o.TTL = time.Hour })
		load := func(_ context.Context, id int64) (user, error) { return user{id, "ann"}, nil }
		for id := range int64(500) {
			if _, err := c.Fetch(b.Context(), id, load); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for id := int64(0); pb.Next(); id = (id + 1) % 500 {
				if _, err := c.Fetch(b.Context(), id, load); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// A hit in Redis by 128 callers: a bare GET, the cache with values that need no
// decoding, and with a struct of the same size in CBOR.
//
//	go test -run '^$' -bench 'Redis' -count 5 ./kit/cache
func BenchmarkRedis(b *testing.B) {
	b.Run("GET", func(b *testing.B) {
		client, prefix := redistest.Client(b), redistest.Prefix(b)
		p := pipe.New(client, pipe.Options{})
		for i := range benchKeys {
			if err := client.Set(b.Context(), fmt.Sprintf("%s:{%d}:v", prefix, i), make([]byte, 526), 0).Err(); err != nil {
				b.Fatal(err)
			}
		}
		inParallel(b, func(ctx context.Context, id int64) error {
			_, err := pipe.Do(ctx, p, redis.NewStringCmd(ctx, "get", fmt.Sprintf("%s:{%d}:v", prefix, id)), (*redis.StringCmd).Result)
			return err
		})
	})
	b.Run("Fetch/raw", func(b *testing.B) { benchFetch(b, codec.Raw[[]byte](), make([]byte, 500)) })
	b.Run("Fetch/cbor", func(b *testing.B) { benchFetch(b, nil, user{1, strings.Repeat("x", 488)}) })
}

const benchKeys = 100

func benchFetch[V any](b *testing.B, with codec.Codec[V], value V) {
	c, err := New(redistest.Client(b), Options[int64, V]{Name: redistest.Prefix(b), Codec: with})
	if err != nil {
		b.Fatal(err)
	}
	load := func(context.Context, int64) (V, error) { return value, nil }
	for id := range int64(benchKeys) {
		if _, err := c.Fetch(b.Context(), id, load); err != nil {
			b.Fatal(err)
		}
	}
	inParallel(b, func(ctx context.Context, id int64) error {
		_, err := c.Fetch(ctx, id, load)
		return err
	})
}

// inParallel runs something by 128 callers, each with a context that can end, as
// requests have.
func inParallel(b *testing.B, do func(context.Context, int64) error) {
	const callers = 128
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			for n := i; n < b.N; n += callers {
				if err := do(ctx, int64(n%benchKeys)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A hundred keys at once, all in Redis.
func BenchmarkFetchMany(b *testing.B) {
	c := newUsers(b)
	ids := make([]int64, 100)
	for i := range ids {
		ids[i] = int64(i)
	}
	load := func(_ context.Context, ids []int64) (map[int64]user, error) {
		m := map[int64]user{}
		for _, id := range ids {
			m[id] = user{id, "ann"}
		}
		return m, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		if m, err := c.FetchMany(b.Context(), ids, load); err != nil || len(m) != 100 {
			b.Fatal(len(m), err)
		}
	}
}
