package unit

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
)

// Incident ends a phase: a small program runs under load and misbehaves. A
// learner sees what hurts, never why, finds the causes on the wire, and mends one
// file while the load goes on. Whether a symptom is gone is judged by what is
// observed at Redis and at the program's edge.
type Incident struct {
	// ID is what progress is kept by, such as incident-1.
	ID string
	// Title is what people read.
	Title string
	// Lead is one sentence: what hurts.
	Lead string
	// Minutes is how long it takes, by the rule of docs/decisions/0014.
	Minutes int
	// Subject is what the program is called in a sentence, such as the shop. Pace is
	// what it has to bear, such as about 160 requests a second.
	Subject, Pace string
	// Program is the folder of the program, beside the incident's text.
	Program string
	// File is the one file of Program that a learner mends.
	File string
	// Copies is how many copies of the program run, as behind a balancer.
	Copies int
	// Names are those of the copies, where people tell them apart; nil is by number.
	Names []string
	// Facts are what the dashboard shows, in its order.
	Facts []Fact
	// Window is how far back a fact looks.
	Window time.Duration
	// Seed fills a Redis of its own before the program runs.
	Seed func(ctx context.Context, rdb *redis.Client) error
	// Origin, if set, makes the service that the program reads from, for each
	// deployment anew. Its address is in the program's environment.
	Origin func() http.Handler
	// Open makes ready to drive and judge a running program.
	Open func(Scene) Play
}

// Fact is one thing that must hold. It is told by its symptom while it does not.
type Fact struct {
	ID   string `json:"id"`   // such as carts
	Bad  string `json:"bad"`  // such as Carts lose items
	Good string `json:"good"` // such as Carts keep every item
}

// Scene is what an incident may look at: the program from outside, its Redis, and
// the wire between them.
type Scene struct {
	// Programs are the addresses of the copies, such as http://127.0.0.1:43111.
	Programs []string
	// Redis goes straight to the program's Redis, not over the wire.
	Redis *redis.Client
	// Origin is what Incident.Origin made for this deployment; nil if there is none.
	Origin http.Handler
	// Requests are what the wire showed since then, by the program's requests.
	Requests func(since time.Time) []WireRequest
	// Copies are the copies at the beginning, and Launch starts one more. All of them
	// end with the load.
	Copies []Copy
	Launch func(ctx context.Context) (Copy, error)
	// Throw puts a fault on the wire, until clear is called.
	Throw func(tap.Fault) (clear func(), err error)
}

// Copy is one running copy of the program.
type Copy struct {
	// Addr is where it listens, such as http://127.0.0.1:43111.
	Addr string
	// Leave tells it to end, as SIGTERM does, and returns at once. It is the line
	// "leave" on its standard input, for not every system has signals.
	Leave func()
	// Kill ends it as it stands, and returns when it has ended.
	Kill func()
	// Ended is closed when it has ended, in whatever way.
	Ended <-chan struct{}
}

// WireRequest is one request that the program served, and the commands that it
// sent for it.
type WireRequest struct {
	// Name is the program's own, such as POST /carts/c7; Actor is who asked, such
	// as left tab.
	Name, Actor string
	// Number counts the requests in the order in which they began.
	Number int
	// Commands are the first of what it sent, in the order of the wire; Count
	// counts all of them.
	Commands []trace.Event
	Count    int
}

// Play is an incident over one running program.
type Play struct {
	// Load drives the program until ctx ends.
	Load func(ctx context.Context)
	// Judge returns a reading for each fact, in their order.
	Judge func(ctx context.Context) []Reading
	// Addr is where people find the program, such as its balancer; empty is at its
	// copies.
	Addr string
	// Strike, if set, is asked when a request begins whether a fault strikes one of its
	// commands: After counts these, without the PING; Client and Command are filled in. It
	// must return at once.
	Strike func(r WireRequest) (f tap.Fault, strikes bool)
}

// Reading is what was observed of a fact over the last window.
type Reading struct {
	// Bad says that it was seen not to hold.
	Bad bool
	// Enough says that, if it was not seen to fail, enough was seen to say that it
	// holds.
	Enough bool
	// Value and Unit are the large figure; Text is a sentence about it.
	Value float64
	Unit  string
	Text  string
}

// IncidentEntry is an incident and its folder below the course's root, such as
// 01-redis-fundamentals/incident.
type IncidentEntry struct {
	Dir      string
	Phase    int // the phase that it ends
	Incident *Incident
}

// CopyName is what a copy of the program is called; the first is 0.
func (i *Incident) CopyName(n int) string {
	if n < len(i.Names) {
		return i.Names[n]
	}
	return "copy " + strconv.Itoa(n+1)
}

// Folder is the name of the incident's folder in the workspace.
func (e IncidentEntry) Folder() string { return e.Incident.ID }

// FindIncident returns the incident with this id. It also takes the number of its
// phase; the empty id is the first incident.
func (c *Course) FindIncident(id string) (IncidentEntry, bool) {
	want := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(id)), "incident-")
	for _, e := range c.Incidents {
		if want == "" || want == strconv.Itoa(e.Phase) || id == e.Incident.ID {
			return e, true
		}
	}
	return IncidentEntry{}, false
}

// Story returns the incident's text.
func (c *Course) Story(e IncidentEntry) ([]byte, error) {
	return fs.ReadFile(c.Files, path.Join(e.Dir, "incident.md"))
}
