package keyspace

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// freeing deletes copies of one big set, by DEL and by UNLINK.
func freeing(ctx context.Context, r *unit.Run, s *shop) error {
	n := r.Int("members")
	const big, copied = "visitors", "visitors:copy"
	r.Step("A key with %s members goes by DEL, and one like it by UNLINK.", figure(n))
	const batch = 10_000
	for from := 0; from < n; from += batch {
		if err := s.people(ctx, big, from, min(from+batch, n)); err != nil {
			return err
		}
		r.Progress("filling the set", min(from+batch, n), n)
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "One big key: how long its end holds the server", Unit: "ms", Timing: true, Series: []unit.Series{{Name: "held"}}}
	for _, way := range []struct {
		label, metric string
		tone          unit.Tone
		free          func(ctx context.Context, keys ...string) *redis.IntCmd
	}{
		{"DEL", "del", unit.Bad, s.rdb.Del},
		{"UNLINK", "unlink", unit.Good, s.rdb.Unlink},
	} {
		const rounds = 3 // and the calmest counts
		var held []float64
		for i := range rounds {
			r.Progress("copying the set, and "+way.label, i, rounds)
			if err := s.rdb.Copy(ctx, big, copied, 0, true).Err(); err != nil {
				return err
			}
			ms, err := s.held(ctx, way.metric, func() error { return way.free(ctx, copied).Err() })
			if err != nil {
				return err
			}
			held = append(held, ms)
		}
		r.Metric(unit.Metric{Name: "held_" + way.metric, Label: way.label + " of " + figure(n) + " members holds the server", Value: slices.Min(held), Unit: "ms", Tone: way.tone, Timing: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: slices.Min(held)})
	}
	r.Chart(chart)
	return nil
}
