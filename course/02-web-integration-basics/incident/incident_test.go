package incident2

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
)

// TestIncident goes the way of a learner: four red lights, a file that mends
// everything, the end, after which nothing is left. That the dashboard tells each cause
// from the others is proven by `grind verify`.
func TestIncident(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs an office under load")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &incident.Runner{Root: root, Workspace: t.TempDir(), Entry: unit.IncidentEntry{Dir: "02-web-integration-basics/incident", Phase: 2, Incident: &Incident}}
	if _, err := r.Start(); err != nil {
		t.Fatal(err)
	}
	solution, err := os.ReadFile("office/solution.go")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var addrs, sorts []string
	saved := false
	over, err := r.Run(ctx, "", func(e incident.Event) {
		switch e := e.(type) {
		case incident.Status:
			if !saved && lights(e) == "red red red red" {
				saved = true
				if err := os.WriteFile(r.File(), solution, 0o644); err != nil {
					t.Error(err)
				}
			}
		case incident.Wire:
			sorts = sorts[:0]
			for _, s := range e.Sorts {
				sorts = append(sorts, s.Name)
			}
		case incident.State:
			if e.Phase == incident.Crashed || e.Phase == incident.Refused {
				t.Errorf("got %s: %s", e.Phase, e.Text)
			}
			if e.Phase == incident.Running {
				addrs = append(addrs, e.Programs...)
			}
		}
	})
	if err != nil || !over || !saved {
		t.Fatalf("Run: got over %v, saved %v, %v, want it over", over, saved, err)
	}
	if got := strings.Join(sorts, ", "); !strings.Contains(got, "POST /check-in, POST /sailings") || !strings.Contains(got, "GET /readyz") {
		t.Errorf("on the wire: got %s, want bookings, check-ins and probes", got)
	}
	if len(addrs) != 2 {
		t.Errorf("got the addresses %v, want one balancer for each of two versions", addrs)
	}
	for _, addr := range addrs {
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

// TestStrike: half of the passengers' bookings meet a fault, each once, at each depth
// in both ways; nobody else does.
func TestStrike(t *testing.T) {
	var v visitors
	seen := map[tap.Fault]int{}
	for n := range 4 * 2 * deepest {
		r := unit.WireRequest{Actor: passenger, Name: "POST /sailings/s1/bookings/" + sailingName(int64(n))}
		f, strikes := v.strike(r)
		if strikes {
			seen[f]++
		}
		if _, again := v.strike(r); again {
			t.Fatal("a booking that is sent again is struck again")
		}
	}
	if _, strikes := v.strike(unit.WireRequest{Actor: walkIn}); strikes {
		t.Error("a walk-in is struck")
	}
	for depth := range deepest {
		for _, kind := range []tap.Kind{tap.Cut, tap.LoseReply} {
			if got := seen[tap.Fault{Kind: kind, After: depth, Times: 1}]; got != 2 {
				t.Errorf("%v after %d commands: got %d of %d bookings, want 2", kind, depth, got, 4*2*deepest)
			}
		}
	}
}

func TestLost(t *testing.T) {
	wishes := map[string]json.RawMessage{"dog_ref": []byte("9007199254740993"), "cello_with": []byte(`{"day":3,"month":"May"}`)}
	tests := map[string]struct {
		got  map[string]json.RawMessage
		n    int
		want string
	}{
		"kept":    {map[string]json.RawMessage{"name": []byte(`"Ada"`), "dog_ref": []byte("9007199254740993"), "cello_with": []byte(` {"month": "May", "day": 3}`)}, 0, ""},
		"gone":    {map[string]json.RawMessage{"dog_ref": []byte("9007199254740993")}, 1, "cello_with is gone"},
		"rounded": {map[string]json.RawMessage{"dog_ref": []byte("9007199254740992"), "cello_with": wishes["cello_with"]}, 1, "dog_ref was 9007199254740993 and is 9007199254740992"},
		"a text":  {map[string]json.RawMessage{"dog_ref": []byte(`"9007199254740993"`), "cello_with": wishes["cello_with"]}, 1, `dog_ref was 9007199254740993 and is "9007199254740993"`},
		"empty":   {nil, 2, "dog_ref is gone"},
	}
	for name, tt := range tests {
		if n, got := lost(wishes, tt.got); n != tt.n || got != tt.want {
			t.Errorf("%s: got %d, %q, want %d, %q", name, n, got, tt.n, tt.want)
		}
	}
}
