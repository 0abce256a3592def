package batch

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// loader writes a price list.
type loader func(ctx context.Context, rdb *redis.Client, list []price) error

// way is one way to write the list, under the name of its metrics.
type way struct {
	name, label string
	load        loader
	callers     int
	tone        unit.Tone
}

func ways(callers int) []way {
	return []way{
		{"one", "one by one", oneByOne, 1, unit.Bad},
		{"many", fmt.Sprintf("%d callers, %d connections", callers, callers), manyCallers(callers), callers, unit.Plain},
		{"auto", fmt.Sprintf("%d callers, auto-pipelined", callers), autoPipelined(callers), callers, unit.Plain},
		{"pipeline", "one pipeline", pipelined, 1, unit.Good},
		{"mset", "MSET", mset, 1, unit.Good},
	}
}

// distances are how far away Redis is. The embedded server only counts, so one
// will do.
func distances(r *unit.Run) []time.Duration {
	if r.Embedded() {
		return []time.Duration{time.Millisecond}
	}
	return []time.Duration{0, time.Millisecond, 5 * time.Millisecond}
}

// priceList is a list of so many prices.
func priceList(r *unit.Run, name string, n int) []price {
	list := make([]price, n)
	for i := range list {
		list[i] = price{r.Key(fmt.Sprintf("%s:%d", name, i)), 100 + i}
	}
	return list
}

// loading writes the same list each way, at each distance.
func loading(ctx context.Context, r *unit.Run) error {
	list, all := priceList(r, "price", r.Int("prices")), ways(r.Int("callers"))
	r.Metric(unit.Metric{Name: "prices", Label: "prices in the list", Value: float64(len(list)), Minor: true})
	table := unit.Table{Title: fmt.Sprintf("%d prices", len(list)), Columns: []string{"way", "round trips"}}
	for _, w := range all {
		table.Rows = append(table.Rows, []string{w.label})
	}
	trips := unit.Chart{Kind: unit.Bars, Title: "Round trips for the list", Series: []unit.Series{{Name: "round trips"}}}
	speed := unit.Chart{Kind: unit.Lines, Title: "Time for the list", XLabel: "ms to Redis and back", YLabel: "ms", Unit: "ms", LogY: true, Timing: true}
	for _, w := range all {
		speed.Series = append(speed.Series, unit.Series{Name: w.label, Tone: w.tone})
	}
	for at, away := range distances(r) {
		r.Step("Redis is %d ms away.", away.Milliseconds())
		if !r.Embedded() {
			table.Columns = append(table.Columns, fmt.Sprintf("at %d ms", away.Milliseconds()))
		}
		for i, w := range all {
			took, n, err := w.measure(ctx, r, away, list)
			if err != nil {
				return err
			}
			r.Metric(unit.Metric{Name: fmt.Sprintf("ms_%s_%d", w.name, away.Milliseconds()), Label: fmt.Sprintf("%s, %d ms away", w.label, away.Milliseconds()), Value: took, Unit: "ms", Timing: true, Minor: away != 5*time.Millisecond})
			speed.Series[i].Points = append(speed.Series[i].Points, unit.Point{X: float64(away.Milliseconds()), Y: took})
			if at == len(distances(r))-1 { // the furthest: there every round trip can be told apart
				r.Metric(unit.Metric{Name: "trips_" + w.name, Label: w.label, Value: float64(n), Unit: "round trips"})
				trips.Series[0].Points = append(trips.Series[0].Points, unit.Point{Label: w.label, Y: float64(n)})
				table.Rows[i] = append(table.Rows[i][:1], append([]string{unit.Figure(float64(n), "")}, table.Rows[i][1:]...)...)
			}
			if !r.Embedded() {
				table.Rows[i] = append(table.Rows[i], unit.Figure(took, "")+" ms")
			}
		}
	}
	r.Table(table)
	r.Chart(trips)
	r.Chart(speed)
	return nil
}

// measure writes the list once, from a distance, and returns the milliseconds and
// the round trips. Connections are made before.
func (w way) measure(ctx context.Context, r *unit.Run, away time.Duration, list []price) (float64, int, error) {
	l, err := far(r, away, w.callers)
	if err != nil {
		return 0, 0, err
	}
	defer l.close() // nothing of the run is lost with it
	if err := w.load(ctx, l.Client, list[:w.callers]); err != nil {
		return 0, 0, err
	}
	before, err := worked(ctx, r)
	if err != nil {
		return 0, 0, err
	}
	l.seen.Reset()
	start := time.Now()
	if err := w.load(ctx, l.Client, list); err != nil {
		return 0, 0, err
	}
	took := float64(time.Since(start).Microseconds()) / 1000
	if w.name == "one" && away == 5*time.Millisecond {
		after, err := worked(ctx, r)
		if err != nil {
			return 0, 0, err
		}
		r.Metric(unit.Metric{Name: "worked_ms", Label: fmt.Sprintf("of these %s, Redis worked for", unit.Figure(took, "ms")), Value: after - before, Unit: "ms", Timing: true, Tone: unit.Bad})
	}
	return took, l.seen.RoundTrips(), nil
}

// worked asks Redis for how long it has executed SET since it started, in
// milliseconds. The embedded server does not know.
func worked(ctx context.Context, r *unit.Run) (float64, error) {
	if r.Embedded() {
		return 0, nil
	}
	stats, err := r.Redis().Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	_, of, _ := strings.Cut(stats, "cmdstat_set:")
	_, of, _ = strings.Cut(of, "usec=")
	of, _, _ = strings.Cut(of, ",")
	us, err := strconv.ParseFloat(of, 64)
	return us / 1000, err
}
