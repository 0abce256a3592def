package trace

import (
	"cmp"
	"slices"
	"sync"
)

// DefaultMax is how many events a Recorder keeps unless told otherwise.
const DefaultMax = 10_000

// Recorder keeps the newest events of a wire in bounded memory. It is safe for
// concurrent use.
type Recorder struct {
	mu      sync.Mutex
	max     int
	events  []Event // a ring once it is full
	next    int     // the oldest event, which the next one replaces
	dropped int
	trips   int
	last    map[uint64]uint64 // the trip counted last, by connection
}

// NewRecorder keeps at most max events and then forgets the oldest; zero or
// less means DefaultMax.
func NewRecorder(max int) *Recorder {
	if max <= 0 {
		max = DefaultMax
	}
	return &Recorder{max: max, last: map[uint64]uint64{}}
}

// Sink is where a wire sends its events.
func (r *Recorder) Sink() Sink { return r.add }

func (r *Recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case Command:
		// Trips of one connection only grow, so the last one tells them apart.
		if r.last[e.Conn] != e.Trip {
			r.last[e.Conn] = e.Trip
			r.trips++
		}
	case Close:
		delete(r.last, e.Conn)
	}
	if len(r.events) < r.max {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % r.max
	r.dropped++
}

// Events returns what is kept, in the order of Seq.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	out := slices.Clone(r.events)
	r.mu.Unlock()
	slices.SortFunc(out, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Commands returns the kept events that are commands of the program: no
// handshakes, pushes, opened or closed connections.
func (r *Recorder) Commands() []Event {
	return slices.DeleteFunc(r.Events(), func(e Event) bool { return e.Kind != Command })
}

// RoundTrips counts the round trips that the program's commands cost, those of
// dropped events included. Handshakes are not counted.
func (r *Recorder) RoundTrips() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trips
}

// Dropped counts the events that were forgotten to make room.
func (r *Recorder) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Reset forgets all events and counts from zero.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.next, r.dropped, r.trips = nil, 0, 0, 0
	clear(r.last)
}
