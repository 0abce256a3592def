package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"time"
)

// part is a gate or a worker.
type part struct {
	name string
	run  func(context.Context) error
}

type closer struct {
	name  string
	close func() error
}

// Gate has Run wait at the start: until every gate has returned nil, in their
// order, the probes say "starting" and a request gets 503. A gate retries what
// it can by itself; its error ends Run.
func (s *Server) Gate(name string, pass func(context.Context) error) {
	s.gates = append(s.gates, part{name, pass})
}

// Work runs beside the requests, from when the gates have passed until the last
// request has ended: then its context ends, and it returns when it has cleaned
// up. An error before that ends the server. Nil says that it is done.
func (s *Server) Work(name string, run func(context.Context) error) {
	s.workers = append(s.workers, part{name, run})
}

// OnClose is called at the very end of Run, the last that was given first: what
// was opened first, such as the Redis client, is closed last.
func (s *Server) OnClose(name string, shut func() error) {
	s.closers = append(s.closers, closer{name, shut})
}

// Draining is closed when the listener is: a stream or a WebSocket then says
// goodbye and returns, or it is cut after Options.Grace.
func (s *Server) Draining() <-chan struct{} { return s.draining }

// errRan is the answer to a second Run.
var errRan = errors.New("web: Run was called before; make a new Server")

// Run listens, passes the gates, and serves until ctx ends. Then readiness
// fails; after Options.DrainDelay the listener closes; the requests end; the
// workers end; the closers are called. It returns all errors of that, joined,
// and nil for an end that was asked for and went well. It can be called once.
func (s *Server) Run(ctx context.Context) (err error) {
	if s.ran.Swap(true) {
		return errRan
	}
	defer func() { err = errors.Join(err, s.closeAll()) }()
	if err := s.Listen(); err != nil {
		return err
	}
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	if len(s.gates) > 0 {
		s.phase.Store(int32(starting))
	}
	server, served := s.serve(requests)
	why := s.pass(ctx)
	var workers []part
	if why == nil && ctx.Err() == nil {
		s.phase.Store(int32(serving))
		s.log.InfoContext(ctx, "ready", "url", s.URL())
		workers = s.workers
	}
	b := startWorkers(ctx, workers)
	if why == nil {
		select {
		case <-ctx.Done():
		case why = <-b.failed:
		case why = <-served:
			why = fmt.Errorf("web: serve %s: %w", s.URL(), why)
		}
	}
	return errors.Join(why, s.shut(server, cut), b.end(s.o.Grace))
}

// serve starts to accept. The channel gets the error of a listener that fails;
// that of an end which was asked for stays away.
func (s *Server) serve(requests context.Context) (*http.Server, <-chan error) {
	server := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: s.o.HeaderTimeout,
		ReadTimeout:       s.o.HeaderTimeout + s.o.BodyTimeout, // net/http lifts it at the end of the body
		WriteTimeout:      s.o.WriteTimeout,
		IdleTimeout:       s.o.IdleTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what clients do wrong in TCP and TLS
	}
	served := make(chan error, 1)
	go func() {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			served <- err
		}
	}()
	return server, served
}

// pass goes through the gates.
func (s *Server) pass(ctx context.Context) error {
	for _, g := range s.gates {
		if err := run(ctx, g); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was told to stop
			}
			return fmt.Errorf("web: gate %q: %w", g.name, err)
		}
	}
	return nil
}

// shut ends the taking of requests, and those that are under way.
func (s *Server) shut(server *http.Server, cut context.CancelFunc) error {
	s.phase.Store(int32(draining))
	if s.o.Health.Drain != nil {
		s.o.Health.Drain()
	}
	time.Sleep(s.o.DrainDelay) // the load balancer's time, not ours
	close(s.draining)
	grace, done := context.WithTimeout(context.Background(), s.o.Grace)
	defer done()
	err := server.Shutdown(grace)
	if err == nil && s.idle(grace) { // also the hijacked, which Shutdown does not know
		return nil
	}
	cut()
	server.Close()
	last, done := context.WithTimeout(context.Background(), cutWait)
	defer done()
	s.idle(last)
	return fmt.Errorf("web: requests still ran after %v and were cut", s.o.Grace)
}

// cutWait is what a handler gets to notice that its context was cancelled.
const cutWait = time.Second

// idle waits until no request is under way, and reports whether that came.
func (s *Server) idle(ctx context.Context) bool {
	ended := make(chan struct{})
	go func() { s.inFlight.Wait(); close(ended) }()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) closeAll() error {
	var all []error
	for _, c := range slices.Backward(s.closers) {
		if err := c.close(); err != nil {
			all = append(all, fmt.Errorf("web: close %s: %w", c.name, err))
		}
	}
	return errors.Join(all...)
}

// background is the workers of a Run.
type background struct {
	stop   context.CancelFunc
	failed chan error // the first that failed while it should have run
	ended  []chan error
	names  []string
}

// startWorkers starts them under a context that outlives the requests.
func startWorkers(ctx context.Context, workers []part) *background {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &background{stop: stop, failed: make(chan error, 1)}
	for _, w := range workers {
		ended := make(chan error, 1)
		b.ended, b.names = append(b.ended, ended), append(b.names, w.name)
		go func() { ended <- b.watch(work, w) }()
	}
	return b
}

// watch runs a worker. Its error goes to failed if it is what ends the server;
// else it is returned.
func (b *background) watch(work context.Context, w part) error {
	err := run(work, w)
	stopped := work.Err() != nil
	if err == nil || stopped && errors.Is(err, context.Canceled) { // which says why it stopped
		return nil
	}
	err = fmt.Errorf("web: worker %q: %w", w.name, err)
	if stopped {
		return err
	}
	select {
	case b.failed <- err:
		return nil
	default:
		return err
	}
}

// end tells the workers to stop and waits for them.
func (b *background) end(grace time.Duration) error {
	b.stop()
	late, done := context.WithTimeout(context.Background(), grace)
	defer done()
	var all []error
	for i, ended := range b.ended {
		select {
		case err := <-ended:
			all = append(all, err)
		case <-late.Done():
			all = append(all, fmt.Errorf("web: worker %q did not end within %v", b.names[i], grace))
		}
	}
	return errors.Join(all...)
}

// run calls a part and makes an error of its panic.
func run(ctx context.Context, p part) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return p.run(ctx)
}
