package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// The bounds of what is kept of the wire.
const (
	keptRequests = 4000
	keptCommands = 64 // of one request
	keptEvents   = 24 // of one sort of request, for the picture
)

// wire files commands under the requests for which they were sent. It is safe
// for concurrent use.
type wire struct {
	mu      sync.Mutex
	count   int                 // of requests
	current map[string]*request // by the name of the client
	done    []*request          // in the order in which they began; bounded
	sorts   []string            // in the order in which they were first seen
	tails   map[string][]trace.Event

	strike func(unit.WireRequest) (tap.Fault, bool) // nil strikes nothing
	throw  func(tap.Fault) (clear func(), err error)
	struck map[string]struck // by the name of the client
}

// struck is a fault that waits for a command of one request.
type struck struct {
	at    time.Time
	clear func()
}

type request struct {
	unit.WireRequest
	at time.Time
}

func newWire() *wire {
	return &wire{current: map[string]*request{}, tails: map[string][]trace.Event{}, struck: map[string]struck{}}
}

// throws says which requests meet a fault, and how it is thrown.
func (w *wire) throws(strike func(unit.WireRequest) (tap.Fault, bool), throw func(tap.Fault) (clear func(), err error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strike, w.throw = strike, throw
}

// see takes the events of a tap. A PING with a name begins a request of the
// client that sent it: see package doc.
func (w *wire) see(e trace.Event) {
	if e.Kind != trace.Command || e.Client == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Name == "PING" && len(e.Args) == 1 {
		w.begin(e)
		return
	}
	r := w.current[e.Client]
	if r == nil {
		return
	}
	e.Label = trace.Label{Actor: r.Actor, Request: r.Name + " #" + strconv.Itoa(r.Number)}
	r.Count++
	if len(r.Commands) < keptCommands {
		r.Commands = append(r.Commands, e)
	}
	w.picture(r, e)
}

func (w *wire) begin(e trace.Event) {
	name, actor, ok := strings.Cut(e.Args[0], "|")
	if !ok {
		return
	}
	w.count++
	r := &request{at: e.At, WireRequest: unit.WireRequest{Name: name, Actor: actor, Number: w.count}}
	w.current[e.Client] = r
	w.done = append(w.done, r)
	w.hit(r, e.Client)
	if over := len(w.done) - keptRequests; over > keptRequests/4 {
		w.done = slices.Clone(w.done[over:])
	}
}

// strikeable are the commands that a fault may strike: neither the PING that begins a
// request nor what go-redis says of itself on a new connection.
const strikeable = "[^PC]*"

// strikeLimit is how long a fault waits for a request that sends fewer commands than it
// spares, when the client sends no further request.
const strikeLimit = 10 * time.Second

// hit throws the fault of a request. The program has no reply to its PING yet, so it
// strikes this request's commands; what was left of the one before is taken back.
func (w *wire) hit(r *request, client string) {
	for name, s := range w.struck {
		if name == client || r.at.Sub(s.at) > strikeLimit {
			s.clear()
			delete(w.struck, name)
		}
	}
	if w.strike == nil {
		return
	}
	f, strikes := w.strike(r.WireRequest)
	if !strikes {
		return
	}
	f.Client, f.Command = client, strikeable
	clear, err := w.throw(f)
	if err != nil {
		panic(fmt.Sprintf("a fault of the incident: %v", err)) // which wrote it down
	}
	w.struck[client] = struck{r.at, clear}
}

// picture keeps the last commands of each sort of request.
func (w *wire) picture(r *request, e trace.Event) {
	name := sortOf(r.Name)
	tail, known := w.tails[name]
	if !known {
		w.sorts = append(w.sorts, name)
	}
	if len(tail) >= 2*keptEvents {
		tail = append(tail[:0], tail[len(tail)-keptEvents:]...)
	}
	w.tails[name] = append(tail, e)
}

// sortOf is a request's name up to the first part of its path: POST /carts.
func sortOf(name string) string {
	method, path, _ := strings.Cut(name, " ")
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return method + " /" + first
}

// writersFirst puts POST before GET, and else goes by the alphabet.
func writersFirst(a, b string) int { return cmp.Or(cmp.Compare(b[:1], a[:1]), cmp.Compare(a, b)) }

// requests returns what began since then, the oldest first.
func (w *wire) requests(since time.Time) []unit.WireRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []unit.WireRequest
	for _, r := range w.done {
		if r.at.Before(since) {
			continue
		}
		one := r.WireRequest
		one.Commands = slices.Clone(r.Commands)
		out = append(out, one)
	}
	return out
}

// sample is the picture of the last commands.
func (w *wire) sample() Wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out Wire
	for _, name := range slices.SortedFunc(slices.Values(w.sorts), writersFirst) {
		tail := w.tails[name]
		// They came in the order of their replies.
		tail = slices.SortedFunc(slices.Values(tail), func(a, b trace.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		out.Sorts = append(out.Sorts, Sort{Name: name, Events: tail[max(0, len(tail)-keptEvents):]})
	}
	return out
}
