package expiry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	pages   = 5000 // of a cache, all written at once
	pageTTL = 5 * time.Minute
)

// region: jitter

// jitter is a time to live of 90 to 110 per cent.
func jitter(ttl time.Duration) time.Duration {
	return ttl*9/10 + rand.N(ttl/5)
}

// endregion

// spreading writes a cache in one go, twice, and asks in which second each page
// will end.
func spreading(ctx context.Context, r *unit.Run, rdb *redis.Client) error {
	r.Step("A cache of %s pages is filled after a deploy, each for five minutes. In which second will each end?", unit.Figure(pages, ""))
	chart := unit.Chart{Kind: unit.Lines, Title: "Pages that end, by second", XLabel: "s", Unit: "pages"}
	for _, way := range []struct {
		name, label string
		ttl         func(time.Duration) time.Duration
	}{
		{"same", "the same time to live", func(ttl time.Duration) time.Duration { return ttl }},
		{"jitter", "with jitter", jitter},
	} {
		ends, err := fillPages(ctx, rdb, way.name, way.ttl)
		if err != nil {
			return err
		}
		peak := 0
		series := unit.Series{Name: way.label}
		for second := int(pageTTL.Seconds()) * 85 / 100; second <= int(pageTTL.Seconds())*115/100; second++ {
			peak = max(peak, ends[second])
			series.Points = append(series.Points, unit.Point{X: float64(second), Y: float64(ends[second])})
		}
		chart.Series = append(chart.Series, series)
		r.Metric(unit.Metric{Name: "peak_" + way.name, Label: "pages end in the worst second, " + way.label, Value: float64(peak)})
	}
	r.Chart(chart)
	return nil
}

// fillPages returns how many pages end in each second from now.
func fillPages(ctx context.Context, rdb *redis.Client, name string, ttl func(time.Duration) time.Duration) (map[int]int, error) {
	begun := time.Now()
	page := func(i int) string { return fmt.Sprintf("page:%s:%d", name, i) }
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range pages {
			p.Set(ctx, page(i), "<html>", ttl(pageTTL))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	since := time.Since(begun)
	left, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range pages {
			p.PTTL(ctx, page(i))
		}
		return nil
	})
	ends := map[int]int{}
	for _, cmd := range left {
		end := since + cmd.(*redis.DurationCmd).Val()
		ends[int(end.Round(time.Second)/time.Second)]++ // so that no border lies at 300 s
	}
	return ends, err
}
