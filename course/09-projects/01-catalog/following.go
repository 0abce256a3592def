package catalog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// looks is how often the other instance is looked at after a change, and pace how
// long between two looks.
const (
	looks = 100
	pace  = 5 * time.Millisecond
)

// region: memory

// inMemory keeps what it read for as long as the process lives.
func inMemory(read reader) reader {
	var known sync.Map
	return func(ctx context.Context, id int) (int, error) {
		if price, ok := known.Load(id); ok {
			return price.(int), nil
		}
		price, err := read(ctx, id)
		if err == nil {
			known.Store(id, price)
		}
		return price, err
	}
}

// endregion

// following changes a price through one instance and looks at the other, which
// keeps prices in its memory.
func following(ctx context.Context, r *unit.Run) error {
	d := newDepot(time.Millisecond)
	key := r.Key(fmt.Sprintf("memory:%d", kettle))
	other := inMemory(aside(r.Redis(), r.Key("memory:"), d.load))
	stale, err := watch(ctx, d, other, func() error { return r.Redis().Del(ctx, key).Err() })
	if err != nil {
		return err
	}
	r.Step("The price changes at one instance. The other keeps prices in its memory and is never told.")
	r.Metric(unit.Metric{Name: "stale_never", Label: fmt.Sprintf("old prices in %d looks, never told", looks), Value: float64(stale), Tone: unit.Bad})
	if !r.Has(unit.NeedRedis) {
		return nil // the embedded server pushes nothing
	}
	r.Step("The same, and Redis tells it (kit/cache with a first layer).")
	if stale, err = told(ctx, r, d); err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "stale_told", Label: fmt.Sprintf("old prices in %d looks, told by Redis", looks), Value: float64(stale), Tone: unit.Good})
	return nil
}

// watch changes the price and counts how often the other instance answers the old
// one.
func watch(ctx context.Context, d *depot, other reader, invalidate func() error) (stale int, err error) {
	const before, after = 4990, 2495
	d.set(kettle, before)
	if _, err := other(ctx, kettle); err != nil {
		return 0, err
	}
	d.set(kettle, after)
	if err := invalidate(); err != nil {
		return 0, err
	}
	for range looks {
		price, err := other(ctx, kettle)
		if err != nil {
			return 0, err
		}
		if price != after {
			stale++
		}
		time.Sleep(pace)
	}
	return stale, nil
}

// told is watch for an instance that Redis tells of changes.
func told(ctx context.Context, r *unit.Run, d *depot) (stale int, err error) {
	// region: told
	open := func(rdb *redis.Client) (*cache.Cache[int, int], error) {
		return cache.New(rdb, cache.Options[int, int]{
			Name: r.Space("told"), TTL: minute,
			Local: cache.Local{Entries: 10_000, TTL: minute}, // Redis tells: Run below
		})
	}
	// endregion
	here, err := open(r.Client("catalog-1", nil))
	if err != nil {
		return 0, err
	}
	there, err := open(r.Client("catalog-2", nil))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = there.Run(ctx) }) // nil: it ends with ctx
	read := func(ctx context.Context, id int) (int, error) { return there.Fetch(ctx, id, d.load) }
	return watch(ctx, d, read, func() error { return here.Invalidate(ctx, kettle) })
}
