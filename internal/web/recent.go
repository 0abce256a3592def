package web

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Request is a request that was answered, and the commands behind it.
type Request struct {
	ID     string        `json:"id"`
	Method string        `json:"method"`
	Path   string        `json:"path"` // without the query
	Route  string        `json:"route"`
	Status int           `json:"status"`
	At     time.Time     `json:"at"`
	Took   time.Duration `json:"took_ns"`
	Work   Work          `json:"redis"`
	// Commands are the first hundred, in the order in which they were answered.
	Commands []Command `json:"commands"`
}

// keptRequests is how many of the last requests are kept.
const keptRequests = 100

// recent is a ring of the last requests. The zero value is ready.
type recent struct {
	mu   sync.Mutex
	ring [keptRequests]Request
	next int // where the next one goes
	held int
}

func (r *recent) add(q Request) {
	if q.Commands == nil {
		q.Commands = []Command{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next] = q
	r.next = (r.next + 1) % keptRequests
	r.held = min(r.held+1, keptRequests)
}

// last returns the newest first.
func (r *recent) last() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Request, 0, r.held)
	for i := range r.held {
		out = append(out, r.ring[(r.next-1-i+keptRequests)%keptRequests])
	}
	return out
}

// Requests are the last requests, the newest first, without those to the docs,
// the probes and this list. It is empty unless Options.Reveal.
func (s *Server) Requests() []Request {
	if s.recent == nil {
		return nil
	}
	return s.recent.last()
}

func (r *recent) list(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.last()) }

// one answers for the newest request of an id: a client may send one twice.
func (r *recent) one(w http.ResponseWriter, q *http.Request) {
	for _, one := range r.last() {
		if one.ID == q.PathValue("id") {
			writeJSON(w, one)
			return
		}
	}
	writeProblem(w, http.StatusNotFound, plainProblem(q.Context(), http.StatusNotFound, "This request is not among the last that were kept."))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the reader may be gone; there is nobody to tell
}
