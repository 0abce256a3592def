package health

import (
	"encoding/json"
	"net/http"
)

// Live answers 200 while all heartbeats are on time, else 503: restart me. It
// knows nothing of Redis or any other check: a restart mends none of them, and
// would come to all instances at once.
//
// Redis: none.
func (h *Health) Live() http.Handler {
	return probe(func() (bool, any) {
		if stuck := h.Stuck(); len(stuck) > 0 {
			return false, body{Status: "stuck", Stuck: stuck}
		}
		return true, body{Status: "alive"}
	})
}

// Ready answers 200 while the program can serve, else 503: send me nothing. It
// answers at once, from what Run found last.
//
// Redis: none.
func (h *Health) Ready() http.Handler {
	return probe(func() (bool, any) {
		r := h.Report()
		return r.Ready, bodyOf(r, r.Ready, "ready", "not ready")
	})
}

// Startup answers 200 once the program was ready for the first time, and ever
// after; before that 503: wait for me, and do not ask Live yet.
//
// Redis: none.
func (h *Health) Startup() http.Handler {
	return probe(func() (bool, any) {
		r := h.Report()
		return r.Started, bodyOf(r, r.Started, "started", "starting")
	})
}

// body is the answer: nothing in it that a stranger could use.
type body struct {
	Status string      `json:"status"`
	Checks []checkBody `json:"checks,omitempty"`
	Stuck  []string    `json:"stuck,omitempty"`
}

type checkBody struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Optional bool   `json:"optional,omitempty"`
	Detail   string `json:"detail,omitempty"`
	AgeMS    *int64 `json:"age_ms,omitempty"` // none before the first result
}

func bodyOf(r Report, ok bool, yes, no string) body {
	b := body{Status: no}
	switch {
	case ok:
		b.Status = yes
	case r.Draining:
		b.Status = "draining"
	}
	for _, s := range r.Checks {
		c := checkBody{Name: s.Name, Status: "down", Optional: s.Optional, Detail: s.Detail}
		if s.Up {
			c.Status = "up"
		}
		if s.Age >= 0 {
			ms := s.Age.Milliseconds()
			c.AgeMS = &ms
		}
		b.Checks = append(b.Checks, c)
	}
	return b
}

// probe is the handler of one question.
func probe(ask func() (ok bool, answer any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		ok, answer := ask()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// net/http drops the body of an answer to HEAD. Who is gone reads nothing.
		_ = json.NewEncoder(w).Encode(answer)
	})
}
