package catalog

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// loaders is how many readers ask without a break in the load test.
const loaders = 16

// loading measures how often each layer answers.
func loading(ctx context.Context, r *unit.Run) error {
	if r.Embedded() {
		return nil // there is nothing but timings
	}
	r.Step("%d readers ask without a break: the warehouse, Redis, and the memory of the process.", loaders)
	d := newDepot(20 * time.Millisecond)
	inRedis, err := layer(ctx, r, d, cache.Local{})
	if err != nil {
		return err
	}
	inProcess, err := layer(ctx, r, d, cache.Local{Entries: 100, TTL: minute})
	if err != nil {
		return err
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "Answers a second, by where they come from", Unit: "ops/s", LogY: true, Timing: true, Series: make([]unit.Series, 1)}
	for _, l := range []struct {
		name, label string
		read        reader
		each        int
	}{
		{"warehouse", "the warehouse (20 ms)", d.load, 10},
		{"redis", "Redis", inRedis, 500},
		{"memory", "the process's memory", inProcess, 5000},
	} {
		took, err := r.Load(ctx, l.label, loaders, l.each, func(ctx context.Context, _, _ int) error {
			_, err := l.read(ctx, kettle)
			return err
		})
		if err != nil {
			return err
		}
		rate := float64(loaders*l.each) / took.Seconds()
		r.Metric(unit.Metric{Name: "rate_" + l.name, Label: "answered by " + l.label, Value: rate, Unit: "ops/s", Timing: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: l.label, Y: rate})
	}
	r.Chart(chart)
	return nil
}

// layer is a cache that knows the kettle.
func layer(ctx context.Context, r *unit.Run, d *depot, local cache.Local) (reader, error) {
	prices, err := cache.New(r.Redis(), cache.Options[int, int]{Name: r.Space("layer"), TTL: minute, Local: local})
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context, id int) (int, error) { return prices.Fetch(ctx, id, d.load) }
	_, err = read(ctx, kettle)
	return read, err
}

// tracing shows the path of a request: cold, warm, and after a change.
func tracing(ctx context.Context, r *unit.Run) error {
	d := newDepot(time.Millisecond)
	_, err := r.Trace(ctx, unit.Sample{
		Title: "the path of a request: cold, warm, changed, and read again",
		Note:  "A cold read asks, takes the lease, and stores; a warm one asks. What a change invalidates takes the lease with it: whoever was loading meanwhile stores nothing.",
	}, func(ctx context.Context, c *redis.Client) error {
		prices, err := cache.New(c, cache.Options[int, int]{Name: r.Space("path"), TTL: minute})
		if err != nil {
			return err
		}
		for _, request := range []string{"cold", "warm", "change", "again"} {
			ctx := trace.WithRequest(ctx, request)
			if request == "change" {
				err = prices.Invalidate(ctx, kettle)
			} else {
				_, err = prices.Fetch(ctx, kettle, d.load)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
