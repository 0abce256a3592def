package stations

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// tripping draws one map each way and counts round trips on the wire.
func tripping(ctx context.Context, r *unit.Run, keys []string) error {
	r.Step("One map each way, watched on the wire.")
	seen := map[string]int{}
	for _, w := range ways {
		l, err := open(r, time.Millisecond, nil)
		if err != nil {
			return err
		}
		if err := w.draw(ctx, l.Client, keys); err != nil { // connections are made
			return err
		}
		l.seen.Reset()
		if err := w.draw(ctx, l.Client, keys); err != nil {
			return err
		}
		seen[w.name] = l.seen.RoundTrips()
		r.Metric(unit.Metric{Name: "trips_" + w.name, Label: w.label, Value: float64(seen[w.name]), Unit: "round trips"})
		if err := l.close(); err != nil {
			return err
		}
	}
	_, err := r.Trace(ctx, unit.Sample{
		Title: "one map by a pipeline, one by futures",
		Note:  "Ten commands each. Those of the futures were sent by one goroutine, which did not wait in between; what was queued while the first was on its way went along with it.",
	}, func(ctx context.Context, c *redis.Client) error {
		if err := together(trace.WithRequest(ctx, "pipeline"), c, keys); err != nil {
			return err
		}
		return futures(trace.WithRequest(ctx, "futures"), c, keys)
	})
	return err
}

// sweeping measures how many maps a second are drawn, by how many callers.
func sweeping(ctx context.Context, r *unit.Run, keys []string) error {
	if r.Embedded() {
		return nil // throughput is all there is to it
	}
	callers := []int{1, 8, 64, 512}
	if r.Quick() {
		callers = []int{1, 64}
	}
	table := unit.Table{Title: fmt.Sprintf("Maps a second, of %d stations each", perMap), Columns: []string{"callers at once"}}
	chart := unit.Chart{Kind: unit.Lines, Title: "Maps a second", XLabel: "callers at once", YLabel: "maps a second", LogX: true, LogY: true, Timing: true}
	for _, w := range ways {
		table.Columns = append(table.Columns, w.label)
		chart.Series = append(chart.Series, unit.Series{Name: w.label})
	}
	chart.Series[0].Tone, chart.Series[2].Tone = unit.Bad, unit.Good
	for at, n := range callers {
		who := fmt.Sprintf("%d callers", n)
		if n == 1 {
			who = "one caller"
		}
		r.Step("Maps drawn by %s, one after the other.", who)
		row := []string{fmt.Sprint(n)}
		for i, w := range ways {
			rate, err := w.rate(ctx, r, keys, n)
			if err != nil {
				return err
			}
			name := map[int]string{0: "alone", len(callers) - 1: "most"}[at]
			if name != "" {
				r.Metric(unit.Metric{Name: "rate_" + w.name + "_" + name, Label: w.label + ", " + who, Value: rate, Unit: "ops/s", Timing: true, Minor: name == "alone"})
			}
			row = append(row, unit.Figure(rate, ""))
			chart.Series[i].Points = append(chart.Series[i].Points, unit.Point{X: float64(n), Y: rate})
		}
		table.Rows = append(table.Rows, row)
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// rounds is how often each rate is measured; the best counts, for whatever else
// the machine does can only slow it down.
const rounds = 3

// rate draws maps by so many callers and returns how many a second there were.
func (w way) rate(ctx context.Context, r *unit.Run, keys []string, callers int) (float64, error) {
	c := r.Client("map", func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 20, time.Minute })
	total := r.Int("requests")
	each := max(1, total/callers/rounds)
	if _, err := r.Load(ctx, w.label+", warming up", min(callers, 20), 1, func(ctx context.Context, _, _ int) error {
		return w.draw(ctx, c, keys)
	}); err != nil {
		return 0, err
	}
	best := 0.0
	for range rounds {
		took, err := r.Load(ctx, w.label, callers, each, func(ctx context.Context, _, _ int) error {
			return w.draw(ctx, c, keys)
		})
		if err != nil {
			return 0, err
		}
		best = max(best, float64(callers*each)/took.Seconds())
	}
	return best, nil
}
