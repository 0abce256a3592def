package unit

import (
	"encoding/json"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
)

// Event is one thing that a run has to tell. The terminal, the page and JSON
// render the same events.
type Event interface{ Type() string }

// Marshal renders an event as one line of JSON with its type first.
func Marshal(e Event) ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	head := `{"type":"` + e.Type() + `"`
	if string(body) == "{}" {
		return []byte(head + "}"), nil
	}
	return append([]byte(head+","), body[1:]...), nil
}

// Start opens a run.
type Start struct {
	ID     string            `json:"id"`
	Title  string            `json:"title"`
	Redis  string            `json:"redis"`            // one line: which server, where
	Params map[string]string `json:"params,omitempty"` // as they were set, durations as text
	Quick  bool              `json:"quick,omitempty"`
}

// Step says what happens next.
type Step struct {
	Text string `json:"text"`
}

// Tone says whether a figure is good or bad news; most are neither.
type Tone string

// The tones of a figure.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Bad   Tone = "bad"
)

// Metric is one figure.
type Metric struct {
	Name  string  `json:"name"`  // stable, for claims and scripts: lost_get_set
	Label string  `json:"label"` // for people: lost with GET, SET
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"` // "", "ops/s", "µs", "ms", "s", "B", "%", "round trips"
	Tone  Tone    `json:"tone,omitempty"`
	// Timing marks what depends on how fast things ran. It is not emitted on the
	// embedded server.
	Timing bool `json:"timing,omitempty"`
	// Minor keeps it out of the large figures of the page; claims see it all the same.
	Minor bool `json:"minor,omitempty"`
}

// Table is figures side by side. Cells that are numbers align right.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// ChartKind is how a chart is drawn.
type ChartKind string

// The kinds of charts.
const (
	Bars  ChartKind = "bars"  // one bar a point, by label
	Lines ChartKind = "lines" // one line a series, over X
	Lanes ChartKind = "lanes" // one lane a series; points are spans from X to X+Y
	Heat  ChartKind = "heat"  // one row a series, one cell a point, Y is the heat
)

// Chart is a picture of figures.
type Chart struct {
	Kind   ChartKind `json:"kind"`
	Title  string    `json:"title"`
	XLabel string    `json:"x_label,omitempty"`
	YLabel string    `json:"y_label,omitempty"`
	Unit   string    `json:"unit,omitempty"` // of Y, shown behind each figure
	LogX   bool      `json:"log_x,omitempty"`
	LogY   bool      `json:"log_y,omitempty"`
	Series []Series  `json:"series"`
	// Mark is a line to compare with, such as the expected count.
	Mark *Mark `json:"mark,omitempty"`
	// Timing as in Metric: not emitted on the embedded server.
	Timing bool `json:"timing,omitempty"`
}

// Series is one set of points.
type Series struct {
	Name   string  `json:"name"`
	Tone   Tone    `json:"tone,omitempty"`
	Points []Point `json:"points"`
}

// Point is one figure of a chart.
type Point struct {
	Label string  `json:"label,omitempty"`
	X     float64 `json:"x,omitempty"`
	Y     float64 `json:"y"`
}

// Mark is a line across a chart.
type Mark struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// Keys shows keys as what they are.
type Keys struct {
	Title string        `json:"title"`
	Keys  []picture.Key `json:"keys"`
}

// Progress says how far a long step is. Total zero means unknown.
type Progress struct {
	Label string `json:"label"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

// Predict answers the question that was asked before the run.
type Predict struct {
	Question string   `json:"question"`
	Choices  []string `json:"choices"`
	Right    int      `json:"right"` // index into Choices
	Because  string   `json:"because"`
}

// Trace is a sample of the wire.
type Trace struct {
	Title      string        `json:"title"`
	Prefix     string        `json:"prefix"` // what was cut off the keys for display
	RoundTrips int           `json:"round_trips"`
	Note       string        `json:"note,omitempty"`
	Events     []trace.Event `json:"events"`
}

// Race is either one schedule, played, or the explorer's report on all.
type Race struct {
	Scenario string        `json:"scenario"` // its name
	Title    string        `json:"title"`
	Outcome  *race.Outcome `json:"outcome,omitempty"`
	Report   *race.Report  `json:"report,omitempty"`
}

// Checked is a claim with its figure.
type Checked struct {
	Text   string  `json:"text"`
	Metric string  `json:"metric"`
	Op     string  `json:"op"`
	Bound  float64 `json:"bound"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit,omitempty"` // of both, as the metric has it
	// OK says whether it holds; Skipped that this server cannot answer it.
	OK      bool `json:"ok"`
	Skipped bool `json:"skipped,omitempty"`
	// Need is what it was skipped for, where that is more than a real Redis.
	Need Need `json:"need,omitempty"`
}

// Result closes a run.
type Result struct {
	OK      bool    `json:"ok"`
	Metrics Metrics `json:"metrics"`
	Millis  int64   `json:"millis"`
	Error   string  `json:"error,omitempty"` // why the run ended early
}

// Type returns the event's name in JSON.
func (Start) Type() string    { return "start" }
func (Step) Type() string     { return "step" }
func (Metric) Type() string   { return "metric" }
func (Table) Type() string    { return "table" }
func (Chart) Type() string    { return "chart" }
func (Keys) Type() string     { return "keys" }
func (Film) Type() string     { return "film" }
func (Progress) Type() string { return "progress" }
func (Predict) Type() string  { return "predict" }
func (Trace) Type() string    { return "trace" }
func (Race) Type() string     { return "race" }
func (Checked) Type() string  { return "claim" }
func (Result) Type() string   { return "result" }

// Lacks says in a few words what a claim that was skipped would need.
func (c Checked) Lacks() string {
	if c.Need == NeedPostgres {
		return "PostgreSQL"
	}
	return "a real Redis"
}
