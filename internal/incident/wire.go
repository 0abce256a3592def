package incident

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
}

type request struct {
	unit.WireRequest
	at time.Time
}

func newWire() *wire {
	return &wire{current: map[string]*request{}, tails: map[string][]trace.Event{}}
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
	if over := len(w.done) - keptRequests; over > keptRequests/4 {
		w.done = slices.Clone(w.done[over:])
	}
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
