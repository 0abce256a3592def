package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/trace"
)

// What is said of a fact is read in whole on a narrow terminal, and the dashboard
// is not higher than the terminal.
func TestTextIncident_drawing(t *testing.T) {
	t.Parallel()
	const said = "again and again Redis answers nobody for 40.4 ms; one page in a hundred waits for that long, and nobody knows why"
	v := &textIncident{file: "workspace/incident-1/shop.go"}
	v.state = incident.State{Text: "version 1 runs, 2 copies"}
	for i := range 3 {
		v.status.Facts = append(v.status.Facts, incident.Fact{ID: fmt.Sprint(i), Title: "Every page is slow", Light: incident.Red, Text: said})
	}
	for _, name := range []string{"POST /carts", "GET /feed"} {
		sort := incident.Sort{Name: name}
		for range 40 {
			sort.Events = append(sort.Events, trace.Event{Name: "GET", Args: []string{strings.Repeat("k", 200)}})
		}
		v.wire.Sorts = append(v.wire.Sorts, sort)
	}
	for _, size := range []struct{ width, height int }{{79, 24}, {79, 50}, {119, 50}, {50, 30}} {
		got := v.drawing(size.width, size.height)
		if n := strings.Count(got, "\n"); n >= size.height {
			t.Errorf("%v: got %d lines:\n%s", size, n, got)
		}
		facts, _, _ := strings.Cut(got, "\n\n")
		for line := range strings.Lines(facts) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > size.width {
				t.Errorf("%v: got a line of %d: %q", size, n, line)
			}
		}
		if words := strings.Join(strings.Fields(facts), " "); strings.Count(words, said) != 3 {
			t.Errorf("%v: a fact is cut:\n%s", size, facts)
		}
	}
}

// A packet that was lost stands where its reply would.
func TestTextIncident_fault(t *testing.T) {
	t.Parallel()
	v := &textIncident{file: "workspace/incident-2/office.go"}
	v.wire.Sorts = []incident.Sort{{Name: "POST /sailings", Events: []trace.Event{{Name: "INCR", Args: []string{"sailing:s1"}, Fault: "reply lost"}}}}
	if got := v.drawing(100, 40); !strings.Contains(got, "INCR sailing:s1 → reply lost\n") {
		t.Errorf("got %q, want the fault in the place of the reply", got)
	}
}
