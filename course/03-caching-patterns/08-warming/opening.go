package warming

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/cache/warm"
)

// slices is into how many parts the requests are cut for the curve.
const slices = 20

// edition is a cache of articles.
func edition(r *unit.Run, name string) (*cache.Cache[int, string], error) {
	return editionOn(r.Redis(), r, name)
}

func editionOn(client *redis.Client, r *unit.Run, name string) (*cache.Cache[int, string], error) {
	return cache.New(client, cache.Options[int, string]{
		Name: r.Space(name), TTL: time.Hour, EarlyRefresh: -1,
		RedisTimeout: 10 * time.Second, OriginLimit: -1, // nothing fails here, and a slow machine is no outage
	})
}

// opening lets the readers in: cold, and after warming.
func opening(ctx context.Context, r *unit.Run) error {
	articles, requests := r.Int("articles"), r.Int("requests")
	chart := unit.Chart{Kind: unit.Lines, Title: "Hits while the readers come", XLabel: "requests so far", YLabel: "hits, %", Unit: "%"}
	table := unit.Table{Title: fmt.Sprintf("%d requests for %d articles", requests, articles), Columns: []string{"", "hits of the first twentieth", "hits of the last", "queries by readers", "queries by the warmer", "most at the origin at once"}}
	for _, way := range []struct {
		name, label string
		prepare     func(ctx context.Context, r *unit.Run, a *archive, c *cache.Cache[int, string]) error
		tone        unit.Tone
	}{
		{"cold", "cold", nil, unit.Bad},
		{"rush", "warmed in a rush", rush, unit.Plain},
		{"warm", "warmed at a rate", atARate, unit.Good},
	} {
		r.Step("The doors open: %s.", way.label)
		a := newArchive(articles)
		c, err := edition(r, way.name)
		if err != nil {
			return err
		}
		if way.prepare != nil {
			if err := way.prepare(ctx, r, a, c); err != nil {
				return err
			}
		}
		byWarmer, peak := a.counts()
		if way.prepare != nil {
			r.Metric(unit.Metric{Name: "peak_" + way.name, Label: "most queries at once, " + way.label, Value: float64(peak), Tone: way.tone})
		}
		a.reset()
		hits, err := readers(ctx, a, c, articles, requests)
		if err != nil {
			return err
		}
		byReaders, crowd := a.counts()
		first, last := hits[0], hits[slices-1]
		if way.name != "rush" {
			r.Metric(unit.Metric{Name: "first_" + way.name, Label: "hits of the first twentieth, " + way.label, Value: first, Unit: "%", Tone: way.tone})
			r.Metric(unit.Metric{Name: "last_" + way.name, Label: "hits of the last twentieth, " + way.label, Value: last, Unit: "%", Minor: true})
			r.Metric(unit.Metric{Name: "origin_" + way.name, Label: "queries by readers, " + way.label, Value: float64(byReaders), Minor: true})
			series := unit.Series{Name: way.label, Tone: way.tone}
			for i, y := range hits {
				series.Points = append(series.Points, unit.Point{X: float64((i + 1) * requests / slices), Y: y})
			}
			chart.Series = append(chart.Series, series)
		}
		table.Rows = append(table.Rows, []string{way.label, unit.Figure(first, "%"), unit.Figure(last, "%"), fmt.Sprint(byReaders), fmt.Sprint(byWarmer), fmt.Sprint(max(peak, crowd))})
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// readers send the requests, twenty at a time, and return the share of hits of each
// slice, in per cent. Few articles are read often and many rarely, as it is.
func readers(ctx context.Context, a *archive, c *cache.Cache[int, string], articles, requests int) ([]float64, error) {
	random := rand.New(rand.NewPCG(5, 58))
	zipf := rand.NewZipf(random, 1.1, 1, uint64(articles-1))
	hits := make([]float64, slices)
	each := requests / slices
	for s := range slices {
		ids := make(chan int, each)
		for range each {
			ids <- int(zipf.Uint64())
		}
		close(ids)
		var (
			all    sync.WaitGroup
			missed atomic.Int64
			failed atomic.Pointer[error]
		)
		for range 20 {
			all.Go(func() {
				for id := range ids {
					_, err := c.Fetch(ctx, id, func(ctx context.Context, id int) (string, error) {
						missed.Add(1)
						return a.one(ctx, id)
					})
					if err != nil {
						failed.Store(&err)
					}
				}
			})
		}
		all.Wait()
		if err := failed.Load(); err != nil {
			return nil, *err
		}
		hits[s] = 100 * float64(int64(each)-missed.Load()) / float64(each)
	}
	return hits, nil
}

// region: rush

// rush is the warmer of the first attempt: everything, now.
func rush(ctx context.Context, r *unit.Run, a *archive, c *cache.Cache[int, string]) error {
	var all sync.WaitGroup
	errs := make(chan error, r.Int("articles"))
	for id := range r.Int("articles") {
		all.Go(func() {
			_, err := c.Fetch(ctx, id, a.one)
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// endregion

// atARate is the toolkit's.
func atARate(ctx context.Context, r *unit.Run, a *archive, c *cache.Cache[int, string]) error {
	ids := make([]int, r.Int("articles"))
	for i := range ids {
		ids[i] = i
	}
	// region: warm
	w, err := warm.New(c, a.load, warm.Options[int]{
		Rate:       float64(r.Int("rate")), // articles a second, at most
		Batch:      50,                     // to a query
		Total:      len(ids),
		OnProgress: func(p warm.Progress[int]) { r.Progress("warming", p.Done, p.Total) },
	})
	if err != nil {
		return err
	}
	during := w.Ready() // what the readiness probe answers (2.06)
	err = w.Run(ctx, warm.List(ids))
	// endregion
	r.Metric(unit.Metric{Name: "ready_during", Label: "ready before", Value: number(during), Minor: true})
	r.Metric(unit.Metric{Name: "ready_after", Label: "ready after", Value: number(w.Ready()), Minor: true})
	return err
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
