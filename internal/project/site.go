package project

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redisproc"
)

// Site is what a milestone sees: the instances, and grind's Redis behind them.
type Site struct {
	// Apps are the instances, two of them.
	Apps []*App

	ctx      context.Context // of the milestone under way
	beside   sync.WaitGroup  // what Go started
	redis    *lab.Server
	direct   *redis.Client // past the tap
	wire     *trace.Recorder
	seen     seen
	origin   *http.Server
	url      string // of the origin
	programs []*program

	requests atomic.Int64 // to the instances
	calls    atomic.Int64 // of the origin
}

// open starts Redis and the origin, and the instances if they are ours.
func open(ctx context.Context, origin http.Handler, o Options) (*Site, error) {
	s := &Site{ctx: ctx, wire: trace.NewRecorder(trace.DefaultMax)}
	if err := s.open(ctx, origin, o); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Site) open(ctx context.Context, origin http.Handler, o Options) error {
	if err := s.openRedis(ctx, or(o.Redis, DefaultRedis)); err != nil {
		return err
	}
	if err := s.openOrigin(ctx, origin, or(o.Origin, DefaultOrigin)); err != nil {
		return err
	}
	for _, url := range o.URLs {
		s.addApp(url, o)
	}
	if len(o.URLs) > 0 {
		return nil
	}
	// An instance has to come up without Redis: until all have, nobody gets in.
	if err := s.redis.On(ctx, lab.Refuse); err != nil {
		return err
	}
	for range Instances {
		p, err := start(ctx, o.Program, o.Dir, s.RedisURL(), s.url)
		if err != nil {
			return err
		}
		s.programs = append(s.programs, p)
		s.addApp("http://"+p.addr, o)
	}
	return nil
}

func or(value, instead string) string {
	if value == "" {
		return instead
	}
	return value
}

func (s *Site) openRedis(ctx context.Context, addr string) (err error) {
	// With an append-only file a restart keeps what was acknowledged, as a server
	// that matters would.
	s.redis, err = lab.Start(ctx, redisproc.Options{AppendOnly: true}, func(t *tap.Options) {
		t.Listen, t.Sink = addr, s.seen.also(s.wire.Sink())
	})
	switch {
	case errors.Is(err, redisproc.ErrNotInstalled):
		return fmt.Errorf("%w: %w", ErrNoServer, err)
	case err != nil:
		return taken(err, "Redis", addr)
	}
	s.direct = s.redis.Client()
	return nil
}

// openOrigin serves the origin and counts who asks it.
func (s *Site) openOrigin(ctx context.Context, origin http.Handler, addr string) error {
	if at, err := net.ResolveTCPAddr("tcp", addr); err != nil || !at.IP.IsLoopback() {
		return fmt.Errorf("the origin: the address must be host:port of this machine's loopback, such as %s, got %q", DefaultOrigin, addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return taken(err, "the origin", addr)
	}
	s.url = "http://" + listener.Addr().String()
	s.origin = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.calls.Add(1)
			origin.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() { _ = s.origin.Serve(listener) }() // ends with Close
	return nil
}

func (s *Site) addApp(url string, o Options) {
	app := newApp(len(s.Apps)+1, url)
	app.answered = func(a *Answer) {
		s.requests.Add(1)
		if o.Answered != nil {
			o.Answered(a)
		}
	}
	s.Apps = append(s.Apps, app)
}

// close ends what open started. A second call does nothing.
func (s *Site) close() {
	var all sync.WaitGroup
	for _, p := range s.programs {
		all.Go(p.stop)
	}
	all.Wait()
	for _, a := range s.Apps {
		a.http.CloseIdleConnections()
	}
	if s.origin != nil {
		_ = s.origin.Close()
	}
	if s.direct != nil {
		_ = s.direct.Close()
	}
	if s.redis != nil {
		_ = s.redis.Close()
	}
}

// ready waits until every instance answers /readyz with 200.
func (s *Site) ready(ctx context.Context, o Options) error {
	patience := o.Patience
	if patience == 0 {
		patience = DefaultPatience
	}
	if o.Waiting != nil {
		o.Waiting(s.RedisURL(), s.url)
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.comeUp(limited)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Site) comeUp(ctx context.Context) error {
	if len(s.programs) > 0 {
		for i, a := range s.Apps {
			if err := a.await(ctx, "/healthz", s.programs[i]); err != nil {
				return fmt.Errorf("%w\nRedis was not there yet: an instance has to come up without it, and be ready when it is there", err)
			}
		}
		if err := s.redis.Heal(ctx); err != nil {
			return err
		}
	}
	for i, a := range s.Apps {
		var p *program
		if len(s.programs) > 0 {
			p = s.programs[i]
		}
		if err := a.await(ctx, "/readyz", p); err != nil {
			return err
		}
	}
	return nil
}

// printed is the end of what the instances that we started printed.
func (s *Site) printed() string {
	var all strings.Builder
	for i, p := range s.programs {
		if text := strings.TrimSpace(p.said.String()); text != "" {
			fmt.Fprintf(&all, "%v: %s\n", s.Apps[i], text)
		}
	}
	return strings.TrimSpace(all.String())
}

// dying is how long a program that listens no more may take to end.
const dying = 2 * time.Second

// gone says which instances that we started have ended by themselves.
func (s *Site) gone() string {
	var all []string
	for i, p := range s.programs {
		if conn, err := net.Dial("tcp", p.addr); err == nil { //nolint:noctx // on this machine: there at once, or refused
			_ = conn.Close()
		} else {
			select {
			case <-p.ended:
			case <-time.After(dying):
			}
		}
		if ok, how := p.running(); !ok {
			all = append(all, fmt.Sprintf("%v has ended by itself (%s)", s.Apps[i], how))
		}
	}
	return strings.Join(all, ", ")
}

// RedisURL is what the instances have as REDIS_URL.
func (s *Site) RedisURL() string { return "redis://" + s.redis.TapAddr() + "/0" }

// OriginURL is what the instances have as ORIGIN_URL.
func (s *Site) OriginURL() string { return s.url }

// Redis is a client past the tap, to look at what is there.
func (s *Site) Redis() *redis.Client { return s.direct }

// On turns a switch of the lab on, such as lab.Pause. What is still on when the
// milestone ends is turned off then.
func (s *Site) On(name string) {
	if err := s.redis.On(s.ctx, name); err != nil {
		s.unable(fmt.Errorf("switch %s on: %w", name, err))
	}
}

// Off turns it off.
func (s *Site) Off(name string) {
	if err := s.redis.Off(s.ctx, name); err != nil {
		s.unable(fmt.Errorf("switch %s off: %w", name, err))
	}
}

// Commands returns what the instances sent to Redis while f ran, without the
// handshakes of their connections; of more than trace.DefaultMax the latest.
func (s *Site) Commands(f func()) []trace.Event {
	s.wire.Reset()
	f()
	return s.wire.Commands()
}

// Seen is how often the instances sent a command, by its name in capitals, since
// the check began.
func (s *Site) Seen(name string) int { return s.seen.count(name) }

// seen counts commands by name.
type seen struct {
	mu     sync.Mutex
	byName map[string]int
	sum    int
}

// also counts what passes to a sink.
func (s *seen) also(sink trace.Sink) trace.Sink {
	return func(e trace.Event) {
		if e.Kind == trace.Command {
			s.mu.Lock()
			if s.byName == nil {
				s.byName = map[string]int{}
			}
			s.byName[e.Name]++
			s.sum++
			s.mu.Unlock()
		}
		sink(e)
	}
}

func (s *seen) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

func (s *seen) all() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// taken says of an address in use what may be done.
func taken(err error, what, addr string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: %s", what, ErrTaken, addr)
	}
	return fmt.Errorf("%s: %w", what, err)
}
