package queue

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// onTheWire shows what one order costs, both ways.
func onTheWire(ctx context.Context, r *unit.Run) error {
	r.Step("What one order costs on the wire, when nobody dies.")
	orders, rail := r.Key("orders"), r.Key("rail:anna")
	if err := r.Redis().LPush(ctx, orders, "table-1", "table-2", "table-3").Err(); err != nil {
		return err
	}
	cook := func(context.Context, string) error { return nil }
	for _, one := range []struct {
		metric, title string
		take          func(context.Context, *redis.Client) error
	}{
		{"trips_pocket", "one order from the pocket", func(ctx context.Context, c *redis.Client) error { return fromPocket(ctx, c, orders, cook) }},
		{"trips_rail", "one order from the rail", func(ctx context.Context, c *redis.Client) error { return fromRail(ctx, c, orders, rail, cook) }},
	} {
		seen, err := r.Trace(ctx, unit.Sample{Title: one.title}, func(ctx context.Context, c *redis.Client) error {
			return one.take(trace.WithRequest(ctx, one.title), c)
		})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: one.metric, Label: one.title, Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	}
	r.Step("Now Anna dies over the third order, and nobody takes her place. It is still there to be found.")
	err := fromRail(ctx, r.Redis(), orders, rail, func(context.Context, string) error { return errDied })
	if !errors.Is(err, errDied) {
		return err
	}
	return r.Keys(ctx, "After Anna's death", "orders", "rail:anna")
}
