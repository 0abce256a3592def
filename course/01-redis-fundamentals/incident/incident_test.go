package incident1

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// TestIncident goes the way of a learner: red lights, a file that does not
// compile, one that crashes, one that mends everything, the end. That the
// dashboard tells each cause from the others is proven by `grind verify`.
func TestIncident(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a shop under load")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &incident.Runner{Root: root, Workspace: t.TempDir(), Entry: unit.IncidentEntry{Dir: "01-redis-fundamentals/incident", Phase: 1, Incident: &Incident}}
	if _, err := r.Start(); err != nil {
		t.Fatal(err)
	}
	broken := read(t, r.File())
	solution := read(t, "shop/solution.go")
	save := func(text string) {
		if err := os.WriteFile(r.File(), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	// Each step waits for what it names, then saves what leads to the next.
	const end = 4
	step, addrs, lines := 0, map[string]bool{}, 0
	over, err := r.Run(ctx, "", func(e incident.Event) {
		switch e := e.(type) {
		case incident.Status:
			if lights(e) == "red red red" && step == 0 {
				step = 1
				save(strings.Replace(broken, "views == 1", "vews == 1", 1))
			}
		case incident.Wire:
			lines += len(e.Sorts)
		case incident.State:
			for _, p := range e.Programs {
				addrs[p] = true
			}
			switch {
			case e.Phase == incident.Refused && step == 1:
				if e.Line == 0 || e.Deployment != 1 || !strings.Contains(e.Text, "undefined: vews") || !strings.Contains(e.Text, "check the spelling") {
					t.Errorf("does not compile: got %+v, want the line, a sentence of help, and version 1 still there", e)
				}
				step = 2
				save(broken + "\nfunc init() { panic(\"no such shelf\") }\n")
			case e.Phase == incident.Crashed && step == 2:
				if !strings.Contains(e.Text, "no such shelf") || e.Line == 0 {
					t.Errorf("crashed: got %+v, want what it said, and where", e)
				}
				step = 3
				save(solution)
			}
		case incident.Done:
			step = end
		}
	})
	if err != nil || !over || step != end {
		t.Fatalf("Run: got over %v at step %d, %v, want it over", over, step, err)
	}
	if lines == 0 {
		t.Error("the wire was never shown")
	}
	if len(addrs) != 2*Incident.Copies {
		t.Errorf("got %d copies in two versions, want %d", len(addrs), 2*Incident.Copies)
	}
	for addr := range addrs {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := http.DefaultClient.Do(request); err == nil {
			reply.Body.Close()
			t.Errorf("%s still answers", addr)
		}
	}
}

func lights(s incident.Status) string {
	var out []string
	for _, f := range s.Facts {
		out = append(out, string(f.Light))
	}
	return strings.Join(out, " ")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFeedFault(t *testing.T) {
	feed := func(numbers ...string) []string {
		var out []string
		for _, n := range numbers {
			out = append(out, "mug sold, order "+n)
		}
		return out
	}
	tests := map[string]struct {
		got       []string
		low, high int64
		want      string
	}{
		"right":           {feed("3", "2", "1"), 3, 3, ""},
		"one came":        {feed("4", "3", "2", "1"), 3, 4, ""},
		"empty at first":  {nil, 0, 1, ""},
		"empty":           {nil, 3, 3, "it shows 0 entries of 3"},
		"stale":           {feed("2", "1", "0"), 3, 3, "it begins with order 2, and the newest is 3"},
		"oldest first":    {feed("1", "2", "3"), 3, 3, "it begins with order 1, and the newest is 3"},
		"twice":           {feed("3", "3", "2"), 3, 3, "order 3 stands below 3"},
		"a gap":           {feed("3", "1", "0"), 3, 3, "order 2 is missing"},
		"somebody else's": {feed("x", "y", "z"), 3, 3, `it shows "mug sold, order x", which nobody published`},
	}
	for name, tt := range tests {
		if got := feedFault(tt.got, tt.low, tt.high); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestKeysOf(t *testing.T) {
	tests := map[string]struct {
		event trace.Event
		want  string
	}{
		"first":   {trace.Event{Name: "INCRBY", Args: []string{"views:mug", "2"}}, "views:mug"},
		"script":  {trace.Event{Name: "EVAL", Args: []string{"return 1", "2", "a", "b", "x"}}, "a b"},
		"cut off": {trace.Event{Name: "EVALSHA", Args: []string{"f", "9", "a"}}, "a"},
		"none":    {trace.Event{Name: "EVAL", Args: []string{"return 1", "0"}}, ""},
	}
	for name, tt := range tests {
		if got := strings.Join(keysOf(tt.event), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestParseAccount(t *testing.T) {
	got := parseAccount("# Commandstats\r\ncmdstat_keys:calls=3,usec=38448,usec_per_call=12816.00,rejected_calls=0\r\ncmdstat_config|get:calls=1,usec=12\r\n")
	if got["keys"] != (spent{3, 38448}) || got["config|get"] != (spent{1, 12}) || len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestP99(t *testing.T) {
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Millisecond)
	}
	if got := p99(took); got != 198*time.Millisecond {
		t.Errorf("got %v, want 198ms: two of 200 took longer", got)
	}
	if got := p99(nil); got != 0 {
		t.Errorf("of nothing: got %v, want 0", got)
	}
}
