package web

import "net/http"

// Health is what answers the probes beside the server's own state: each handler
// is asked only where the server itself has no objection. Nil is no objection.
type Health struct {
	Live    http.Handler // /healthz: 200, or 503 where only a restart helps
	Ready   http.Handler // /readyz: 200, or 503 where requests should go elsewhere
	Startup http.Handler // /startupz: 200 once the start is over

	// Drain is told when the end begins, before DrainDelay. From then on the
	// server's /readyz is 503 in any case.
	Drain func()
}

// phase is where a Server is in its life.
type phase int32

const (
	serving  phase = iota // ready; also a Server that is not run, as in a test
	starting              // its gates have not all returned
	draining              // its end was asked for
)

// probes serves /healthz, /readyz and /startupz.
func (s *Server) probes() {
	probe := func(path string, own func() string, next http.Handler) {
		s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if why := own(); why != "" {
				http.Error(w, why, http.StatusServiceUnavailable)
				return
			}
			if next != nil {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Write([]byte("ok\n"))
		})
	}
	is := func() phase { return phase(s.phase.Load()) }
	probe("/healthz", func() string { return "" }, s.o.Health.Live)
	probe("/readyz", func() string {
		switch is() {
		case starting:
			return "starting"
		case draining:
			return "draining"
		}
		return ""
	}, s.o.Health.Ready)
	probe("/startupz", func() string {
		if is() == starting {
			return "starting"
		}
		return ""
	}, s.o.Health.Startup)
}

// isProbe says which paths are answered while the server starts, and are not
// worth a line in the log.
func isProbe(path string) bool {
	switch path {
	case "/healthz", "/readyz", "/startupz", "/metrics":
		return true
	}
	return false
}
