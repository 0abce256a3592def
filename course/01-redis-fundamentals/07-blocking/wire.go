package blocking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// onTheWire watches a request that fails: there is nothing to see of it.
func onTheWire(ctx context.Context, r *unit.Run) error {
	r.Step("What the wire shows: a pool of one connection, a worker in it, and a request.")
	bell := r.Key("bell")
	seen, err := r.Trace(ctx, unit.Sample{
		Title:  "a worker, and a request that fails",
		Note:   "The program sent two commands: BLPOP, and the GET of the page. The GET never got as far as Redis.",
		Client: func(o *redis.Options) { o.PoolSize, o.PoolTimeout, o.MaxRetries = 1, r.Duration("patience"), -1 },
	}, func(ctx context.Context, c *redis.Client) error {
		h := &hotel{run: r, web: c, back: c, workers: 1, bell: bell}
		if err := h.open(trace.WithRequest(ctx, "the worker")); err != nil {
			return err
		}
		err := c.Get(trace.WithRequest(ctx, "the page"), r.Key("page")).Err()
		if !errors.Is(err, redis.ErrPoolTimeout) {
			return fmt.Errorf("the request should have found no connection: %w", err)
		}
		return h.close(ctx)
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "wire_starved", Label: "commands that reached the wire, of two", Value: float64(seen.RoundTrips), Minor: true})
	return nil
}

// patience measures how long a request waits before it fails, when nobody has
// changed the retries.
func patience(ctx context.Context, r *unit.Run) error {
	limit := r.Duration("patience")
	r.Step("How long does such a request wait before it fails? PoolTimeout is %s here, and the retries are what go-redis has by default.", unit.Span(limit))
	c := r.Client("web", func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, limit })
	h := &hotel{run: r, web: c, back: c, workers: 1, bell: r.Key("bell")}
	if err := h.open(ctx); err != nil {
		return err
	}
	begun := time.Now()
	err := c.Get(ctx, r.Key("page")).Err()
	took := time.Since(begun)
	if !errors.Is(err, redis.ErrPoolTimeout) {
		return fmt.Errorf("the request should have found no connection: %w", err)
	}
	r.Metric(unit.Metric{Name: "patience", Label: "PoolTimeout", Value: ms(limit), Unit: "ms", Timing: true, Minor: true})
	r.Metric(unit.Metric{Name: "gave_up", Label: "until the request fails", Value: ms(took), Unit: "ms", Timing: true, Tone: unit.Bad})
	return h.close(ctx)
}
