package workbench

import (
	"cmp"
	"html/template"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// runView turns the events of one run into parts of the page.
type runView struct {
	server *Server
	params map[string]string
	minor  bool // a minor figure was shown already
	cut    bool // the run told more than is kept
}

func (s *Server) newRunView() *runView { return &runView{server: s} }

// event draws one event, and says what the page's modules need to know of it
// besides.
func (v *runView) event(e unit.Event) (parts []part, data any) {
	draw := func(slot, mode, name string, view any) {
		parts = append(parts, part{slot, mode, v.server.fragment(name, view)})
	}
	switch e := e.(type) {
	case unit.Start:
		v.params = e.Params
		draw("run-about", "", "run-about", e)
	case unit.Step:
		draw("steps", "append", "step", e)
		draw("run-now", "", "text", e.Text)
	case unit.Progress:
		draw("progress", "", "progress", e)
	case unit.Metric:
		if e.Minor {
			if !v.minor {
				v.minor = true
				draw("minor", "", "minor", nil)
			}
			draw("minor-rows", "append", "minor-row", e)
		} else {
			draw("metrics", "append", "metric", e)
		}
	case unit.Table:
		draw("tables", "append", "table", tableOf(e))
	case unit.Chart:
		draw("charts", "append", "chart", chartView{e.Title, drawChart(e, wide), drawChart(e, narrow)})
	case unit.Keys:
		draw("keys", "append", "keys", keysView{e.Title, picturesOf(e.Keys)})
	case unit.Film:
		draw("films", "append", "film", filmOf(e))
	case unit.Predict:
		draw("verdict", "", "verdict", e)
		data = e
	case unit.Trace:
		draw("wire", "append", "wire", wireOf(e, v.server.redis.Timings()))
	case unit.Race:
		draw("races", "append", "run-race", raceEvent{e.Title, outcomeView(e.Outcome), reportView(e.Report, v.server.redis.Timings(), e.Scenario)})
	case unit.Checked:
		draw("claims", "append", "claim", e)
	case unit.Result:
		draw("run-end", "", "run-end", resultView{e, v.cut, v.server.redis.Timings()})
		took := "done" // how long it took on the embedded server says nothing
		if v.server.redis.Timings() {
			took = millis(e.Millis)
		}
		data = map[string]any{"ok": e.OK, "took": took, "error": e.Error}
	}
	return parts, data
}

type chartView struct {
	Title        string
	Wide, Narrow template.HTML
}

type resultView struct {
	unit.Result
	Cut     bool
	Timings bool
}

// tableView is a table with its numbers to the right.
type tableView struct {
	unit.Table
	Right []bool
}

func tableOf(t unit.Table) tableView {
	v := tableView{t, make([]bool, len(t.Columns))}
	for i := range t.Columns {
		v.Right[i] = unit.Numeric(t.Rows, i)
	}
	return v
}

// Cells pairs the cells of a row with their alignment; a row that is too long
// loses what has no column.
func (t tableView) Cells(row []string) []cell {
	out := make([]cell, 0, len(row))
	for i, text := range row[:min(len(row), len(t.Columns))] {
		out = append(out, cell{text, t.Right[i]})
	}
	return out
}

type cell struct {
	Text  string
	Right bool
}

// The bounds of what is drawn of a trace; what is beyond stands in a fold.
const (
	openGroups = 6
	openRows   = 24
)

// wireView is a trace, grouped by what caused it.
type wireView struct {
	unit.Trace
	Timings   bool
	Open      []wireGroup
	Folded    []wireGroup
	Handshake []wireRow // folded away
	Commands  int
}

type wireGroup struct {
	Title      string
	RoundTrips int
	Micros     int64
	Rows, More []wireRow
}

type wireRow struct {
	Who, Command, Reply, Fault string
	Error, Tx                  bool
	Trip                       bool // a round trip begins here
	Last                       bool // and ends here
	Micros                     int64
}

func wireOf(t unit.Trace, timings bool) wireView {
	v := wireView{Trace: t, Timings: timings}
	for _, e := range t.Events {
		if e.Kind == trace.Handshake {
			v.Handshake = append(v.Handshake, rowOf(e, true, true))
		}
	}
	for _, g := range trace.Groups(t.Events) {
		group := wireGroup{Title: g.Title(), RoundTrips: g.RoundTrips, Micros: g.Duration.Microseconds()}
		for i, e := range g.Events {
			first := i == 0 || !sameTrip(e, g.Events[i-1])
			last := i == len(g.Events)-1 || !sameTrip(e, g.Events[i+1])
			group.Rows = append(group.Rows, rowOf(e, first, last))
		}
		v.Commands += len(group.Rows)
		if len(group.Rows) > openRows {
			group.Rows, group.More = group.Rows[:openRows], group.Rows[openRows:]
		}
		if len(v.Open) < openGroups {
			v.Open = append(v.Open, group)
		} else {
			v.Folded = append(v.Folded, group)
		}
	}
	return v
}

func sameTrip(a, b trace.Event) bool { return a.Conn == b.Conn && a.Trip == b.Trip && a.Trip != 0 }

func rowOf(e trace.Event, first, last bool) wireRow {
	return wireRow{
		Who:     cmp.Or(e.Label.Actor, e.Client),
		Command: e.Line(), Reply: e.Reply.Text, Error: e.Reply.Err(), Fault: e.Fault,
		Tx: e.Tx, Trip: first, Last: last, Micros: e.Duration.Microseconds(),
	}
}

// raceEvent is a race that a run played or explored.
type raceEvent struct {
	Title   string
	Outcome *raceView
	Report  *exploredView
}

// raceView is an outcome as lanes.
type raceView struct {
	*race.Outcome
	Rows  []raceRow
	Nexts []raceNext
	Now   []keyView // the keys after the last step
}

// raceRow is one moment: a cell for each actor, one of them filled.
type raceRow struct {
	N     int
	Cells []*raceStep // nil where nothing happened
}

type raceStep struct {
	race.Step
	Lane    int
	Crashed bool
	Lost    bool
	Last    bool
}

// raceNext is what one actor may do next.
type raceNext struct {
	Lane    int
	Letter  string
	Name    string
	Command string // empty when it has ended
	End     string
}

// exploredView is the explorer's report.
type exploredView struct {
	*race.Report
	Shortest *raceView
	Timings  bool
	Scenario string // of a run: its link opens the race card
}

func outcomeView(o *race.Outcome) *raceView {
	if o == nil {
		return nil
	}
	v := &raceView{Outcome: o}
	shots := o.Keys
	for i, step := range o.Steps {
		row := raceRow{N: i + 1, Cells: make([]*raceStep, len(o.Actors))}
		if step.Actor >= 0 && step.Actor < len(o.Actors) {
			row.Cells[step.Actor] = &raceStep{
				Step: step, Lane: step.Actor, Last: i == len(o.Steps)-1,
				Crashed: step.Fault == race.Crash, Lost: step.Fault == race.LostReply,
			}
		}
		v.Rows = append(v.Rows, row)
		if len(step.Keys) > 0 {
			shots = step.Keys
		}
	}
	for i, name := range o.Actors {
		next := raceNext{Lane: i, Letter: string(rune('A' + i)), Name: name}
		if i < len(o.Next) {
			next.Command = o.Next[i]
		}
		if i < len(o.Ends) {
			next.End = o.Ends[i]
		}
		v.Nexts = append(v.Nexts, next)
	}
	v.Now = picturesOf(shots)
	return v
}

func reportView(r *race.Report, timings bool, scenario string) *exploredView {
	if r == nil {
		return nil
	}
	return &exploredView{r, outcomeView(r.Shortest), timings, scenario}
}
