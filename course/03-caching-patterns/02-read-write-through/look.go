package lifts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// looking opens and closes lifts, with looks at the board in between, and counts
// what reaches the database.
func looking(ctx context.Context, r *unit.Run, d *database) error {
	writes, looks := r.Int("writes"), r.Int("looks")
	r.Metric(unit.Metric{Name: "writes", Label: "writes", Value: float64(writes), Minor: true})
	table := unit.Table{Title: fmt.Sprintf("%d writes, and %d looks after each", writes, looks), Columns: []string{"", "a write takes", "looks that went to the database", "the first look after a write", "a later one"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Looks that went to the database", Unit: "looks", Series: []unit.Series{{Name: "looks"}}}
	for i, w := range ways {
		r.Step("A day at the lifts: %s.", w.label)
		r.Progress("ways", i, len(ways))
		b, err := w.open(r, r.Redis())
		if err != nil {
			return err
		}
		d.loads.Store(0)
		var times [3][]time.Duration // of a write, of the first look, of a later one
		for n := range writes {
			lift, state := fmt.Sprintf("lift-%d", n%9), []string{opened, closed}[n/9%2]
			begun := time.Now()
			if err := b.write(ctx, lift, state, func(ctx context.Context) error { return d.save(ctx, lift, state) }); err != nil {
				return fmt.Errorf("%s: %w", w.label, err)
			}
			times[0] = append(times[0], time.Since(begun))
			for k := range looks {
				begun := time.Now()
				got, err := b.read(ctx, lift, d.load)
				if err == nil && got != state {
					err = fmt.Errorf("the board says %q, want %q", got, state)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", w.label, err)
				}
				times[min(k, 1)+1] = append(times[min(k, 1)+1], time.Since(begun))
			}
		}
		loads := float64(d.loads.Load())
		row := []string{w.label, "–", unit.Figure(loads, ""), "–", "–"}
		for n, what := range []struct{ metric, label string }{{"write", "a write"}, {"look", "the first look"}, {"hit", "a later look"}} {
			if len(times[n]) == 0 {
				continue // one look after each write
			}
			slices.Sort(times[n])
			us := float64(times[n][len(times[n])/2].Nanoseconds()) / 1000
			r.Metric(unit.Metric{Name: what.metric + "_" + w.name, Label: what.label + ", " + w.label, Value: us, Unit: "µs", Timing: true, Minor: true})
			if !r.Embedded() {
				row[[]int{1, 3, 4}[n]] = unit.Figure(us, "µs")
			}
		}
		r.Metric(unit.Metric{Name: "loads_" + w.name, Label: "looks that went to the database, " + w.label, Value: loads, Tone: w.tone})
		table.Rows = append(table.Rows, row)
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: w.label, Y: loads})
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}
