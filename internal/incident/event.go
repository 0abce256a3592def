package incident

import (
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// Event is one thing that an incident has to tell; unit.Marshal makes JSON of it.
type Event interface{ Type() string }

// Phase is what the runner is doing.
type Phase string

// What the runner can be doing.
const (
	Building Phase = "building" // compiling; the old deployment, if any, goes on
	Starting Phase = "starting" // a fresh Redis is filled and the copies start
	Running  Phase = "running"
	Refused  Phase = "refused" // the file does not compile; the old deployment goes on
	Crashed  Phase = "crashed" // a copy of the program ended by itself
	Failed   Phase = "failed"  // this machine could not do it: no go, no Redis, no file
)

// State says what the runner is doing.
type State struct {
	Phase Phase  `json:"phase"`
	Text  string `json:"text"`           // a sentence; of the compiler, its lines
	Line  int    `json:"line,omitempty"` // of the learner's file, where it is known
	// Deployment numbers what runs, from 1; zero when nothing runs.
	Deployment int      `json:"deployment,omitempty"`
	Programs   []string `json:"programs,omitempty"` // addresses of the copies
}

// Light is how a fact stands.
type Light string

// How a fact can stand.
const (
	Watching Light = "watching" // not enough was seen yet
	Red      Light = "red"
	Green    Light = "green"
)

// Fact is a fact as it stands.
type Fact struct {
	ID    string    `json:"id"`
	Title string    `json:"title"` // the symptom, or that it is gone
	Light Light     `json:"light"`
	Since time.Time `json:"since"` // when the light came to be this
	Value float64   `json:"value"`
	Unit  string    `json:"unit"`
	Text  string    `json:"text"`
	// History are the last values, a second apart, the newest last.
	History []Point `json:"history,omitempty"`
}

// Point is one value of a fact's history.
type Point struct {
	Value      float64 `json:"value"`
	Light      Light   `json:"light"`
	Deployment int     `json:"deployment"`
}

// Status is the dashboard.
type Status struct {
	Facts  []Fact `json:"facts"`
	Millis int64  `json:"millis"` // since the incident began
	// Now is when it was so.
	Now time.Time `json:"now"`
}

// Wire is a picture of the wire: for each sort of request, the last commands.
type Wire struct {
	Sorts []Sort `json:"sorts"`
}

// Sort is the commands of one sort of request, such as POST /carts, in the order in
// which they were on the wire. Each carries the request that it belongs to.
type Sort struct {
	Name   string        `json:"name"`
	Events []trace.Event `json:"events"`
}

// Done says that the incident is over: all facts were green for Hold.
type Done struct {
	Millis      int64 `json:"millis"`
	Deployments int   `json:"deployments"`
}

// Type returns the event's name in JSON.
func (State) Type() string { return "state" }

// Type returns the event's name in JSON.
func (Status) Type() string { return "status" }

// Type returns the event's name in JSON.
func (Wire) Type() string { return "wire" }

// Type returns the event's name in JSON.
func (Done) Type() string { return "done" }
