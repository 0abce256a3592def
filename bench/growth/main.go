// Command growth shows what an operation of kit/cache costs as the number of entities
// grows, up to a million, and what an entity takes in memory.
//
//	go run ./growth
//	go run ./growth -upto 10000000
//
// One caller does one after the other. An entity is a value of 100 bytes with one
// tag, which it shares with 99 others.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/bench/measure"
	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
)

const (
	perTag = 100
	calls  = 2000 // of each operation, at each number
	rounds = 20   // of invalidations by tag, for each of which 100 entities come back
)

func main() {
	upTo := flag.Int("upto", 1_000_000, "the greatest number of entities")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *upTo)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, upTo int) error {
	server, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	client, err := connect.Open(ctx, connect.Options{URL: server.URL()})
	if err != nil {
		return err
	}
	defer client.Close()
	g := &growth{client: client, random: rand.New(rand.NewPCG(1, 1)), value: make([]byte, 100)}
	if err := g.open(upTo); err != nil {
		return err
	}
	fmt.Printf("%s; Redis %s. Medians, one caller; µs.\n\n", measure.Machine(), server.Version())
	fmt.Printf("%10s %12s %12s %12s %12s %14s %14s\n", "entities", "hit, Redis", "hit, memory", "invalidate", "by tag (100)", "B in Redis", "B in memory")
	for n := 1000; n <= upTo; n *= 10 {
		if err := g.row(ctx, n); err != nil {
			return fmt.Errorf("%d entities: %w", n, err)
		}
	}
	return nil
}

// growth is the run.
type growth struct {
	client      redis.UniversalClient
	far, near   *cache.Cache[int, []byte] // without a memory, and with one, on the same keys
	random      *rand.Rand
	value       []byte
	have        int
	base        int64 // what Redis takes without entities
	bytes, heap float64
}

func (g *growth) open(upTo int) error {
	o := cache.Options[int, []byte]{
		Name: "growth", TTL: time.Hour, EarlyRefresh: -1, RedisTimeout: 10 * time.Second, Codec: codec.Raw[[]byte](),
		TagFunc: func(key int, _ []byte) []string { return []string{strconv.Itoa(key / perTag)} },
	}
	var err error
	if g.far, err = cache.New(g.client, o); err != nil {
		return err
	}
	o.Local = cache.Local{Entries: 2 * upTo, TTL: time.Hour}
	g.near, err = cache.New(g.client, o)
	return err
}

func (g *growth) load(context.Context, int) ([]byte, error) { return g.value, nil }

// row grows to n entities and measures.
func (g *growth) row(ctx context.Context, n int) error {
	if err := g.grow(ctx, n); err != nil {
		return err
	}
	hit, err := median(calls, func() error { _, err := g.far.Fetch(ctx, g.random.IntN(n), g.load); return err })
	if err != nil {
		return err
	}
	memory, err := g.memory(ctx, n)
	if err != nil {
		return err
	}
	invalidate, err := median(calls, func() error { return g.far.Invalidate(ctx, g.random.IntN(n)) })
	if err != nil {
		return err
	}
	if err := g.fill(ctx, 0, n); err != nil { // what was invalidated comes back
		return err
	}
	tags := make([]time.Duration, 0, rounds)
	for range rounds {
		tag := g.random.IntN(n / perTag)
		took, err := median(1, func() error { return g.far.InvalidateTag(ctx, strconv.Itoa(tag)) })
		if err != nil {
			return err
		}
		tags = append(tags, took)
		if err := g.fill(ctx, tag*perTag, (tag+1)*perTag); err != nil {
			return err
		}
	}
	slices.Sort(tags)
	us := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Nanoseconds())/1000) }
	fmt.Printf("%10d %12s %12s %12s %12s %14.0f %14.0f\n", n, us(hit), us(memory), us(invalidate), us(tags[rounds/2]), g.bytes, g.heap)
	return nil
}

// grow adds entities, and notes what each takes.
func (g *growth) grow(ctx context.Context, n int) error {
	if g.have == 0 {
		var err error
		if g.base, err = g.used(ctx); err != nil {
			return err
		}
	}
	if err := g.fill(ctx, g.have, n); err != nil {
		return err
	}
	g.have = n
	used, err := g.used(ctx)
	g.bytes = float64(used-g.base) / float64(n)
	return err
}

// fill has the entities from one to another in Redis.
func (g *growth) fill(ctx context.Context, from, to int) error {
	ids := make([]int, 0, 1000)
	for first := from; first < to; first += cap(ids) {
		ids = ids[:0]
		for id := first; id < min(first+cap(ids), to); id++ {
			ids = append(ids, id)
		}
		_, err := g.far.FetchMany(ctx, ids, func(_ context.Context, ids []int) (map[int][]byte, error) {
			all := make(map[int][]byte, len(ids))
			for _, id := range ids {
				all[id] = g.value
			}
			return all, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// memory brings all entities into the memory of the process and reads them there,
// a thousand at a time, for one alone is too short for the clock.
func (g *growth) memory(ctx context.Context, n int) (time.Duration, error) {
	before := heap()
	ids := make([]int, 0, 1000)
	for first := 0; first < n; first += cap(ids) {
		ids = ids[:0]
		for id := first; id < min(first+cap(ids), n); id++ {
			ids = append(ids, id)
		}
		if _, err := g.near.FetchMany(ctx, ids, nil); err != nil {
			return 0, err
		}
	}
	if added := n - n/10; n > 1000 { // the others have been there since the row before
		g.heap = (heap() - before) / float64(added)
	} else {
		g.heap = (heap() - before) / float64(n)
	}
	loads := g.near.Stats().Hits
	const together = 1000
	took, err := median(calls/10, func() error {
		for range together {
			if _, err := g.near.Fetch(ctx, g.random.IntN(n), g.load); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && g.near.Stats().Hits != loads {
		err = fmt.Errorf("%d reads were not answered from memory", g.near.Stats().Hits-loads)
	}
	return took / together, err
}

// median calls something several times, and returns how long it took.
func median(times int, do func() error) (time.Duration, error) {
	took := make([]time.Duration, times)
	for i := range took {
		begun := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return took[times/2], nil
}

// used is what Redis says that it takes, in bytes.
func (g *growth) used(ctx context.Context) (int64, error) {
	text, err := g.client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	n, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseInt(n, 10, 64)
}

// heap is what this process holds, in bytes.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what the first has made collectable
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
