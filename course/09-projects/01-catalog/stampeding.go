package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// reader reads the price of a product in one instance.
type reader func(ctx context.Context, id int) (int, error)

// region: aside

// aside is cache-aside as everybody writes it first.
func aside(rdb *redis.Client, prefix string, load reader) reader {
	return func(ctx context.Context, id int) (int, error) {
		key := prefix + strconv.Itoa(id)
		price, err := rdb.Get(ctx, key).Int()
		if !errors.Is(err, redis.Nil) {
			return price, err
		}
		if price, err = load(ctx, id); err != nil {
			return 0, err
		}
		return price, rdb.Set(ctx, key, price, time.Minute).Err()
	}
}

// endregion

// region: process

// oneInProcess lets one reader of this process ask, and gives its answer to all.
func oneInProcess(read reader) reader {
	var flights singleflight.Group
	return func(ctx context.Context, id int) (int, error) {
		price, err, _ := flights.Do(strconv.Itoa(id), func() (any, error) { return read(ctx, id) })
		if err != nil {
			return 0, err
		}
		return price.(int), nil
	}
}

// endregion

// region: lease

// oneOverAll lets one reader of all processes ask: whoever holds the lease.
func oneOverAll(rdb *redis.Client, name string, load reader) (reader, error) {
	prices, err := cache.New(rdb, cache.Options[int, int]{Name: name, TTL: time.Minute})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, id int) (int, error) { return prices.Fetch(ctx, id, load) }, nil
}

// endregion

// agreement is a way to decide who asks the warehouse.
type agreement struct {
	name, label string
	tone        unit.Tone
	instance    func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error)
}

var agreements = []agreement{
	{"aside", "nobody agrees", unit.Bad, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		return aside(rdb, r.Key("aside:"), d.load), nil
	}},
	{"process", "one in each process", unit.Plain, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		return oneInProcess(aside(rdb, r.Key("process:"), d.load)), nil
	}},
	{"lease", "one over both: a lease", unit.Good, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		return oneOverAll(rdb, r.Space("lease"), d.load)
	}},
}

// kettle is the product that the radio spoke of.
const kettle = 7

// stampeding has all readers come at once for one product, at two instances.
func stampeding(ctx context.Context, r *unit.Run) error {
	readers := r.Int("readers")
	chart := unit.Chart{Kind: unit.Bars, Title: fmt.Sprintf("%d readers of one kettle, two instances", readers), YLabel: "calls of the warehouse", LogY: true, Series: make([]unit.Series, 1)}
	for _, a := range agreements {
		r.Key(a.name + ":" + strconv.Itoa(kettle)) // is removed with the run
		r.Step("%d readers of one kettle at two instances: %s.", readers, a.label)
		d := newDepot(r.Duration("slow"))
		read, err := pair(r, func(rdb *redis.Client) (reader, error) { return a.instance(r, rdb, d) })
		if err != nil {
			return err
		}
		if failed := together(readers, func(i int) error {
			_, err := read[i%2](ctx, kettle)
			return err
		}); len(failed) > 0 {
			return failed[0]
		}
		calls := float64(d.asked(kettle))
		r.Metric(unit.Metric{Name: "calls_" + a.name, Label: a.label, Value: calls, Unit: "calls", Tone: a.tone})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: a.label, Y: calls})
	}
	r.Chart(chart)
	return nil
}

// pair makes two instances, each with a client of its own whose connections are
// made.
func pair(r *unit.Run, instance func(*redis.Client) (reader, error)) (both [2]reader, err error) {
	for i := range both {
		rdb := r.Client(fmt.Sprintf("catalog-%d", i+1), func(o *redis.Options) { o.PoolSize = r.Int("readers") })
		if both[i], err = instance(rdb); err != nil {
			return both, err
		}
	}
	return both, nil
}

// together calls f n times at the same time and returns the errors.
func together(n int, f func(i int) error) (failed []error) {
	var (
		all sync.WaitGroup
		mu  sync.Mutex
	)
	for i := range n {
		all.Go(func() {
			if err := f(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	return failed
}
