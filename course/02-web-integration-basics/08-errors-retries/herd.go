package retries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/guard"
	"github.com/redis-grind/grind/kit/redisproc"
)

// wait is how long a caller waits before its n-th retry, from 0.
type wait struct {
	name, label string
	of          func(n int) time.Duration
	tone        unit.Tone
}

const base = 40 * time.Millisecond

// region: waits

// doubling waits longer each time: the same for everybody.
func doubling(n int) time.Duration { return base << min(n, 4) }

// jittered waits up to that long: for everybody something else.
func jittered(n int) time.Duration { return rand.N(doubling(n)) }

// endregion

var waits = []wait{
	{"fixed", "the same wait for all", func(int) time.Duration { return 100 * time.Millisecond }, unit.Bad},
	{"doubling", "doubling", doubling, unit.Plain},
	{"jitter", "doubling, with full jitter", jittered, unit.Good},
}

// slice is the time over which arrivals are counted together.
const slice = 20 * time.Millisecond

// herding has many callers fail at the same moment, and counts when they come back.
func herding(ctx context.Context, r *unit.Run) error {
	callers, outage := r.Int("callers"), r.Duration("outage")
	r.Step("Redis is loading for %s. %d callers find out at the same moment, and each tries again until it is let in.", unit.Span(outage), callers)
	chart := unit.Chart{Kind: unit.Lines, Title: fmt.Sprintf("Commands that arrive, in each %s", unit.Span(slice)), XLabel: "ms since the first", YLabel: "commands"}
	table := unit.Table{Title: "The herd", Columns: []string{"wait", fmt.Sprintf("most in %s, after the first", unit.Span(slice)), "commands in all"}}
	for _, w := range waits {
		arrivals, err := herd(ctx, r, w, callers, outage)
		if err != nil {
			return err
		}
		buckets, peak := count(arrivals)
		r.Metric(unit.Metric{Name: "peak_" + w.name, Label: "most retries in " + unit.Span(slice) + ": " + w.label, Value: float64(peak), Tone: w.tone})
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(peak), fmt.Sprint(len(arrivals))})
		series := unit.Series{Name: w.label, Tone: w.tone}
		for i, n := range buckets {
			series.Points = append(series.Points, unit.Point{X: float64(i) * float64(slice.Milliseconds()), Y: float64(n)})
		}
		chart.Series = append(chart.Series, series)
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// herd returns when each command arrived at the server.
func herd(ctx context.Context, _ *unit.Run, w wait, callers int, outage time.Duration) ([]time.Time, error) {
	seen := &arrivals{}
	server, err := lab.Start(ctx, redisproc.Options{}, func(o *tap.Options) { o.Sink = seen.note })
	if err != nil {
		return nil, err
	}
	defer server.Close()
	c := server.Tapped(func(o *redis.Options) {
		o.MaxRetries, o.PoolSize, o.PoolTimeout = -1, callers, time.Minute
	})
	defer c.Close()
	// Connections are made first: the herd is about commands.
	if err := together(callers, func() error { return c.Ping(ctx).Err() }); err != nil {
		return nil, err
	}
	stop, err := times(server, outage)
	if err != nil {
		return nil, err
	}
	defer stop()
	err = together(callers, func() error {
		for n := 0; ; n++ {
			err := c.Incr(ctx, "total").Err()
			if !redis.HasErrorPrefix(err, "LOADING") {
				return err
			}
			time.Sleep(w.of(n))
		}
	})
	return seen.all(), err
}

// together calls f from so many goroutines.
func together(callers int, f func() error) error {
	errs := make(chan error, callers)
	for range callers {
		go func() { errs <- f() }()
	}
	var first error
	for range callers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// arrivals notes when INCRs reached the wire.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) note(e trace.Event) {
	if e.Name == "INCR" {
		a.mu.Lock()
		a.at = append(a.at, e.At)
		a.mu.Unlock()
	}
}

func (a *arrivals) all() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at
}

// count sorts arrivals into slices of time. peak is the most in one of them after
// the first attempts, which came together by themselves.
func count(at []time.Time) (buckets []int, peak int) {
	first := at[0]
	for _, t := range at {
		if t.Before(first) {
			first = t
		}
	}
	for _, t := range at {
		i := int(t.Sub(first) / slice)
		for len(buckets) <= i {
			buckets = append(buckets, 0)
		}
		buckets[i]++
	}
	for _, n := range buckets[min(2, len(buckets)):] {
		peak = max(peak, n)
	}
	return buckets, peak
}

// budgeting counts what is sent to a server that is down, without and with a budget.
func budgeting(ctx context.Context, r *unit.Run) error {
	callers := r.Int("callers")
	r.Step("Redis stays down. %d calls, each with up to %d attempts.", callers, attempts)
	r.Metric(unit.Metric{Name: "callers", Label: "calls", Value: float64(callers), Minor: true})
	for _, way := range []struct {
		name, label string
		spare       int
		tone        unit.Tone
	}{
		{"unbounded", "commands sent, every call with all its attempts", callers * attempts, unit.Bad},
		{"budget", "commands sent, retries at most a tenth of the calls", -1, unit.Good},
	} {
		sent, err := sendInVain(ctx, callers, way.spare)
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "sent_" + way.name, Label: way.label, Value: float64(sent), Tone: way.tone})
	}
	return nil
}

// sendInVain makes calls under a guard, whose circuit never opens, of a server that is
// loading, and counts what arrives there. spare is how many retries it may make
// besides a tenth of the calls; negative is none.
func sendInVain(ctx context.Context, callers, spare int) (int, error) {
	seen := &arrivals{}
	server, err := lab.Start(ctx, redisproc.Options{}, func(o *tap.Options) { o.Sink = seen.note })
	if err != nil {
		return 0, err
	}
	defer server.Close()
	c := server.Tapped(func(o *redis.Options) { o.MaxRetries, o.PoolSize = -1, 20 })
	defer c.Close()
	stop, err := times(server, time.Hour)
	if err != nil {
		return 0, err
	}
	defer stop()
	// region: guard
	g, err := guard.New(guard.Options{
		Attempts:   attempts,
		RetryRatio: 0.1, // of the calls, all together
		RetryMin:   spare,
		BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond,
		FailureRate: -1, // the circuit is the business of 8.03
	})
	if err != nil {
		return 0, err
	}
	for range callers {
		_, err := guard.Do(ctx, g, func(ctx context.Context) (int64, error) {
			return c.Incr(ctx, "total").Result()
		}, guard.FailClosed[int64]())
		if err == nil {
			return 0, fmt.Errorf("a server that is loading has counted")
		}
	}
	// endregion
	return len(seen.all()), nil
}
