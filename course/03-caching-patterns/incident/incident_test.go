package incident3

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/unit"
)

// TestIncident goes the way of a learner: four red lights, one fact mended, all
// mended, the end. That the dashboard tells each cause from the others is proven by
// `grind verify`.
func TestIncident(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs two windows under load")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &incident.Runner{Root: root, Workspace: t.TempDir(), Entry: unit.IncidentEntry{Dir: "03-caching-patterns/incident", Phase: 3, Incident: &Incident}}
	if _, err := r.Start(); err != nil {
		t.Fatal(err)
	}
	broken, solution := fileText(t, r.File()), fileText(t, "bureau/solution.go")
	const named = `key := fmt.Sprintf("quote:%s:%d", pair, amount)`
	if strings.Count(broken, named) != 1 {
		t.Fatalf("window.go has another key than %s", named)
	}
	save := func(text string) {
		if err := os.WriteFile(r.File(), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	steps := []struct{ lights, save string }{
		{"red red red red", strings.Replace(broken, named, `key := fmt.Sprintf("quote:%s:%s:%d", account, pair, amount)`, 1)},
		{"red green red red", solution},
		{"green green green green", ""},
	}
	step, last := 0, ""
	over, err := r.Run(ctx, "", func(e incident.Event) {
		s, ok := e.(incident.Status)
		if !ok || step == len(steps) {
			return
		}
		last = lights(s)
		if last != steps[step].lights {
			return
		}
		if step++; steps[step-1].save != "" {
			save(steps[step-1].save)
		}
	})
	if err != nil || !over || step != len(steps) {
		t.Fatalf("Run: got over %v at step %d with %s, %v, want it over", over, step, last, err)
	}
}

func lights(s incident.Status) string {
	var out []string
	for _, f := range s.Facts {
		out = append(out, string(f.Light))
	}
	return strings.Join(out, " ")
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestHeadOffice_trap: who reads a rate is told what was true as the office looked,
// though it was changed before the answer left.
func TestHeadOffice_trap(t *testing.T) {
	o := newHeadOffice()
	old := o.rateOf("AUD-BRL")
	tr := o.setTrap("AUD-BRL")
	got := make(chan string, 1)
	go func() { got <- call(o, http.MethodGet, "/rates/AUD-BRL", "") }()
	<-tr.sprung
	call(o, http.MethodPut, "/rates/AUD-BRL", "12345")
	tr.open()
	tr.open() // a second time changes nothing
	var rate int64
	if err := json.Unmarshal([]byte(<-got), &rate); err != nil || rate != old {
		t.Errorf("the one in the trap got %d, %v, want the old %d", rate, err, old)
	}
	if now := call(o, http.MethodGet, "/rates/AUD-BRL", ""); strings.TrimSpace(now) != "12345" {
		t.Errorf("the next got %s, want 12345", now)
	}
	if n, again := o.takeAsked("/rates/AUD-BRL"), o.takeAsked("/rates/AUD-BRL"); n != 2 || again != 0 {
		t.Errorf("it was read %d times and then %d, want 2 and 0", n, again)
	}
}

func call(o *headOffice, method, path, body string) string {
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Body.String()
}

func TestPairName(t *testing.T) {
	seen := map[string]bool{}
	for n := range int64(1000) {
		name := pairName(n)
		if from, to, ok := strings.Cut(name, "-"); !ok || from == to || seen[name] {
			t.Fatalf("pair %d is %s, want two currencies that did not come before", n, name)
		}
		seen[name] = true
	}
}

func TestBusiest(t *testing.T) {
	now := time.Now()
	var begun []sheetBegun
	for _, s := range []struct{ millis, crowd int }{{0, 1}, {100, 2}, {900, 3}, {1050, 1}, {1950, 1}, {4000, 1}} {
		begun = append(begun, sheetBegun{now.Add(time.Duration(s.millis) * time.Millisecond), s.crowd})
	}
	if crowd, minute := busiest(begun); crowd != 3 || minute != 3 {
		t.Errorf("got %d in hand and %d in a second, want 3 and 3", crowd, minute)
	}
	if crowd, minute := busiest(nil); crowd != 0 || minute != 0 {
		t.Errorf("of nothing: got %d and %d, want 0 and 0", crowd, minute)
	}
}
