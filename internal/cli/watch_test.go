package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/redis-grind/grind/course"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// TestWatcher_solution: one s alone neither shows the solution nor is remembered
// as having shown it; two in a row do both.
func TestWatcher_solution(t *testing.T) {
	newcomer(t)
	var out bytes.Buffer
	a := &app{course: course.New(), out: &out}
	r, err := a.exercises(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := a.course.All()[0]
	if _, err := r.Start(e); err != nil {
		t.Fatal(err)
	}
	w := &watcher{app: a, runner: r, unit: e}
	for _, tt := range []struct {
		keys  string
		shown bool
		want  progress.Status
	}{
		{"s", false, progress.Started},
		{"hs", false, progress.Started}, // another key takes the first s back
		{"s", true, progress.Given},
	} {
		out.Reset()
		for _, key := range []byte(tt.keys) {
			w.key(key)
		}
		if shown := strings.Contains(out.String(), "+++ solution.go"); shown != tt.shown {
			t.Errorf("%q: got shown %v, want %v:\n%s", tt.keys, shown, tt.shown, out.String())
		}
		if got := r.Progress.Unit(e.Unit.ID).Status; got != tt.want {
			t.Errorf("%q: got status %s, want %s", tt.keys, got, tt.want)
		}
	}
}

// TestAsk: an answer is a line without its end; Ctrl-C and the end of the input
// are no answer, and keep nobody waiting.
func TestAsk(t *testing.T) {
	t.Parallel()
	never, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		in   io.Reader
		want string
	}{
		"answer": {t.Context(), strings.NewReader("  2 \nmore"), "2"},
		"end":    {t.Context(), strings.NewReader(""), ""},
		"ctrl_c": {cancelled, never, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if got := (&app{in: tt.in, out: &out}).ask(tt.ctx, "Now? "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.want == "" && !strings.HasSuffix(out.String(), "\n") {
				t.Errorf("got %q, want a line that is ended", out.String())
			}
		})
	}
}
