package workbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// fakeIncidents tells what a test wants, until it is stopped.
type fakeIncidents struct {
	dir  string
	emit chan incident.Event // an incident.Done ends the run
	fail error
}

func (f *fakeIncidents) File(unit.IncidentEntry) string { return filepath.Join(f.dir, "shop.go") }

func (f *fakeIncidents) Start(e unit.IncidentEntry) (bool, error) {
	return true, os.WriteFile(f.File(e), []byte("package main\n"), 0o644)
}

func (f *fakeIncidents) Reset(e unit.IncidentEntry) (string, error) { return f.File(e) + ".bak-1", nil }

func (f *fakeIncidents) Run(ctx context.Context, _ unit.IncidentEntry, emit func(incident.Event)) (bool, error) {
	if f.fail != nil {
		return false, f.fail
	}
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case e := <-f.emit:
			emit(e)
			if _, over := e.(incident.Done); over {
				return true, nil
			}
		}
	}
}

// withIncident gives the demo's course an incident.
func withIncident(f *fakeIncidents) func(*deps, *Options) {
	return func(d *deps, _ *Options) {
		d.incidents = f
		d.course.Incidents = []unit.IncidentEntry{{Dir: "01-redis/incident", Phase: 1, Incident: &unit.Incident{
			ID: "incident-1", Title: "The shop that forgets", Lead: "Carts lose items.", Minutes: 45, File: "shop.go", Subject: "the shop", Pace: "about 160 requests a second",
			Facts: []unit.Fact{{ID: "carts", Bad: "Carts lose items", Good: "Carts keep every item"}, {ID: "memory", Bad: "Memory only grows", Good: "Memory stays"}, {ID: "pages", Bad: "Every page is slow while the feed is read", Good: "Pages are quick"}},
		}}}
		if files, ok := d.course.Files.(fstest.MapFS); ok {
			files["01-redis/incident/incident.md"] = &fstest.MapFile{Data: []byte("# The shop that forgets\n\nCarts lose items.\n\nIt is Monday, and the shop is yours.\n\n## How to begin\n\nRead the wire.\n")}
		}
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got no %s within 10 s", what)
		}
	}
}

func demoStatus(carts incident.Light) incident.Status {
	now := time.Now()
	history := func(light incident.Light, at func(i int) float64) []incident.Point {
		var out []incident.Point
		for i := range 70 {
			out = append(out, incident.Point{Value: at(i), Light: light, Deployment: 1 + i/50})
		}
		return out
	}
	title := map[incident.Light]string{incident.Red: "Carts lose items", incident.Green: "Carts keep every item"}[carts]
	return incident.Status{Now: now, Facts: []incident.Fact{
		{ID: "carts", Title: title, Light: carts, Since: now.Add(-8 * time.Second), Value: 31, Unit: "lost", Text: "31 of 240 items that the shop took are not in their carts", History: history(carts, func(i int) float64 { return float64(28 + i*7%11) })},
		{ID: "memory", Title: "Memory only grows", Light: incident.Red, Since: now.Add(-time.Minute), Value: 812, Unit: "keys for ever", Text: "812 keys will never leave, 58 of them came in the last 5 s; one is views:day-897714588:chair", History: history(incident.Red, func(i int) float64 { return float64(i * 12) })},
		{ID: "pages", Title: "Every page is slow while the feed is read", Light: incident.Watching, Since: now, Value: 22.8, Unit: "ms without an answer", Text: "again and again Redis answers nobody for 22.8 ms; one page in a hundred takes 41.3 ms or longer", History: history(incident.Watching, func(i int) float64 { return float64(20 + i*5%9) })},
	}}
}

func demoWire() incident.Wire {
	event := func(actor, request, name string, micros int64, reply trace.Reply, args ...string) trace.Event {
		return trace.Event{Kind: trace.Command, Name: name, Args: args, Reply: reply, Duration: time.Duration(micros) * time.Microsecond, Label: trace.Label{Actor: actor, Request: request}}
	}
	bulk := func(text string) trace.Reply { return trace.Reply{Type: "bulk", Text: text} }
	ok := trace.Reply{Type: "simple", Text: "OK"}
	dropped := event("till", "POST /feed #431", "SADD", 300, trace.Reply{}, "sold", "mug")
	dropped.Fault = "reply lost"
	return incident.Wire{Sorts: []incident.Sort{
		{Name: "POST /carts", Events: []trace.Event{
			event("left tab", "POST /carts/c10 #406", "GET", 55, bulk(`"{\"mug\":1}"`), "cart:c10"),
			event("right tab", "POST /carts/c10 #411", "GET", 61, bulk(`"{\"mug\":1}"`), "cart:c10"),
			event("left tab", "POST /carts/c10 #406", "SET", 76, ok, "cart:c10", `{"mug":2}`, "ex", "1800"),
			event("right tab", "POST /carts/c10 #411", "SET", 36_132, ok, "cart:c10", `{"lamp":1,"mug":1}`, "ex", "1800"),
		}},
		{Name: "POST /feed", Events: []trace.Event{dropped}},
		{Name: "GET /feed", Events: []trace.Event{
			event("reader", "GET /feed #420", "KEYS", 24_400, trace.Reply{Type: "array", Text: `["feed:000000001", "feed:000000002", "feed:000000003", "feed:000000004", "feed:000000005", "feed:000000006", "feed:000000007"…`}, "feed:*"),
			event("reader", "GET /feed #420", "MGET", 210, trace.Reply{Type: "error", Text: "WRONGTYPE Operation against a key <b>"}, "feed:000000007"),
		}},
	}}
}

// TestIncident: the page begins, shows what is told, stops, and knows when it is
// over.
func TestIncident(t *testing.T) {
	f := &fakeIncidents{dir: t.TempDir(), emit: make(chan incident.Event)}
	s := serve(t, withIncident(f))
	_, body := s.get("/")
	has(t, body, `href="/incident/1"`, "not solved yet")
	status, body := s.get("/incident/1")
	if status != 200 {
		t.Fatalf("got %d", status)
	}
	strict(t, "/incident/1", body)
	has(t, body, "It is Monday", "Begin", "Carts lose items", "shop.go", `data-unit="incident-1"`)
	if status, _ := s.get("/incident/7"); status != 404 {
		t.Errorf("an incident that is not: got %d, want 404", status)
	}

	if status, body := s.post("/incident/1/run"); status != 202 {
		t.Fatalf("begin: got %d %s", status, body)
	}
	if status, _ := s.post("/incident/1/run"); status != 409 {
		t.Errorf("begin twice: got %d, want 409", status)
	}
	if status, _ := s.post("/u/1.01/run"); status != 409 {
		t.Errorf("an experiment beside it: got %d, want 409", status)
	}
	f.emit <- incident.State{Phase: incident.Refused, Text: "shop.go:12:2: undefined: <views>", Line: 12, Deployment: 1}
	f.emit <- demoWire()
	f.emit <- demoStatus(incident.Red)
	f.emit <- demoStatus(incident.Red) // the one before has been shown
	_, body = s.get("/incident/1")
	strict(t, "/incident/1", body)
	has(t, body, "It does not compile; what ran before goes on", "undefined: &lt;views&gt;", ">812<", "light red", "light watching",
		"KEYS feed:*", "WRONGTYPE Operation against a key &lt;b&gt;", "spark", `data-act="stop"`, "left tab", `<i class="fault">reply lost</i>`)
	_, body = s.post("/incident/1/reset")
	has(t, body, "shop.go.bak-1")

	f.emit <- incident.Done{}
	until(t, "the end", func() bool { _, body := s.get("/incident/1"); return strings.Contains(body, "It is over.") })
}

// TestIncident_stop: it ends when it is stopped, and says why it could not begin.
func TestIncident_stop(t *testing.T) {
	f := &fakeIncidents{dir: t.TempDir(), emit: make(chan incident.Event)}
	s := serve(t, withIncident(f))
	s.post("/incident/1/run")
	s.post("/incident/1/stop")
	until(t, "the button to begin", func() bool { _, body := s.get("/incident/1"); return strings.Contains(body, `data-act="run"`) })
	f.fail = errors.New("incident: no redis-server")
	until(t, "a new beginning", func() bool { status, _ := s.post("/incident/1/run"); return status == 202 })
	until(t, "the reason", func() bool {
		_, body := s.get("/incident/1")
		return strings.Contains(body, "It could not be run") && strings.Contains(body, "no redis-server")
	})
	if err := s.store.Update("incident-1", func(r *progress.Record) { r.PassedAt = time.Now() }); err != nil {
		t.Fatal(err)
	}
	_, body := s.get("/")
	has(t, body, "cell end done", "solved")
	if last := s.store.Last(); last != "" {
		t.Errorf("the unit touched last: got %q, want none", last)
	}
}

// TestBrowser_incident: what is told arrives; the wire can be held.
func TestBrowser_incident(t *testing.T) {
	f := &fakeIncidents{dir: t.TempDir(), emit: make(chan incident.Event)}
	s := serve(t, withIncident(f))
	b := browse(t, s)
	b.do(chromedp.Navigate(s.base+"/incident/1"), chromedp.WaitVisible(chromedp.CSS("[data-ready] [data-act=run]")), click(`[data-act="run"]`))
	f.emit <- demoStatus(incident.Red)
	b.sees("red carts", `document.querySelector('.light.red h2')?.innerText.includes('Carts lose items')`)
	f.emit <- demoWire()
	b.sees("the wire", `document.querySelector('.sorts')?.innerText.includes('cart:c10')`)
	b.do(click(`[data-act="hold"]`))
	f.emit <- incident.Wire{}
	f.emit <- demoStatus(incident.Green)
	b.sees("green carts, and the wire held", `document.querySelector('.light.green h2')?.innerText.includes('Carts keep every item') && document.querySelector('.sorts')`)
	b.sees("what a screen reader is told", `document.querySelector('[data-slot=incident-said]').textContent.includes('Carts keep every item: green')`)
	f.emit <- incident.Done{}
	b.sees("the end", `document.body.innerText.includes('It is over.')`)
	b.clean()
}

// TestScreens_incident takes pictures of the page, as TestScreens does.
func TestScreens_incident(t *testing.T) {
	if *screens == "" {
		*screens = t.TempDir()
	}
	f := &fakeIncidents{dir: t.TempDir(), emit: make(chan incident.Event)}
	s := serve(t, withIncident(f))
	b := browse(t, s)
	s.post("/incident/1/run")
	f.emit <- incident.State{Phase: incident.Running, Text: "version 2 runs, 2 copies", Deployment: 2, Programs: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}}
	f.emit <- demoWire()
	f.emit <- demoStatus(incident.Green)
	f.emit <- demoStatus(incident.Green)
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			b.do(chromedp.EmulateViewport(width, 1100), chromedp.Navigate("about:blank"), chromedp.Navigate(s.base+"/incident/1"))
			b.sees("the wire", `document.querySelector('.sorts')`)
			if result[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("the incident at %d is wider than the window", width)
			}
			b.shoot(fmt.Sprintf("incident-%d-%s", width, scheme), width == 390)
		}
	}
	s.post("/incident/1/stop")
}
