package plaza

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// held is how many tariffs lane 4 has in memory when the tolls change.
const held = 100

// second is lane 4, built one way, and how it hears of what lane 3 is told.
type second struct {
	way
	label string
	name  string
	tone  unit.Tone
	push  bool

	first, here lane // lanes 3 and 4
	stop        func() error
	office      office
	line        unit.Series
	old         int // answers with the old toll, after the change
	last        float64
}

// seconds are all of them. They are changed and watched at the same moments.
func seconds() []*second {
	return []*second{
		{way: aMap, name: "map", label: "a map", tone: unit.Bad},
		{way: lru, name: "ttl", label: "an end for each value"},
		{way: lru, name: "push", label: "an end, and pushed invalidation", push: true, tone: unit.Good},
		{way: library, name: "kit", label: "kit/cache with Local and Run", push: true, tone: unit.Good},
	}
}

// changing has lane 3 learn that all tolls have changed, and watches what lane 4 says.
func changing(ctx context.Context, r *unit.Run) error {
	if r.Embedded() {
		return nil // it has no CLIENT TRACKING
	}
	life := r.Duration("life")
	r.Step("Lane 4 has %d tariffs in memory, for %s each, read one after the other. Midnight: lane 3 learns that all tolls have changed, and invalidates them.", held, unit.Span(life))
	all := seconds()
	defer func() {
		for _, s := range all {
			if s.stop != nil {
				_ = s.stop() // it has told nothing that the figures do not
			}
		}
	}()
	for i, s := range all {
		if err := s.open(ctx, r, i, life); err != nil {
			return err
		}
	}
	for n := range held { // so that their ends lie spread over the time of a life
		for _, s := range all {
			if _, err := s.ask(ctx, n); err != nil {
				return err
			}
		}
		time.Sleep(life / held)
		r.Progress("filling", n+1, held)
	}
	for _, s := range all {
		if err := s.change(ctx); err != nil {
			return err
		}
		if s.push {
			if err := s.arrive(ctx); err != nil {
				return err
			}
		}
	}
	if err := watch(ctx, r, all, life); err != nil {
		return err
	}
	chart := unit.Chart{Kind: unit.Lines, Title: "Lane 4, after the change", XLabel: "ms since the change", YLabel: "tariffs at the old toll", Unit: "%", Timing: true}
	table := unit.Table{Title: fmt.Sprintf("%d tolls changed, and lane 3 invalidated them", held), Columns: []string{"lane 4", "answers with the old toll", "the last of them after"}}
	for _, s := range all {
		chart.Series = append(chart.Series, s.line)
		last := human(s.last * 1e6)
		switch {
		case s.name == "map":
			last = "not in this run"
		case s.last == 0:
			last = "before anybody could look"
		}
		table.Rows = append(table.Rows, []string{s.label, fmt.Sprint(s.old), last})
		end := s.line.Points[len(s.line.Points)-1].Y
		r.Metric(unit.Metric{Name: "old_" + s.name, Label: "answers with the old toll, " + s.label, Value: float64(s.old), Tone: s.tone, Timing: true})
		r.Metric(unit.Metric{Name: "last_" + s.name, Label: "the last old answer after, " + s.label, Value: s.last, Unit: "ms", Timing: true, Minor: true})
		r.Metric(unit.Metric{Name: "end_" + s.name, Label: "still old at the end, " + s.label, Value: end, Unit: "%", Minor: true})
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

func (s *second) open(ctx context.Context, r *unit.Run, i int, life time.Duration) (err error) {
	name := r.Space("stale-" + s.name)
	open := func(n int) (lane, error) {
		rdb := r.Client(fmt.Sprintf("stale-%d-%d", i, n), func(o *redis.Options) { o.ContextTimeoutEnabled = true })
		return s.way.open(rdb, name, time.Hour, 2*held, life)
	}
	if s.first, err = open(1); err != nil {
		return err
	}
	if s.here, err = open(2); err != nil || !s.push {
		return err
	}
	switch here := s.here.(type) {
	case *layered:
		s.stop, err = listening(ctx, r.Redis(), name+":", here.memory)
	case *local:
		s.stop, err = running(ctx, here.tariffs)
	}
	return err
}

// running runs the toolkit's listener, and returns when it hears.
func running(ctx context.Context, tariffs *shared) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- tariffs.Run(ctx) }()
	stop = func() error { cancel(); return <-ended }
	for !tariffs.Stats().Pushed {
		select {
		case err := <-ended:
			cancel()
			return nil, err
		case <-time.After(time.Millisecond):
		}
	}
	return stop, nil
}

// ask asks lane 4, and says whether its answer is the old toll.
func (s *second) ask(ctx context.Context, n int) (old bool, err error) {
	text, _, err := s.here.toll(ctx, tariff(n), s.office.load)
	return text == oldToll, err
}

// change is what lane 3 does when it is told of the new tolls.
func (s *second) change(ctx context.Context) error {
	s.office.midnight.Store(true)
	tariffs := make([]string, held)
	for i := range tariffs {
		tariffs[i] = tariff(i)
	}
	switch first := s.first.(type) {
	case *naive:
		return first.tariffs.Invalidate(ctx, tariffs...)
	case *layered:
		return first.tariffs.Invalidate(ctx, tariffs...)
	case *local:
		return first.tariffs.Invalidate(ctx, tariffs...)
	}
	return nil
}

// arrive asks for every tariff until the last one is newToll's.
func (s *second) arrive(ctx context.Context) error {
	begun := time.Now()
	for n := 0; n < held; {
		old, err := s.ask(ctx, n)
		if err != nil {
			return err
		}
		if !old {
			n++
			continue
		}
		s.last = float64(time.Since(begun)) / 1e6
		time.Sleep(50 * time.Microsecond) // the listener wants a processor too
	}
	return nil
}

// watch asks for every tariff, again and again, until each has outlived its time.
func watch(ctx context.Context, r *unit.Run, all []*second, life time.Duration) error {
	const looks = 50
	begun := time.Now()
	for i := range looks + 1 {
		due := begun.Add(life * 11 / 10 * time.Duration(i) / looks)
		time.Sleep(time.Until(due))
		for _, s := range all {
			at, old := float64(time.Since(begun))/1e6, 0
			for n := range held {
				is, err := s.ask(ctx, n)
				if err != nil {
					return err
				}
				if is {
					old++
				}
			}
			if s.old += old; old > 0 {
				s.last = at
			}
			s.line.Name, s.line.Tone = s.label, s.tone
			s.line.Points = append(s.line.Points, unit.Point{X: at, Y: 100 * float64(old) / held})
		}
		r.Progress("watching", i, looks)
	}
	return nil
}
