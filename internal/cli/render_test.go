package cli

import (
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

func TestGroupLine(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]picture.Group{
		"group mail: 2 pending, last delivered 3-0, 1 not delivered yet": {Name: "mail", Pending: 2, Last: "3-0", Lag: 1},
		"group till: 0 pending, last delivered 0-0":                      {Name: "till", Last: "0-0", Lag: -1},
	} {
		if got := groupLine(g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// On a narrow terminal sentences break between words, replies are cut, and a race
// whose lanes do not fit is told in one column.
func TestTermRenderer_narrow(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := &termRenderer{a: &app{out: &out}, bar: &progressBar{}, width: 60}
	long := strings.Repeat("a long reply ", 20)
	r.event(unit.Step{Text: "Two clients read one counter, add one, and write it back, both at the same time."})
	r.event(unit.Trace{Title: "one read", RoundTrips: 1, Events: []trace.Event{{Kind: trace.Command, Args: []string{"GET", "likes:42"}, Reply: trace.Reply{Text: long}}}})
	r.event(unit.Race{Title: "GET, then SET", Outcome: &race.Outcome{
		Schedule: "A B", Actors: []string{"alice", "bob"}, Done: true, Good: "Both are counted.",
		Steps: []race.Step{{Move: race.Move{Actor: 0}, Command: "GET likes:42 and more words", Reply: `"0"`}, {Move: race.Move{Actor: 1}, Command: "GET likes:42 and more words", Reply: `"0"`}},
	}})
	for line := range strings.Lines(out.String()) {
		if got := lipgloss.Width(strings.TrimSuffix(line, "\n")); got > 60 {
			t.Errorf("got a line of %d cells, want 60 at most: %s", got, line)
		}
	}
	if want := "  2  bob    GET likes:42 and more words → \"0\"\n"; !strings.Contains(out.String(), want) {
		t.Errorf("want %q in\n%s", want, out.String())
	}
}

func TestThin(t *testing.T) {
	t.Parallel()
	points := make([]unit.Point, 90)
	points[50].Y = 7
	got := thin(points)
	if len(got) != chartWidth {
		t.Errorf("got %d points, want %d", len(got), chartWidth)
	}
	if !slices.ContainsFunc(got, func(p unit.Point) bool { return p.Y == 7 }) {
		t.Error("the peak is gone")
	}
}
