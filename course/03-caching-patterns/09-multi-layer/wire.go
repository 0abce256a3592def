package plaza

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// watching shows two lanes, a change, and what is pushed, on the wire.
func watching(ctx context.Context, r *unit.Run) error {
	r.Step("Three cars at lane 4. Before the third one the toll changes, and lane 3 is told. Watched on the wire.")
	note := "The second car is not on the wire at all: memory answered. The change is one script; right behind it Redis pushes the name of the key to the connection that listens, which has sent nothing. The third car finds nothing in Redis, takes the lease, loads and stores. That lease and store are pushed too is the price of a prefix."
	if r.Embedded() {
		note = "The second car is not on the wire at all: memory answered. The embedded server cannot push, so the third one is answered by memory too, with the old toll."
	}
	seen, err := r.Trace(ctx, unit.Sample{Title: "two lanes, one change", Note: note}, func(ctx context.Context, c *redis.Client) error {
		name := r.Space("wire")
		opened, err := lru.open(c, name, time.Hour, 10, time.Minute)
		if err != nil {
			return err
		}
		here := opened.(*layered)
		other, err := noMemory.open(r.Redis(), name, time.Hour, 0, 0)
		if err != nil {
			return err
		}
		if err := other.(*direct).tariffs.Invalidate(ctx, tariff(2)); err != nil { // Redis has the scripts from now on
			return err
		}
		var o office
		for _, n := range []int{0, 1} {
			if _, _, err := other.toll(ctx, tariff(n), o.load); err != nil {
				return err
			}
		}
		if _, _, err := here.toll(trace.WithRequest(ctx, "lane 4 opens"), tariff(1), o.load); err != nil {
			return err
		}
		if !r.Embedded() {
			stop, err := listening(ctx, c, name+":", here.memory)
			if err != nil {
				return err
			}
			defer func() { _ = stop() }()
		}
		ask := func(who string) error {
			_, _, err := here.toll(trace.WithRequest(ctx, "lane 4: "+who), tariff(0), o.load)
			return err
		}
		for _, who := range []string{"first car", "second car"} {
			if err := ask(who); err != nil {
				return err
			}
		}
		o.midnight.Store(true)
		if err := here.tariffs.Invalidate(trace.WithRequest(ctx, "lane 3: the toll has changed"), tariff(0)); err != nil {
			return err
		}
		for heard := r.Embedded(); !heard; time.Sleep(time.Millisecond) {
			_, there := here.memory.get(tariff(0))
			heard = !there
		}
		return ask("third car")
	})
	r.Metric(unit.Metric{Name: "trips_wire", Label: "three cars and a change", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	return err
}
