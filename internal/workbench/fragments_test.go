package workbench

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/unit"
)

var update = flag.Bool("update", false, "write the golden fragments anew")

// offline is a server that does not listen, to draw fragments with.
func offline(t *testing.T) *Server {
	t.Helper()
	pages, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	return &Server{redis: private, pages: pages}
}

// Each type of event has its drawing; testdata/fragments shows it.
func TestFragments(t *testing.T) {
	view := offline(t).newRunView()
	drawn := map[string]int{}
	for _, event := range demoEvents() {
		parts, _ := view.event(event)
		drawn[event.Type()]++
		name := event.Type()
		if drawn[name] > 1 {
			name += "-" + strconv.Itoa(drawn[name])
		}
		var b strings.Builder
		for _, p := range parts {
			b.WriteString("<!-- " + p.Slot + " " + p.Mode + " -->\n" + p.HTML + "\n")
			strict(t, name, p.HTML)
			if p.Slot == "" || p.HTML == "" && event.Type() != "result" {
				t.Errorf("%s: got an empty part for the slot %q", name, p.Slot)
			}
		}
		golden(t, name+".html", b.String())
	}
	for _, typ := range []string{"start", "step", "metric", "table", "chart", "keys", "film", "progress", "predict", "trace", "race", "claim", "result"} {
		if drawn[typ] == 0 {
			t.Errorf("no event of the type %s was drawn", typ)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "fragments", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from what it was (-was +is):\n%s", name, diff)
	}
}

// Every slot that an event names is on the page.
func TestFragments_haveSlots(t *testing.T) {
	s := serve(t)
	_, page := s.get("/u/1.01-strings")
	view := offline(t).newRunView()
	all := page
	for _, event := range demoEvents() {
		parts, _ := view.event(event)
		for _, p := range parts {
			if !strings.Contains(all, `data-slot="`+p.Slot+`"`) {
				t.Errorf("%s goes to the slot %q, which no page has", event.Type(), p.Slot)
			}
			all += p.HTML // a fragment may bring slots of its own
		}
	}
}

// What comes from Redis or from a learner is shown as text.
func TestFragments_escape(t *testing.T) {
	evil := `<img src=x onerror=alert(1)>"'&`
	view := offline(t).newRunView()
	for _, event := range []unit.Event{
		unit.Step{Text: evil}, unit.Metric{Label: evil, Unit: evil, Tone: unit.Tone(evil)},
		unit.Table{Title: evil, Columns: []string{evil}, Rows: [][]string{{evil, "a cell too many"}, {}}},
		unit.Chart{Kind: unit.Bars, Title: evil, Series: []unit.Series{{Name: evil, Points: []unit.Point{{Label: evil, Y: 1}}}}, Mark: &unit.Mark{Label: evil, Value: 1}},
		unit.Chart{Kind: unit.Lines, YLabel: evil, XLabel: evil, Unit: evil, Series: []unit.Series{{Name: evil, Points: []unit.Point{{Label: evil, Y: 1}}}, {Name: evil}}},
		unit.Chart{Kind: unit.Lanes, Series: []unit.Series{{Name: evil, Points: []unit.Point{{Label: evil, Y: 1}}}}, Mark: &unit.Mark{Label: evil}},
		unit.Chart{Kind: unit.Heat, XLabel: evil, Series: []unit.Series{{Name: evil, Points: []unit.Point{{Label: evil, Y: 1}}}}},
		unit.Chart{Kind: unit.ChartKind(evil), Title: evil},
		unit.Film{Title: evil, Frames: []unit.Frame{{Caption: evil, Keys: []picture.Key{{Name: evil, Type: "zset", TTL: 5, Items: []picture.Item{{Name: evil, Value: evil, Score: evil}}}}, Rows: []unit.Row{{Name: evil, Note: evil, Cells: []unit.Cell{{Text: evil, Mark: unit.Shade(evil)}}}}}}},
		unit.Start{Params: map[string]string{evil: evil}}, unit.Result{Error: evil},
		unit.Predict{Because: evil, Choices: []string{evil}}, unit.Checked{Text: evil, Op: evil},
	} {
		parts, _ := view.event(event)
		for _, p := range parts {
			if strings.Contains(p.HTML, "<img") {
				t.Errorf("%s draws what it was given as HTML: %s", event.Type(), p.HTML)
			}
		}
	}
	if body, err := markdownHTML([]byte("<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n```go\n<img src=x>\n```")); err != nil || strings.Contains(string(body), "<script") || strings.Contains(string(body), "javascript:") || strings.Contains(string(body), "<img") {
		t.Errorf("a lesson draws raw HTML: %s (%v)", body, err)
	}
}

// Without a real Redis there are no microseconds in a trace.
func TestFragments_embedded(t *testing.T) {
	embedded, err := localredis.Open(t.Context(), localredis.Options{Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	s := offline(t)
	s.redis = embedded
	for _, event := range demoEvents() {
		parts, _ := s.newRunView().event(event)
		for _, p := range parts {
			if strings.Contains(p.HTML, "µs") {
				t.Errorf("%s shows a timing of the embedded server: %s", event.Type(), p.HTML)
			}
		}
	}
}

func TestLesson(t *testing.T) {
	got, err := lessonHTML([]byte("# The title\n\nThe lead\nof it.\n\nThe text.\n"), "The lead of it.")
	if err != nil {
		t.Fatal(err)
	}
	if want := "<p>The text.</p>\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLessonHTML_terms(t *testing.T) {
	terms := []unit.Defined{
		{Term: unit.Term{Word: "key", Means: "The name of a value."}},
		{Term: unit.Term{Word: "round trip", Means: "There and back.", Also: []string{"round trips"}}},
	}
	got, err := lessonHTML([]byte("# Key\n\nA keyboard has `key` and two round trips; a Key, a key,\n[a round trip](/x).\n"), "", terms...)
	if err != nil {
		t.Fatal(err)
	}
	html := string(got)
	for _, want := range []string{
		`<a href="/glossary#term-round-trip" title="There and back." class="term">round trips</a>; a `,
		`<a href="/glossary#term-key" title="The name of a value." class="term">Key</a>, a key,`,
		`<code>key</code>`, `A keyboard`, `<a href="/x">a round trip</a>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("got no %s in\n%s", want, html)
		}
	}
	if n := strings.Count(html, "/glossary#"); n != 2 {
		t.Errorf("got %d links to the glossary, want the first appearance of each word", n)
	}
}

func TestTermsFor(t *testing.T) {
	own := unit.Entry{Dir: "01-a/01-own", Unit: &unit.Unit{ID: "1.01", Terms: []unit.Term{{Word: "own"}}}}
	other := unit.Entry{Dir: "01-a/02-other", Unit: &unit.Unit{ID: "1.02", Terms: []unit.Term{{Word: "round trip"}, {Word: "set", Common: true}}}}
	s := &Server{course: &unit.Course{Phases: []unit.Phase{{Number: 1, Units: []unit.Entry{own, other}}}}}
	got := s.termsFor(own)
	if len(got) != 1 || got[0].Word != "round trip" {
		t.Errorf("got %v, want round trip alone: not the unit's own words, and none of everyday", got)
	}
}
