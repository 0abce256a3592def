package seeds

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// june is the month whose page is visited.
const june = 6

// step is one way to serve the page.
type step struct {
	name, label string
	page        func(ctx context.Context, ask ask, month int) (rows, error)
	cached      bool
	tone        unit.Tone
}

// The steps, in the order in which they are tried: before the index, and after it.
var (
	before = []step{
		{"plain", "as written: N+1 queries", each, false, unit.Bad},
		{"each_cached", "each of them cached", each, true, unit.Bad},
	}
	after = []step{
		{"indexed", "no cache, an index", each, false, unit.Plain},
		{"joined", "one query", joined, false, unit.Plain},
		{"cached", "one query, cached", joined, true, unit.Good},
	}
)

// cost is what a page costs in one database.
type cost struct {
	first, later   time.Duration
	queries, trips int64 // of a later visit
	misses         int64 // queries of the first
}

// climbing goes up the steps.
func climbing(ctx context.Context, r *unit.Run, all []*library) error {
	if err := explaining(ctx, r, all, "before", "How the packets of one variety are found"); err != nil {
		return err
	}
	costs := map[string][]cost{}
	if err := visiting(ctx, r, all, before, costs); err != nil {
		return err
	}
	r.Step("The index.")
	for _, l := range all {
		for _, text := range []string{index, `ANALYZE`} {
			if _, err := l.ExecContext(ctx, text); err != nil {
				return err
			}
		}
	}
	if err := explaining(ctx, r, all, "after", "And with the index"); err != nil {
		return err
	}
	if err := visiting(ctx, r, all, after, costs); err != nil {
		return err
	}
	if _, err := showPlans(ctx, r, all, "The plan of the one query", sowInWithPackets, june); err != nil {
		return err
	}
	report(r, all, costs)
	return nil
}

// visiting measures steps in each database.
func visiting(ctx context.Context, r *unit.Run, all []*library, steps []step, costs map[string][]cost) error {
	for _, s := range steps {
		r.Step("The page for June: %s.", s.label)
		for _, l := range all {
			c, err := s.visit(ctx, r, l)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.label, l.label, err)
			}
			costs[s.name] = append(costs[s.name], c)
		}
	}
	return nil
}

// visit visits the page: once, and then again for a while.
func (s step) visit(ctx context.Context, r *unit.Run, l *library) (c cost, err error) {
	a, err := newAnswers(r.Redis(), r.Space(s.name+"-"+l.name), l)
	if err != nil {
		return cost{}, err
	}
	ask := l.ask
	if s.cached {
		ask = a.ask
	}
	look := func() (time.Duration, error) {
		l.asked.Store(0)
		begun := time.Now()
		page, err := s.page(ctx, ask, june)
		if err == nil && len(page) != r.Int("varieties") {
			err = fmt.Errorf("the page has %d varieties, want %d", len(page), r.Int("varieties"))
		}
		return time.Since(begun), err
	}
	if c.first, err = look(); err != nil {
		return cost{}, err
	}
	c.misses = l.asked.Load()
	var took []time.Duration
	for begun := time.Now(); len(took) == 0 || len(took) < 20 && time.Since(begun) < 200*time.Millisecond; {
		hits := a.Stats().Hits
		one, err := look()
		if err != nil {
			return cost{}, err
		}
		took = append(took, one)
		c.queries, c.trips = l.asked.Load(), a.Stats().Hits-hits
	}
	c.later = slices.Min(took) // what is above it, the machine did
	return c, nil
}

// report shows what the steps cost.
func report(r *unit.Run, all []*library, costs map[string][]cost) {
	counts := unit.Chart{Kind: unit.Bars, Title: "What a later visit asks", Series: []unit.Series{{Name: "queries"}, {Name: "round trips to Redis"}}}
	times := unit.Chart{Kind: unit.Bars, Title: "A later visit", Unit: "ms", LogY: true, Timing: true}
	for _, l := range all {
		times.Series = append(times.Series, unit.Series{Name: l.label})
	}
	steps := slices.Concat(before, after)
	for _, s := range steps {
		c := costs[s.name][0]
		for i, n := range []int64{c.queries, c.trips} {
			counts.Series[i].Points = append(counts.Series[i].Points, unit.Point{Label: s.label, Y: float64(n)})
		}
		r.Metric(unit.Metric{Name: "queries_" + s.name, Label: "queries of a later visit, " + s.label, Value: float64(c.queries), Tone: s.tone, Minor: true})
		if s.cached {
			r.Metric(unit.Metric{Name: "trips_" + s.name, Label: "to Redis in a later visit, " + s.label, Value: float64(c.trips), Unit: "round trips", Tone: s.tone})
		}
	}
	for i, l := range all {
		table := unit.Table{Title: "The page in " + l.label, Columns: []string{"", "queries, first visit", "it takes", "a later one"}}
		for _, s := range steps {
			c := costs[s.name][i]
			ms := float64(c.later.Nanoseconds()) / 1e6
			first, later := "–", "–"
			if !r.Embedded() {
				first, later = unit.Figure(float64(c.first.Nanoseconds())/1e6, "ms"), unit.Figure(ms, "ms")
			}
			r.Metric(unit.Metric{Name: "later_" + s.name + "_" + l.name, Label: "a later visit, " + s.label + ", " + l.label, Value: ms, Unit: "ms", Tone: s.tone, Timing: true, Minor: true})
			table.Rows = append(table.Rows, []string{s.label, fmt.Sprint(c.misses), first, later})
			times.Series[i].Points = append(times.Series[i].Points, unit.Point{Label: s.label, Y: ms})
		}
		r.Table(table)
	}
	r.Chart(counts)
	r.Chart(times)
}
