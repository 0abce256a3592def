package guestlist

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// bothFetched fetches the guests of two nights and intersects them here.
func bothFetched(ctx context.Context, rdb redis.Cmdable, friday, saturday string) (both []string, err error) {
	first, err := rdb.SMembers(ctx, friday).Result()
	if err != nil {
		return nil, err
	}
	second, err := rdb.SMembers(ctx, saturday).Result()
	if err != nil {
		return nil, err
	}
	was := make(map[string]bool, len(first))
	for _, guest := range first {
		was[guest] = true
	}
	for _, guest := range second {
		if was[guest] {
			both = append(both, guest)
		}
	}
	return both, nil
}

// region: inter

func who(ctx context.Context, rdb redis.Cmdable, friday, saturday string) ([]string, error) {
	return rdb.SInter(ctx, friday, saturday).Result()
}

func howMany(ctx context.Context, rdb redis.Cmdable, friday, saturday string) (int64, error) {
	return rdb.SInterCard(ctx, 0, friday, saturday).Result() // 0: no limit
}

func upToTen(ctx context.Context, rdb redis.Cmdable, friday, saturday string) (int64, error) {
	return rdb.SInterCard(ctx, 10, friday, saturday).Result()
}

// endregion

// nights asks who was there on Friday and on Saturday: a tenth of each night.
func nights(ctx context.Context, r *unit.Run) error {
	n := sold(r) / 10
	friday, saturday := r.Key("friday"), r.Key("saturday")
	r.Step("Two nights with %s guests each, and a tenth of them came to both. Who?", unit.Figure(float64(n), ""))
	if err := come(ctx, r, friday, 0, n); err != nil {
		return err
	}
	if err := come(ctx, r, saturday, n-n/10, n); err != nil {
		return err
	}
	ways := []struct {
		metric, label string
		calls         int // how many of them share a round trip when they are timed
		do            func(ctx context.Context, c redis.Cmdable) error
	}{
		{"fetched", "fetch both nights, look in Go", 1, func(ctx context.Context, c redis.Cmdable) error {
			_, err := bothFetched(ctx, c, friday, saturday)
			return err
		}},
		{"sinter", "SINTER: who?", 1, func(ctx context.Context, c redis.Cmdable) error {
			_, err := who(ctx, c, friday, saturday)
			return err
		}},
		{"card", "SINTERCARD: how many?", 3, func(ctx context.Context, c redis.Cmdable) error {
			_, err := howMany(ctx, c, friday, saturday)
			return err
		}},
		{"limit", "SINTERCARD LIMIT 10: are there ten?", 50, func(ctx context.Context, c redis.Cmdable) error {
			_, err := upToTen(ctx, c, friday, saturday)
			return err
		}},
	}
	sent := unit.Chart{Kind: unit.Bars, Title: "Bytes that came back", Unit: "B", LogY: true, Series: []unit.Series{{Name: "bytes"}}}
	took := unit.Chart{Kind: unit.Bars, Title: "Time for one answer", Unit: "µs", LogY: true, Timing: true, Series: []unit.Series{{Name: "time"}}}
	for _, way := range ways {
		bytes, err := received(ctx, r, way.metric, way.label, func(ctx context.Context, c *redis.Client) error { return way.do(ctx, c) })
		if err != nil {
			return err
		}
		us, err := bestOf(way.calls, func() error { return together(ctx, r.Redis(), way.calls, way.do) })
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: way.metric + "_us", Label: way.label, Value: us, Unit: "µs", Timing: true, Minor: true})
		sent.Series[0].Points = append(sent.Series[0].Points, unit.Point{Label: way.label, Y: bytes})
		took.Series[0].Points = append(took.Series[0].Points, unit.Point{Label: way.label, Y: us})
	}
	r.Chart(sent)
	r.Chart(took)
	return nil
}

// together sends several calls in one round trip, or a single one as it is.
func together(ctx context.Context, rdb *redis.Client, calls int, do func(context.Context, redis.Cmdable) error) error {
	if calls == 1 {
		return do(ctx, rdb)
	}
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for range calls {
			if err := do(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// come writes down n guests of a night, from number first on. It does so twice: a
// hash table that has grown moves to its new place one bucket a command, and until
// it has, a walk through it meets the empty ones.
func come(ctx context.Context, r *unit.Run, key string, first, n int) error {
	const batch = 1000
	for range 2 {
		for from := 0; from < n; from += batch {
			names := make([]any, min(batch, n-from))
			for i := range names {
				names[i] = fmt.Sprintf("guest-%07d", first+from+i)
			}
			if err := r.Redis().SAdd(ctx, key, names...).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}
