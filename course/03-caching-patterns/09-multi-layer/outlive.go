package plaza

import (
	"context"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// keeper is one way to keep in memory what Redis holds.
type keeper struct {
	name, label string
	tone        unit.Tone
	ask         func(ctx context.Context, key string) (string, error)
}

// keepers are four of them, over one cache in Redis.
func keepers(r *unit.Run, tariffs *shared, life time.Duration, o *office) ([]keeper, error) {
	forever := &naive{direct: direct{tariffs}, memory: map[string]string{}}
	own := newMemory(held, time.Minute, false)
	bound := &layered{tariffs, newMemory(held, time.Minute, false)}
	library, err := openLocal(r.Redis(), r.Space("outlived"), life, held, time.Minute)
	toll := func(l lane) func(context.Context, string) (string, error) {
		return func(ctx context.Context, key string) (string, error) {
			text, _, err := l.toll(ctx, key, o.load)
			return text, err
		}
	}
	return []keeper{
		{"map", "a map", unit.Bad, toll(forever)},
		{"own", "an end of its own: a minute", unit.Bad, func(ctx context.Context, key string) (string, error) {
			if text, ok := own.get(key); ok {
				return text, nil
			}
			asked := own.begin(key)
			text, err := toll(&forever.direct)(ctx, key)
			own.keep(key, text, time.Minute, asked) // whatever Redis says
			return text, err
		}},
		{"bound", "the nearer of both ends", unit.Good, toll(bound)},
		{"kit", "kit/cache with Local", unit.Good, func(ctx context.Context, key string) (string, error) { return library.Fetch(ctx, key, o.load) }},
	}, err
}

// outliving has the entries in Redis end, and asks memories that had read them before.
func outliving(ctx context.Context, r *unit.Run) error {
	const life = 400 * time.Millisecond
	r.Step("Nobody says that the tolls have changed. The entries in Redis end after %s. When all of them are gone, what does memory say?", unit.Span(life))
	tariffs, err := cache.New(r.Redis(), patient(r.Space("outlived"), life))
	if err != nil {
		return err
	}
	var o office
	all, err := keepers(r, tariffs, life, &o)
	if err != nil {
		return err
	}
	for n := range held {
		for _, k := range all {
			if _, err := k.ask(ctx, tariff(n)); err != nil {
				return err
			}
		}
	}
	o.midnight.Store(true)
	for gone := false; !gone; time.Sleep(10 * time.Millisecond) {
		if gone, err = nothingLeft(ctx, tariffs); err != nil {
			return err
		}
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "Gone from Redis, and memory says the old toll", Unit: "tariffs", Series: []unit.Series{{Name: "tariffs"}}}
	for _, k := range all {
		old := 0
		for n := range held {
			text, err := k.ask(ctx, tariff(n))
			if err != nil {
				return err
			}
			if text == oldToll {
				old++
			}
		}
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: k.label, Y: float64(old)})
		r.Metric(unit.Metric{Name: "outlived_" + k.name, Label: "tariffs that outlived Redis, " + k.label, Value: float64(old), Tone: k.tone, Minor: true})
	}
	r.Chart(chart)
	return nil
}

// nothingLeft says whether Redis has none of the tariffs any more.
func nothingLeft(ctx context.Context, tariffs *shared) (bool, error) {
	for n := range held {
		if _, ok, err := tariffs.Peek(ctx, tariff(n)); ok || err != nil {
			return false, err
		}
	}
	return true, nil
}
