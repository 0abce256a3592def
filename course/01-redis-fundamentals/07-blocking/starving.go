package blocking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	visitors = 4 // clients of the web site, at the same time
	visits   = 5 // requests of each
)

// region: worker

// wait is a worker: it waits for one job, however long that takes.
func wait(ctx context.Context, rdb *redis.Client, bell string) error {
	for {
		err := rdb.BLPop(ctx, 0, bell).Err()
		if !errors.Is(err, redis.ErrPoolTimeout) {
			return err
		}
	}
}

// endregion

// hotel is a web process with workers in it.
type hotel struct {
	run     *unit.Run
	web     *redis.Client // of the pages
	back    *redis.Client // of the workers; may be the same
	workers int
	bell    string
	ended   chan error
}

// open lets the workers begin, and returns when they hold what connections they
// can get.
func (h *hotel) open(ctx context.Context) error {
	h.ended = make(chan error, h.workers)
	for range h.workers {
		go func() { h.ended <- wait(ctx, h.back, h.bell) }()
	}
	hold := min(h.workers, h.back.Options().PoolSize)
	for {
		if s := h.back.PoolStats(); int(s.TotalConns)-int(s.IdleConns) >= hold {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// visit lets the visitors ask for pages, and counts those that got none.
func (h *hotel) visit(ctx context.Context) (failed int, err error) {
	var without atomic.Int64
	page := h.run.Key("page")
	_, err = h.run.Load(ctx, fmt.Sprintf("requests with %d connections", h.web.Options().PoolSize), visitors, visits, func(ctx context.Context, _, _ int) error {
		err := h.web.Get(ctx, page).Err()
		if errors.Is(err, redis.ErrPoolTimeout) {
			without.Add(1)
			return nil
		}
		return err
	})
	return int(without.Load()), err
}

// close rings for every worker, and waits for their ends.
func (h *hotel) close(ctx context.Context) error {
	for range h.workers {
		if err := h.run.Redis().LPush(ctx, h.bell, "stop").Err(); err != nil {
			return err
		}
	}
	var first error
	for range h.workers {
		if err := <-h.ended; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// evening opens the hotel, counts the requests that fail, and closes it.
func (h *hotel) evening(ctx context.Context) (failed int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := h.open(ctx); err != nil {
		return 0, err
	}
	failed, err = h.visit(ctx)
	return failed, errors.Join(err, h.close(ctx))
}

// pool opens a client of this size that does not try again, so that one request
// waits for one connection, once.
func pool(r *unit.Run, name string, size int) *redis.Client {
	return r.Client(name, func(o *redis.Options) {
		o.PoolSize, o.PoolTimeout, o.MaxRetries = size, r.Duration("patience"), -1
	})
}

// starving turns the size of the pool, with the workers inside it and outside.
func starving(ctx context.Context, r *unit.Run) error {
	workers := r.Int("workers")
	r.Step("A web process: %d workers wait in BLPOP for a bell that does not ring, and %d visitors ask for pages. Pages are one GET.", workers, visitors)
	if err := r.Redis().Set(ctx, r.Key("page"), "Welcome", 0).Err(); err != nil {
		return err
	}
	shared := unit.Series{Name: "one client for all", Tone: unit.Bad}
	own := unit.Series{Name: "workers have their own", Tone: unit.Good}
	table := unit.Table{Title: "Requests that got no connection, in %", Columns: []string{"PoolSize", "one client for all", "workers have their own"}}
	for _, size := range sizes(workers) {
		both := pool(r, "web", size)
		one := &hotel{run: r, web: both, back: both, workers: workers, bell: r.Key("bell")}
		two := &hotel{run: r, web: pool(r, "web", size), back: pool(r, "workers", workers), workers: workers, bell: r.Key("bell")}
		var share [2]float64
		for i, h := range []*hotel{one, two} {
			failed, err := h.evening(ctx)
			if err != nil {
				return err
			}
			share[i] = 100 * float64(failed) / (visitors * visits)
		}
		shared.Points = append(shared.Points, unit.Point{X: float64(size), Y: share[0]})
		own.Points = append(own.Points, unit.Point{X: float64(size), Y: share[1]})
		table.Rows = append(table.Rows, []string{fmt.Sprint(size), unit.Figure(share[0], ""), unit.Figure(share[1], "")})
	}
	r.Table(table)
	r.Chart(unit.Chart{Kind: unit.Lines, Title: fmt.Sprintf("Requests that fail while %d workers wait", workers), XLabel: "connections in the pool", YLabel: "failed", Unit: "%",
		Series: []unit.Series{shared, own}, Mark: &unit.Mark{Label: "all", Value: 100}})
	r.Metric(unit.Metric{Name: "failed_full", Label: fmt.Sprintf("requests that fail, %d workers in a pool of %d", workers, workers), Value: at(shared, workers), Unit: "%", Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "failed_spare", Label: fmt.Sprintf("in a pool of %d", workers+visitors), Value: at(shared, workers+visitors), Unit: "%", Tone: unit.Good})
	r.Metric(unit.Metric{Name: "failed_own", Label: fmt.Sprintf("in a pool of %d, workers have their own", visitors), Value: at(own, visitors), Unit: "%", Tone: unit.Good})
	return nil
}

// sizes are the pools to try: below the workers, as large, and above.
func sizes(workers int) []int {
	all := []int{visitors, workers / 2, workers - 1, workers, workers + 1, workers + 2, workers + visitors}
	slices.Sort(all)
	return slices.Compact(all)
}

// at is the figure of a series for one size.

func at(s unit.Series, x int) float64 {
	for _, p := range s.Points {
		if p.X == float64(x) {
			return p.Y
		}
	}
	return -1
}
