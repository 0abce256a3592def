package notes

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// comparing gives one workload to a map, to SQLite and to Redis.
func comparing(ctx context.Context, r *unit.Run, s *space) error {
	n := min(r.Int("notes"), 5000)
	r.Step("One workload on a map, on SQLite and on Redis: %s notes saved, read, found by tag, and searched for a word.", unit.Figure(float64(n), ""))
	dir, err := os.MkdirTemp("", "grind-notes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "notes.db")
	table := unit.Table{Title: "µs for one", Columns: []string{"store", "save", "read", "notes of a tag", "a word in any text", "seen by a second program"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Reading one note", Unit: "µs", LogY: true, Timing: true, Series: []unit.Series{{Name: "read"}}}
	for _, way := range []struct {
		label, metric string
		open          func() (store, error)
	}{
		{"map", "map", func() (store, error) { return newMapStore(), nil }},
		{"SQLite, in a file", "sql", func() (store, error) { return newSQLStore(ctx, file) }},
		{"Redis, over a socket", "redis", func() (store, error) { return &redisStore{s.rdb, s.key}, nil }},
	} {
		times, seen, err := workload(ctx, way.open, n)
		if err != nil {
			return fmt.Errorf("%s: %w", way.label, err)
		}
		row := []string{way.label}
		for i, what := range []struct{ metric, label string }{
			{"save", "to save a note"}, {"read", "to read a note"}, {"tagged", "to find the notes of a tag"}, {"word", "to find a word in any text"},
		} {
			row = append(row, unit.Figure(times[i], ""))
			r.Metric(unit.Metric{Name: what.metric + "_" + way.metric, Label: what.label + ", " + way.label, Value: times[i], Unit: "µs", Timing: true, Minor: true})
		}
		table.Rows = append(table.Rows, append(row, unit.Figure(float64(seen), "")))
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: times[1]})
		r.Metric(unit.Metric{Name: "seen_" + way.metric, Label: "notes that a second program sees, " + way.label, Value: float64(seen), Minor: true})
	}
	if !r.Embedded() {
		r.Table(table)
	}
	r.Chart(chart)
	return nil
}

// workload saves and asks, and returns the µs of one save, one read, one question
// for a tag and one for a word; and how many notes a second program finds.
func workload(ctx context.Context, open func() (store, error), n int) (times [4]float64, seen int, err error) {
	first, err := open()
	if err != nil {
		return times, 0, err
	}
	defer closeStore(first)
	for i, job := range []struct {
		rounds, times int
		do            func(i int) error
	}{
		{1, n, func(i int) error { return first.save(ctx, noteOf(i)) }},
		// 5,000 reads of a map are over before a busy machine has given the processor
		// back once: of three rounds the calmest counts.
		{3, n, func(i int) error {
			got, err := first.read(ctx, fmt.Sprint(i*7%n))
			if err == nil && got.text == "" {
				return fmt.Errorf("note %d is not there", i*7%n)
			}
			return err
		}},
		{1, 5, func(int) error { return expect(n / 50)(first.tagged(ctx, rare)) }},
		{1, 3, func(int) error { return expect(1)(first.mentions(ctx, "note 42 has")) }},
	} {
		times[i] = math.Inf(1)
		for range job.rounds {
			began := time.Now()
			for k := range job.times {
				if err := job.do(k); err != nil {
					return times, 0, err
				}
			}
			times[i] = min(times[i], float64(time.Since(began).Nanoseconds())/1000/float64(job.times))
		}
	}
	second, err := open() // as another instance of the program would
	if err != nil {
		return times, 0, err
	}
	defer closeStore(second)
	seen, err = second.count(ctx)
	return times, seen, err
}

// expect holds a count to what it must be: a fast wrong answer is no figure.
func expect(want int) func(int, error) error {
	return func(got int, err error) error {
		if err == nil && got != want {
			return fmt.Errorf("found %d notes, want %d", got, want)
		}
		return err
	}
}

func closeStore(s store) {
	if s, ok := s.(*sqlStore); ok {
		s.db.Close()
	}
}
