package workbench

import (
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// incidentState is the line that says what goes on, and the buttons.
type incidentState struct {
	Running  bool
	Over     bool // it has just been solved
	Done     bool // it was solved once
	Text     string
	Trouble  string // of the compiler or a crash
	Heading  string // above the trouble
	Version  int
	Programs []programLink
	Subject  string // what the program is called
	Pace     string // what it has to bear
	File     string // empty without a source tree
	Begun    bool   // the file is there
	NoSource string
	Said     string // for a screen reader
}

// programLink leads to a copy of the program.
type programLink struct{ Name, Addr string }

// boardView is the dashboard.
type boardView struct {
	Idle  bool
	Facts []factView
	Said  string
}

type factView struct {
	Title, Text, Said, Light string
	Value, Unit              string
	Since                    string
	Spark                    template.HTML
}

// incidentWire is the wire, by sorts of request.
type incidentWire struct {
	Subject string // what the program is called
	Sorts   []sortView
}

type sortView struct {
	Name string
	Rows []sceneRow
}

// sceneRow is a command and whose it was. Who is empty where the one above has
// the same request.
type sceneRow struct {
	wireRow
	Request string
	Lane    string // the class of the actor's colour
	Slow    bool
}

// scenery is how the incident stands, for its page.
func (s *Server) scenery(e unit.IncidentEntry) (incidentState, boardView, incidentWire) {
	sc := &s.scene
	sc.mu.Lock()
	mine := sc.id == e.Incident.ID
	state, board, wire, running, over := sc.state, sc.board, sc.wire, sc.running, sc.over
	sc.mu.Unlock()
	if !mine {
		state, board, wire, running, over = incident.State{}, incident.Status{}, incident.Wire{}, false, false
	}
	return s.incidentState(e, state, running, over), boardOf(e.Incident, board, running), sortsOf(e.Incident, wire)
}

func (s *Server) incidentState(e unit.IncidentEntry, state incident.State, running, over bool) incidentState {
	v := incidentState{Running: running, Over: over, Text: state.Text, Version: state.Deployment, Subject: e.Incident.Subject, Pace: e.Incident.Pace}
	for n, addr := range state.Programs {
		name := e.Incident.CopyName(n)
		if len(state.Programs) < e.Incident.Copies { // they stand behind one address
			name = e.Incident.Subject
		}
		v.Programs = append(v.Programs, programLink{name, addr})
	}
	if s.progress != nil {
		v.Done = s.progress.Unit(e.Incident.ID).Status == progress.Passed
	}
	if s.incidents == nil {
		v.NoSource = plainSentence(s.noSource)
	} else {
		v.File = homely(s.incidents.File(e))
		v.Begun = started(s.incidents.File(e))
	}
	switch state.Phase {
	case incident.Refused:
		v.Heading = "It does not compile; what ran before goes on"
		if state.Deployment == 0 {
			v.Heading = "It does not compile"
		}
	case incident.Crashed:
		v.Heading = "It crashed; mend it and save"
	case incident.Failed:
		v.Heading = "It could not be run"
	}
	if v.Heading != "" {
		v.Text, v.Trouble = "", state.Text
	}
	v.Said = strings.TrimSpace(v.Heading + " " + state.Text)
	if over {
		v.Said = "It is over: every fact was green for five seconds."
	}
	return v
}

func boardOf(i *unit.Incident, status incident.Status, running bool) boardView {
	v := boardView{Idle: !running && len(status.Facts) == 0}
	if len(status.Facts) == 0 {
		for _, f := range i.Facts {
			v.Facts = append(v.Facts, factView{Title: f.Bad, Light: "idle", Said: "not running", Value: "–"})
		}
		return v
	}
	var said []string
	for _, f := range status.Facts {
		words := map[incident.Light]string{incident.Red: "red", incident.Green: "green", incident.Watching: "being watched"}
		value := unit.Figure(f.Value, "")
		if f.Value >= 10 {
			value = unit.Figure(float64(int64(f.Value+0.5)), "")
		}
		v.Facts = append(v.Facts, factView{
			Title: f.Title, Text: f.Text, Said: words[f.Light], Light: string(f.Light), Value: value, Unit: f.Unit,
			Since: millis(status.Now.Sub(f.Since).Milliseconds() / 1000 * 1000), Spark: drawSpark(f.Title, f.History),
		})
		said = append(said, f.Title+": "+words[f.Light])
	}
	v.Said = strings.Join(said, ". ")
	return v
}

// sortRows is how many commands of one sort of request are shown.
const sortRows = 8

// slowMicros is from where on a command's time stands out.
const slowMicros = 5000

func sortsOf(i *unit.Incident, wire incident.Wire) incidentWire {
	v := incidentWire{Subject: i.Subject}
	for _, sort := range wire.Sorts {
		events := sort.Events[max(0, len(sort.Events)-sortRows):]
		view := sortView{Name: sort.Name}
		var actors []string
		last := ""
		for _, e := range events {
			at := slices.Index(actors, e.Label.Actor)
			if at < 0 {
				at = len(actors)
				actors = append(actors, e.Label.Actor)
			}
			row := sceneRow{wireRow: rowOf(e, true, true), Lane: actorClass(at), Slow: e.Duration.Microseconds() >= slowMicros}
			row.Command, row.Reply = apostrophes(row.Command), apostrophes(row.Reply)
			row.Who, row.Request = "", requestOf(e, last)
			if row.Request != "" {
				row.Who = e.Label.Actor
			}
			last = e.Label.Request
			view.Rows = append(view.Rows, row)
		}
		v.Sorts = append(v.Sorts, view)
	}
	return v
}

// jsonText is a text in double quotes in which such quotes are escaped, and nothing
// else is.
var jsonText = regexp.MustCompile(`"(?:[^"\\']|\\")*\\"(?:[^"\\']|\\")*"`)

// apostrophes writes JSON as people read it: '{"mug":1}', which redis-cli takes too.
func apostrophes(line string) string {
	return jsonText.ReplaceAllStringFunc(line, func(text string) string {
		return "'" + strings.ReplaceAll(text[1:len(text)-1], `\"`, `"`) + "'"
	})
}

// requestOf is the number of a command's request, unless the command before
// belongs to the same one.
func requestOf(e trace.Event, last string) string {
	if e.Label.Request == last {
		return ""
	}
	_, number, _ := strings.Cut(e.Label.Request, "#")
	return "#" + number
}

// homely is a path as people write it: from the current folder if it is below.
func homely(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

// The size of a sparkline; it is stretched to its place.
const (
	sparkWidth  = 300
	sparkHeight = 44
)

// drawSpark draws the last values of a fact: a line in the colour of its light,
// from the right, and a rule where another version began.
func drawSpark(title string, history []incident.Point) template.HTML {
	if len(history) < 2 {
		return ""
	}
	var values []float64
	for _, p := range history {
		values = append(values, p.Value)
	}
	s := &sketch{width: sparkWidth, height: sparkHeight}
	down := scaleOf(values, sparkHeight-3, 3, false, true)
	step := float64(sparkWidth) / 89
	x := func(i int) float64 { return sparkWidth - float64(len(history)-1-i)*step }
	for i := 1; i < len(history); i++ {
		if history[i].Deployment != history[i-1].Deployment {
			s.rule(x(i), 0, x(i), sparkHeight, "axis")
			continue
		}
		class := map[incident.Light]string{incident.Red: "line cbad", incident.Green: "line cgood"}[history[i].Light]
		if class == "" {
			class = "line cwait"
		}
		s.rule(x(i-1), down.at(values[i-1]), x(i), down.at(values[i]), class)
	}
	label := fmt.Sprintf("%s, the last %d seconds: from %s to %s", title, len(history), unit.Figure(values[0], ""), unit.Figure(values[len(values)-1], ""))
	//nolint:gosec // all text went through escaping
	return template.HTML(fmt.Sprintf(`<svg class="chart spark" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">%s</svg>`,
		sparkWidth, sparkHeight, template.HTMLEscapeString(label), s.out.String()))
}
