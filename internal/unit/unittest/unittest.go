// Package unittest is what the test of every unit does: the quick run holds all
// claims on a real Redis, the embedded server answers or the unit says why not,
// nothing is left behind, and the text says what the code says.
package unittest

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/lesson"
)

// Claims runs the unit with its quick parameters, on a real Redis and on the
// embedded server.
func Claims(t *testing.T, u *unit.Unit) {
	t.Run("redis", func(t *testing.T) {
		r := open(t, localredis.Options{})
		if r.Kind() == localredis.Embedded {
			t.Fatalf("no real Redis to prove the claims on: %s", r.Line())
		}
		events := execute(t, u, r)
		holds(t, u, events, false)
		if !slices.ContainsFunc(events, func(e unit.Event) bool { _, ok := e.(unit.Chart); return ok }) {
			t.Error("no chart was shown")
		}
		if !slices.ContainsFunc(events, func(e unit.Event) bool { _, ok := e.(unit.Trace); return ok }) {
			t.Error("no command trace was shown")
		}
		films(t, events)
		empty(t, r)
	})
	t.Run("embedded", func(t *testing.T) {
		r := open(t, localredis.Options{Embedded: true})
		if missing := u.Missing(r); missing != nil {
			if missing.How == "" {
				t.Error("the unit needs a real Redis and does not say how to get one")
			}
			return
		}
		events := execute(t, u, r)
		holds(t, u, events, true)
		for _, e := range events {
			if m, ok := e.(unit.Metric); ok && m.Timing {
				t.Errorf("the embedded server shows the timing %s", m.Name)
			}
		}
		empty(t, r)
	})
}

func open(t *testing.T, o localredis.Options) *localredis.Redis {
	t.Helper()
	r, err := localredis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func execute(t *testing.T, u *unit.Unit, r *localredis.Redis) []unit.Event {
	t.Helper()
	var events []unit.Event
	result, err := unit.Execute(t.Context(), u, unit.ExecOptions{Redis: r, Quick: true, Emit: func(e unit.Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err)
	}
	if result.Error != "" {
		t.Fatalf("the run ended early: %s", result.Error)
	}
	if !result.OK {
		t.Errorf("the result is not ok: %+v", result)
	}
	// Two seconds on a quiet machine, and many times that beside other test suites.
	if result.Millis > 15_000 && u.Slow == 0 {
		t.Errorf("the quick run took %d ms", result.Millis)
	}
	return events
}

// holds fails for each claim that does not hold, and for a timing claim that a
// real Redis did not answer.
func holds(t *testing.T, u *unit.Unit, events []unit.Event, embedded bool) {
	t.Helper()
	answered := 0
	for _, e := range events {
		c, ok := e.(unit.Checked)
		if !ok {
			continue
		}
		answered++
		if !c.OK && !(embedded && c.Skipped) {
			t.Errorf("%s: %s is %v, claimed %s %v", c.Text, c.Metric, c.Value, c.Op, c.Bound)
		}
	}
	if answered != len(u.Claims) || answered == 0 {
		t.Errorf("%d claims were answered, want %d, at least one", answered, len(u.Claims))
	}
}

// films fails for a film that does not move, or whose rows are not the same things
// in all frames.
func films(t *testing.T, events []unit.Event) {
	t.Helper()
	for _, e := range events {
		f, ok := e.(unit.Film)
		if !ok {
			continue
		}
		if len(f.Frames) < 2 {
			t.Errorf("the film %q has %d frames, want two at least", f.Title, len(f.Frames))
		}
		for i, frame := range f.Frames {
			if frame.Caption == "" {
				t.Errorf("the film %q: frame %d says nothing", f.Title, i+1)
			}
			if got, want := names(frame), names(f.Frames[0]); !slices.Equal(got, want) {
				t.Errorf("the film %q: frame %d shows %v, the first %v", f.Title, i+1, got, want)
			}
		}
	}
}

func names(f unit.Frame) (all []string) {
	for _, k := range f.Keys {
		all = append(all, k.Name)
	}
	for _, row := range f.Rows {
		all = append(all, row.Name)
	}
	return all
}

// empty fails when the run left a key.
func empty(t *testing.T, r *localredis.Redis) {
	t.Helper()
	c := redis.NewClient(r.Options())
	defer c.Close()
	left, err := c.Keys(context.Background(), "*").Result() //nolint:forbidigo // our own server, and nobody waits for it
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("the run left %d keys: %s", len(left), strings.Join(left[:min(5, len(left))], ", "))
	}
}

var update = flag.Bool("update", false, "rewrite the fences and console blocks of the text")

// Lesson keeps the unit's text equal to the code and to what commands print;
// -update rewrites it. It also holds the text to a length that people read.
func Lesson(t *testing.T, u *unit.Unit) {
	t.Helper()
	root, err := exercise.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := lesson.Sync("lesson.md", root, *update); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("lesson.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := lesson.Words(text); n < 600 || n > 1500 {
		t.Errorf("unit %s: the text has %d words, want 600 to 1,500", u.ID, n)
	}
}
