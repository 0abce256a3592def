package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// Policy is the Content-Security-Policy of every answer: a page loads what this
// server sends, and nothing else.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// request is what the server keeps of a request while it is served.
type request struct {
	id       string
	start    time.Time
	remote   string
	forwards []string // values of X-Forwarded-For
	trusted  proxies
	tally    tally
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	q, _ := ctx.Value(requestKey{}).(*request)
	return q
}

// RequestID is the id of the request that ctx belongs to; empty outside one.
func RequestID(ctx context.Context) string {
	if q := requestOf(ctx); q != nil {
		return q.id
	}
	return ""
}

// maxID bounds an id that a client sent.
const maxID = 64

// pickID takes the client's id where it is fit for a log and a header, else
// makes one: 130 random bits.
func pickID(sent string) string {
	if sent == "" || len(sent) > maxID {
		return rand.Text()
	}
	for i := range len(sent) {
		c := sent[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0) {
			return rand.Text()
		}
	}
	return sent
}

// ServeHTTP answers a request: it has an id, which is on the response, in the
// logs and on the commands in a trace; a panic is a 500; what nobody serves is a
// problem too.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.inFlight.Add(1)
	defer s.inFlight.Done()
	q := &request{
		id: pickID(r.Header.Get("X-Request-Id")), start: time.Now(),
		remote: r.RemoteAddr, forwards: r.Header.Values("X-Forwarded-For"), trusted: s.o.TrustedProxies,
	}
	q.tally.keep = s.recent != nil
	ctx := trace.WithRequest(context.WithValue(r.Context(), requestKey{}, q), q.id)
	r = r.WithContext(ctx)
	out := &response{ResponseWriter: w, server: s, request: r, state: q}
	s.protect(w.Header(), q.id)
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	defer s.finish(out, r, q)
	defer s.recoverPanic(out, r)

	if phase(s.phase.Load()) == starting && !isProbe(r.URL.Path) {
		out.mine = true
		w.Header().Set("Retry-After", "1")
		s.Fail(out, r, kindStarting.problem(""))
		return
	}
	s.mux.ServeHTTP(out, r)
}

// protect sets what every answer carries.
func (s *Server) protect(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if phase(s.phase.Load()) == draining {
		h.Set("Connection", "close") // the client's next request goes elsewhere
	}
}

// recoverPanic answers for a handler that panicked. If its answer had begun the
// connection is cut, so that the client does not take a part for the whole.
func (s *Server) recoverPanic(w *response, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
		panic(p)
	}
	s.log.ErrorContext(r.Context(), "the handler panicked", "panic", p, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	w.mine = true
	s.Fail(w, r, kindInternal.problem(internalDetail))
}

// finish counts, logs and keeps what was done.
func (s *Server) finish(w *response, r *http.Request, q *request) {
	took := time.Since(q.start)
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	work := q.tally.sum()
	route := route(r.Pattern)
	s.metrics.served(route, r.Method, status, took, work)
	level := slog.LevelInfo
	if isProbe(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/static/") {
		level = slog.LevelDebug
	}
	if s.log.Enabled(r.Context(), level) {
		s.log.LogAttrs(r.Context(), level, "request",
			slog.String("method", r.Method), slog.String("route", route), slog.Int("status", status),
			slog.Duration("took", took), slog.Int("redis_commands", work.Commands), slog.String("client", ClientIP(r.Context()).String()))
	}
	if s.recent != nil && level == slog.LevelInfo && !isOwn(r.URL.Path) {
		s.recent.add(Request{
			ID: q.id, Method: r.Method, Path: r.URL.Path, Route: route, Status: status, At: q.start, Took: took,
			Work: work, Commands: q.tally.list(),
		})
	}
}

// route is the path of a pattern, so that a metric has one label for all books.
func route(pattern string) string {
	if pattern == "" {
		return "unmatched"
	}
	if _, path, found := strings.Cut(pattern, " "); found {
		return path
	}
	return pattern
}

// isOwn says whether a path is about the API, not of it.
func isOwn(path string) bool {
	return path == "/docs" || strings.HasPrefix(path, "/docs/") || strings.HasPrefix(path, "/openapi.") ||
		path == "/requests" || strings.HasPrefix(path, "/requests/") || path == "/favicon.ico"
}

// response notes the status, adds what is known when the header goes out, and
// turns the mux's own plain refusals into problems.
type response struct {
	http.ResponseWriter
	server  *Server
	request *http.Request
	state   *request
	status  int
	mine    bool // this package answers; nothing to turn
	discard bool // the mux's own text, for which a problem was sent
}

// Unwrap leads http.ResponseController to the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header.
func (w *response) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	if (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) && w.request.Pattern == "" && !w.mine {
		w.refuse(status)
		return
	}
	w.status = status
	if w.server.o.Reveal {
		work := w.state.tally.sum()
		h := w.Header()
		h.Set("Redis-Commands", work.header())
		h.Set("Server-Timing", work.timing(time.Since(w.state.start)))
	}
	w.ResponseWriter.WriteHeader(status)
}

// refuse answers what no pattern matches.
func (w *response) refuse(status int) {
	w.mine = true
	detail := "Nothing is served at this path."
	if status == http.StatusMethodNotAllowed {
		detail = w.request.Method + " is not served at this path; " + w.Header().Get("Allow") + " is."
	}
	writeProblem(w, status, plainProblem(w.request.Context(), status, detail))
	w.discard = true
}

// Write sends a part of the body.
func (w *response) Write(p []byte) (int, error) {
	if w.discard {
		return len(p), nil
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// requestHandler adds the request's id to each line of a log.
type requestHandler struct{ slog.Handler }

// Handle adds the id that ctx carries.
func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the id.
func (h requestHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(a)}
}

// WithGroup keeps the id.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}
