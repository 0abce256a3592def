package web

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/redis-grind/grind/internal/web/static"
)

// Options of a Server. Zero Options work.
type Options struct {
	Title       string // of the API; zero is "API"
	Version     string // of the API; zero is "0"
	Description string // of the API, as Markdown; zero is none

	// Addr is where to listen, as host:port. Zero is any free port of 127.0.0.1.
	Addr string

	// Logger gets one line for each request and the cause of each 5xx. Zero is
	// slog.Default.
	Logger *slog.Logger

	// Problems is what clients can tell apart, beyond what this package knows.
	Problems []Kind

	// TrustedProxies are the networks whose X-Forwarded-For is believed. Zero is
	// none: the client is who connects.
	TrustedProxies []netip.Prefix

	// Reveal tells clients about the work behind their response: the headers
	// Redis-Commands and Server-Timing, and the last requests with their commands
	// at /requests. It is for learning and finding faults; keys may be in there.
	Reveal bool

	// MaxBody bounds the body of a request in bytes. Zero is 1 MiB. An operation
	// may say otherwise by its MaxBodyBytes.
	MaxBody int64

	// The times after which a slow client is given up. Zero is 5 s for the
	// header, 5 s for the body, 30 s from the header to the end of the response,
	// 2 min for an idle connection.
	HeaderTimeout, BodyTimeout, WriteTimeout, IdleTimeout time.Duration

	// RequestTimeout ends the context of an operation's handler. Zero is 15 s;
	// negative is never.
	RequestTimeout time.Duration

	// DrainDelay is how long requests are still taken after readiness failed, so
	// that a load balancer notices. Zero is not at all.
	DrainDelay time.Duration

	// Grace bounds the end twice: once for the requests, then for the workers.
	// Zero is 10 s.
	Grace time.Duration

	// Health answers the probes beside the server's own state.
	Health Health
}

// Server serves an API, and what belongs to it. Register operations, gates,
// workers and closers first, then call Run once. As an http.Handler it serves at
// any time, which tests use.
type Server struct {
	o       Options
	log     *slog.Logger
	mux     *http.ServeMux
	api     huma.API
	kinds   []Kind
	metrics *metrics
	recent  *recent // nil without Reveal
	spec    func() document

	listen   sync.Mutex
	listener net.Listener

	phase    atomic.Int32
	ran      atomic.Bool
	draining chan struct{}
	inFlight sync.WaitGroup
	gates    []part
	workers  []part
	closers  []closer
}

// New returns a Server. It does not listen yet.
func New(o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{o: o, mux: http.NewServeMux(), draining: make(chan struct{})}
	s.log = slog.New(requestHandler{o.Logger.Handler()})
	s.kinds = append(append(s.kinds, o.Problems...), ownKinds()...)
	if err := checkKinds(s.kinds); err != nil {
		return nil, err
	}
	s.metrics = newMetrics()
	if o.Reveal {
		s.recent = new(recent)
		s.mux.HandleFunc("GET /requests", s.recent.list)
		s.mux.HandleFunc("GET /requests/{id}", s.recent.one)
	}
	s.api = s.newAPI()
	s.docs()
	s.probes()
	s.mux.Handle("GET /metrics", s.metrics.handler())
	s.mux.HandleFunc("GET /problems/{name}", s.problemPage)
	s.mux.Handle("GET "+static.Prefix, static.Handler())
	return s, nil
}

// complete checks the options and puts what zero stands for.
func (o *Options) complete() error {
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"HeaderTimeout", &o.HeaderTimeout, 5 * time.Second},
		{"BodyTimeout", &o.BodyTimeout, 5 * time.Second},
		{"WriteTimeout", &o.WriteTimeout, 30 * time.Second},
		{"IdleTimeout", &o.IdleTimeout, 2 * time.Minute},
		{"DrainDelay", &o.DrainDelay, 0},
		{"Grace", &o.Grace, 10 * time.Second},
	} {
		if *d.value < 0 {
			return fmt.Errorf("web: Options.%s must not be negative, got %v", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if o.MaxBody < 0 {
		return fmt.Errorf("web: Options.MaxBody must not be negative, got %d", o.MaxBody)
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 15 * time.Second
	}
	for _, p := range o.TrustedProxies {
		if !p.IsValid() {
			return fmt.Errorf("web: Options.TrustedProxies must hold networks, got %v", p)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Title == "" {
		o.Title = "API"
	}
	if o.Version == "" {
		o.Version = "0"
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	return nil
}

// newAPI is huma's API without the routes that it would add by itself.
func (s *Server) newAPI() huma.API {
	c := huma.DefaultConfig(s.o.Title, s.o.Version)
	c.Info.Description = s.o.Description
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Transformers = []huma.Transformer{s.clean}
	api := humago.New(s.mux, c)
	describeProblem(api.OpenAPI().Components.Schemas)
	api.UseMiddleware(s.boundOperation)
	return api
}

// API is where operations are registered, and their document. Most are
// registered by [Register], which translates errors.
func (s *Server) API() huma.API { return s.api }

// Handle serves a page or a stream beside the operations, by a pattern of
// http.ServeMux. Its body is bounded by Options.MaxBody; its time is its own.
func (s *Server) Handle(pattern string, h http.Handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxBody)
		}
		h.ServeHTTP(w, r)
	})
}

// Logger is the logger of the options, with the request's id on each line that
// was given the request's context.
func (s *Server) Logger() *slog.Logger { return s.log }

// Registry takes the application's own metrics, for /metrics.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.registry }

// Listen takes the address; then URL is known, and a port that is taken is an
// error. Run does it if nobody has. A second call does nothing.
func (s *Server) Listen() error {
	s.listen.Lock()
	defer s.listen.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", s.o.Addr) //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("web: listen on %s: %w", s.o.Addr, err)
	}
	s.listener = l
	return nil
}

// URL is where the server listens, such as http://127.0.0.1:8080. It is empty
// before Listen. A server that listens on every address is named by 127.0.0.1.
func (s *Server) URL() string {
	s.listen.Lock()
	defer s.listen.Unlock()
	if s.listener == nil {
		return ""
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String()) // a TCP address has both
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
