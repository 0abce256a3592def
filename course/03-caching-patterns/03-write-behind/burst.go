package pages

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/writebehind"
)

// callers is how many requests are under way at a time.
const callers = 8

// way is one way to take a page turn.
type way struct {
	name, label string
	tone        unit.Tone
	library     *library
	put         func(ctx context.Context, reader string, page int) error
	// end brings what is pending to the database.
	end func(ctx context.Context) error
}

// region: memory

// buffer keeps the last turn of each reader in memory, until flush.
type buffer struct {
	mu      sync.Mutex
	pending map[string]turn
	version int64
}

func (b *buffer) put(_ context.Context, reader string, page int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	b.pending[reader] = turn{Key: reader, Value: page, Version: b.version}
	return nil // accepted
}

// endregion

func newBuffer() *buffer { return &buffer{pending: map[string]turn{}} }

// take empties the buffer.
func (b *buffer) take() []turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]turn, 0, len(b.pending))
	for _, t := range b.pending {
		all = append(all, t)
	}
	clear(b.pending)
	return all
}

// background calls flush every so often, until the function that it returns is
// called, and then a last time.
func background(ctx context.Context, every time.Duration, flush func(context.Context) error) (end func(context.Context) error) {
	done, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			case <-done:
				failed <- flush(ctx)
				return
			case <-tick.C:
				if err := flush(ctx); err != nil {
					failed <- err
					return
				}
			}
		}
	}()
	return func(context.Context) error { close(done); return <-failed }
}

// ways opens a library for each way.
func ways(ctx context.Context, r *unit.Run, dir string) ([]way, error) {
	all := []way{
		{name: "direct", label: "into the database, directly", tone: unit.Bad},
		{name: "memory", label: "a buffer in memory"},
		{name: "kit", label: "kit/cache/writebehind", tone: unit.Good},
	}
	for i := range all {
		var err error
		if all[i].library, err = openLibrary(ctx, dir, all[i].name, guarded); err != nil {
			return nil, err
		}
	}
	direct, memory, kit := &all[0], &all[1], &all[2]
	var version atomic.Int64
	direct.put = func(ctx context.Context, reader string, page int) error {
		return direct.library.save(ctx, []turn{{Key: reader, Value: page, Version: version.Add(1)}})
	}
	direct.end = func(context.Context) error { return nil }

	b := newBuffer()
	memory.put = b.put
	memory.end = background(ctx, r.Duration("delay"), func(ctx context.Context) error {
		turns := b.take()
		if len(turns) == 0 {
			return nil
		}
		return memory.library.save(ctx, turns)
	})

	rdb := r.Client("readers", func(o *redis.Options) { o.PoolSize = 2 * callers })
	w, err := writebehind.New(rdb, writebehind.Options[string, int]{Prefix: r.Space("pages"), Sink: kit.library.save, Delay: r.Duration("delay"), Shards: 4})
	if err != nil {
		return nil, err
	}
	worker, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(worker) }()
	kit.put = w.Put
	kit.end = func(ctx context.Context) error {
		stop()
		if err := <-ended; err != nil {
			return err
		}
		return w.Drain(ctx)
	}
	return all, nil
}

// bursting takes the same page turns three ways.
func bursting(ctx context.Context, r *unit.Run, dir string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all, err := ways(ctx, r, dir)
	if err != nil {
		return err
	}
	per := r.Int("readers") / callers
	each := r.Int("turns") / callers
	r.Metric(unit.Metric{Name: "turns", Label: "page turns", Value: float64(callers * each), Minor: true})
	table := unit.Table{Title: fmt.Sprintf("%s page turns of %d readers, %d at a time", unit.Figure(float64(callers*each), ""), callers*per, callers), Columns: []string{"", "a caller waits", "the slowest hundredth", "rows written", "commits"}}
	rows := unit.Chart{Kind: unit.Bars, Title: "Rows that the database writes", Series: []unit.Series{{Name: "rows"}}, Mark: &unit.Mark{Label: "readers", Value: float64(callers * per)}}
	waits := unit.Chart{Kind: unit.Bars, Title: "How long a caller waits, in the middle", Unit: "µs", LogY: true, Timing: true, Series: []unit.Series{{Name: "wait"}}}
	for _, w := range all {
		r.Step("The train leaves the tunnel: %s.", w.label)
		p50, p99, err := w.burst(ctx, r, each, per)
		if err != nil {
			return fmt.Errorf("%s: %w", w.label, err)
		}
		promised := map[string]int{}
		for i := range each {
			for c := range callers {
				promised[reader(c, i, per)] = i/per + 1
			}
		}
		wrong, err := w.library.behind(ctx, promised)
		if err != nil {
			return err
		}
		written, commits := float64(w.library.rows.Load()), float64(w.library.commits.Load())
		wait, slow := unit.Figure(p50, "µs"), unit.Figure(p99, "µs")
		if r.Embedded() {
			wait, slow = "–", "–"
		}
		table.Rows = append(table.Rows, []string{w.label, wait, slow, unit.Figure(written, ""), unit.Figure(commits, "")})
		rows.Series[0].Points = append(rows.Series[0].Points, unit.Point{Label: w.label, Y: written})
		waits.Series[0].Points = append(waits.Series[0].Points, unit.Point{Label: w.label, Y: p50})
		r.Metric(unit.Metric{Name: "rows_" + w.name, Label: "rows, " + w.label, Value: written, Tone: w.tone})
		r.Metric(unit.Metric{Name: "commits_" + w.name, Label: "commits, " + w.label, Value: commits, Minor: true})
		r.Metric(unit.Metric{Name: "wrong_" + w.name, Label: "readers on a wrong page, " + w.label, Value: float64(wrong), Minor: true})
		r.Metric(unit.Metric{Name: "p50_" + w.name, Label: "a caller waits, " + w.label, Value: p50, Unit: "µs", Timing: true, Minor: true})
		r.Metric(unit.Metric{Name: "p99_" + w.name, Label: "the slowest hundredth, " + w.label, Value: p99, Unit: "µs", Timing: true, Minor: true})
	}
	r.Table(table)
	r.Chart(rows)
	r.Chart(waits)
	for _, w := range all {
		if err := w.library.db.Close(); err != nil {
			return err
		}
	}
	return nil
}

// reader names who turns caller c's i-th page. A reader has one device, so one caller.
func reader(c, i, per int) string { return fmt.Sprintf("reader-%d", c*per+i%per) }

// burst sends all turns, and returns how many microseconds a caller waits.
func (w way) burst(ctx context.Context, r *unit.Run, each, per int) (p50, p99 float64, err error) {
	waits := make([][]time.Duration, callers)
	_, err = r.Load(ctx, w.label, callers, each, func(ctx context.Context, c, i int) error {
		begun := time.Now()
		err := w.put(ctx, reader(c, i, per), i/per+1)
		waits[c] = append(waits[c], time.Since(begun))
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	all := slices.Concat(waits...)
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)))].Nanoseconds()) / 1000
	}
	return at(0.5), at(0.99), w.end(ctx)
}
