package workbench

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// DefaultPort is where the page is when nobody says otherwise.
const DefaultPort = 7171

// Options say what the page shows and where.
type Options struct {
	Course *unit.Course
	Redis  *localredis.Redis
	// Exercises starts and checks exercises; nil when there is no source tree, and
	// then NoSource says why.
	Exercises *exercise.Runner
	NoSource  error
	// Progress may be nil: the path then shows nothing as done.
	Progress *progress.Store
	// Port on 127.0.0.1; zero is any free one. If it is taken the next free one is
	// used, unless PortFixed.
	Port      int
	PortFixed bool
	Version   string // of grind
}

// Server is the workbench. New listens, Run serves.
type Server struct {
	course    *unit.Course
	redis     server
	engine    engine
	exercises exercises
	incidents incidents
	noSource  error
	progress  records
	version   string

	client   *redis.Client // for the pill and the playground's keys
	listener net.Listener
	port     string
	token    string
	pages    *template.Template
	feed     *feed
	streams  chan struct{} // a place for each open stream
	desk     desk
	scene    scene
	watchers watchers
	prompts  prompts

	base context.Context // of Run; what requests start ends with it
	work sync.WaitGroup
}

// deps is what the page needs of the rest of the program, narrowed so that a
// test can stand in for each.
type deps struct {
	course    *unit.Course
	redis     server
	engine    engine
	exercises exercises // nil without a source tree
	incidents incidents // likewise
	noSource  error
	progress  records // nil when nothing is recorded
}

// New listens on 127.0.0.1. The page answers once Run serves it.
func New(o Options) (*Server, error) {
	if o.Course == nil || o.Redis == nil {
		return nil, errors.New("workbench: Options.Course and Options.Redis are needed")
	}
	d := deps{course: o.Course, redis: o.Redis, engine: liveEngine{o.Redis}, noSource: o.NoSource}
	if o.Exercises != nil {
		d.exercises = o.Exercises
		binary, _ := o.Redis.Binary() // without one an incident says what to do
		d.incidents = liveIncidents{o.Exercises, binary.Path}
	}
	if o.Progress != nil {
		d.progress = o.Progress
	}
	return newServer(o, d)
}

func newServer(o Options, d deps) (*Server, error) {
	listener, err := listen(o.Port, o.PortFixed)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String()) // a TCP address always has one
	s := &Server{
		course: d.course, redis: d.redis, engine: d.engine, exercises: d.exercises, incidents: d.incidents,
		noSource: d.noSource, progress: d.progress, version: o.Version,
		listener: listener, port: port, token: newToken(),
		feed: newFeed(), streams: make(chan struct{}, maxStreams),
		base: context.Background(),
	}
	options := d.redis.Options()
	options.ClientName, options.PoolSize, options.MaxRetries, options.DialerRetries = "grind-page", 4, -1, 1
	s.client = redis.NewClient(options)
	if s.pages, err = parsePages(); err != nil {
		listener.Close()
		return nil, err
	}
	return s, nil
}

// listen takes the port, or the next free one of the twenty after it, or any.
func listen(port int, fixed bool) (net.Listener, error) {
	tries := 20
	if fixed || port == 0 {
		tries = 1
	}
	var first error
	for i := range tries {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i)))
		if err == nil {
			return l, nil
		}
		if first == nil {
			first = err
		}
	}
	if fixed {
		return nil, fmt.Errorf("workbench: port %d of 127.0.0.1 cannot be used; choose another or leave the choice to grind: %w", port, first)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("workbench: listen on 127.0.0.1: %w", err)
	}
	return l, nil
}

// URL is the address to open, token included.
func (s *Server) URL() string { return "http://127.0.0.1:" + s.port + "/?token=" + s.token }

// Run serves until ctx ends; then it ends the streams, stops a running
// experiment and returns when all is done. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.base = ctx
	web := &http.Server{
		Handler:           s.guard(s.routes()),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // streams set their own, write by write
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	s.work.Go(func() { s.watchRedis(ctx) })
	served := make(chan error, 1)
	go func() { served <- web.Serve(s.listener) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		if web.Shutdown(grace) != nil {
			web.Close() // whoever is still connected has had its time
		}
		done()
		<-served //nolint:errcheck // http.ErrServerClosed
	}
	cancel()
	s.work.Wait()
	s.prompts.close()
	s.client.Close() // nothing of it is under way
	if err != nil {
		return fmt.Errorf("workbench: serve %s: %w", s.listener.Addr(), err)
	}
	return nil
}
