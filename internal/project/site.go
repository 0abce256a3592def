package project

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/kit/redisproc"
)

// Site is what a milestone sees: the instances, and grind's Redis behind them.
type Site struct {
	Apps []*App

	ctx      context.Context // of the milestone under way
	redis    *lab.Server
	direct   *redis.Client // past the tap
	wire     *trace.Recorder
	seen     seen
	origin   *http.Server
	url      string // of the origin
	programs []*program
	dearest  int // round trips of the dearest Commands
}

// open starts Redis and the origin, and the instances if they are ours.
func open(ctx context.Context, origin http.Handler, o Options) (s *Site, err error) {
	s = &Site{ctx: ctx, wire: trace.NewRecorder(trace.DefaultMax)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	listen := or(o.Redis, DefaultRedis)
	// With an append-only file a restart keeps what was acknowledged, as a server
	// that matters would.
	s.redis, err = lab.Start(ctx, redisproc.Options{AppendOnly: true}, func(t *tap.Options) {
		t.Listen, t.Sink = listen, s.seen.also(s.wire.Sink())
	})
	if err != nil {
		return nil, err
	}
	s.direct = s.redis.Client()
	if s.url, err = s.serve(ctx, origin, or(o.Origin, DefaultOrigin)); err != nil {
		return nil, err
	}
	for _, url := range o.URLs {
		s.Apps = append(s.Apps, newApp(len(s.Apps)+1, url))
	}
	for i := range Instances {
		if len(o.URLs) > 0 {
			break
		}
		p, err := start(ctx, o.Program, o.Dir, s.RedisURL(), s.url)
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, p)
		s.Apps = append(s.Apps, newApp(i+1, "http://"+p.addr))
	}
	return s, nil
}

func or(value, instead string) string {
	if value == "" {
		return instead
	}
	return value
}

// serve serves the origin and returns its URL.
func (s *Site) serve(ctx context.Context, origin http.Handler, addr string) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("the origin: %w", err)
	}
	s.origin = &http.Server{Handler: origin, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.origin.Serve(listener) }() // ends with Close
	return "http://" + listener.Addr().String(), nil
}

// close ends what open started.
func (s *Site) close() {
	for _, p := range s.programs {
		p.stop()
	}
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
		patience = 30 * time.Second
	}
	if o.Waiting != nil {
		o.Waiting(fmt.Sprintf("%d instances, with REDIS_URL=%s and ORIGIN_URL=%s", len(s.Apps), s.RedisURL(), s.url))
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, a := range s.Apps {
		if err := a.awaitReady(limited); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.Join(err, said(s.printed()))
		}
	}
	return nil
}

// said is what instances printed, as an error beside another; nil for nothing.
func said(text string) error {
	if text == "" {
		return nil
	}
	return errors.New("the program said: " + text)
}

// printed is the end of what the instances that we started printed.
func (s *Site) printed() string {
	var all strings.Builder
	for i, p := range s.programs {
		if text := strings.TrimSpace(p.said.String()); text != "" {
			fmt.Fprintf(&all, "instance %d: %s\n", i+1, text)
		}
	}
	return strings.TrimSpace(all.String())
}

// failure ends a milestone; see Fail.
type failure struct{ message string }

// run judges one milestone and heals Redis after it.
func (s *Site) run(ctx context.Context, m Milestone) exercise.Test {
	t := exercise.Test{Name: m.Title, Task: m.ID, Status: check.Pass}
	limit := m.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.ctx = limited
	s.guard(func() { m.Check(s) }, func(message string) { t.Status, t.Message = check.Fail, message })
	if errors.Is(limited.Err(), context.DeadlineExceeded) && t.Status == check.Pass {
		t.Status, t.Message = check.Fail, fmt.Sprintf("it took longer than %v", limit)
	}
	if err := s.redis.Heal(ctx); err != nil && t.Status == check.Pass {
		t.Status, t.Message = check.Error, err.Error()
	}
	return t
}

// guard calls f and tells how it was ended, if it was.
func (s *Site) guard(f func(), failed func(message string)) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			failed(r.message)
		default:
			failed(fmt.Sprintf("the milestone itself crashed: %v\n%s", r, debug.Stack()))
		}
	}()
	f()
}

// Context ends with the milestone.
func (s *Site) Context() context.Context { return s.ctx }

// Fail ends the milestone with the sentence that the learner reads.
func (s *Site) Fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// Parallel calls f n times at the same time and returns when all have returned. A
// Fail in one of them ends the milestone.
func (s *Site) Parallel(n int, f func(i int)) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first *failure
	)
	for i := range n {
		all.Go(func() {
			s.guard(func() { f(i) }, func(message string) {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = &failure{message}
				}
			})
		})
	}
	all.Wait()
	if first != nil {
		panic(*first)
	}
}

// Within asks again and again until there is nothing left to complain about, and
// ends the milestone with the last complaint when that takes longer than limit.
// It returns how long it took.
func (s *Site) Within(limit time.Duration, complaint func() string) time.Duration {
	begun := time.Now()
	for {
		text := complaint()
		switch {
		case text == "":
			return time.Since(begun)
		case time.Since(begun) > limit, s.ctx.Err() != nil:
			s.Fail("%s, still after %v", text, limit)
		}
		s.Sleep(20 * time.Millisecond)
	}
}

// Sleep waits, but not longer than the milestone.
func (s *Site) Sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
}

// RedisURL is what the instances have as REDIS_URL.
func (s *Site) RedisURL() string { return "redis://" + s.redis.TapAddr() + "/0" }

// Redis is a client past the tap, to look at what is there.
func (s *Site) Redis() *redis.Client { return s.direct }

// On turns a switch of the lab on, such as lab.Pause.
func (s *Site) On(name string) {
	if err := s.redis.On(s.ctx, name); err != nil {
		panic(fmt.Sprintf("switch %s: %v", name, err))
	}
}

// Off turns it off.
func (s *Site) Off(name string) {
	if err := s.redis.Off(s.ctx, name); err != nil {
		panic(fmt.Sprintf("switch %s: %v", name, err))
	}
}

// Commands returns what the instances sent to Redis while f ran, without the
// handshakes of their connections.
func (s *Site) Commands(f func()) []trace.Event {
	s.wire.Reset()
	f()
	s.dearest = max(s.dearest, s.wire.RoundTrips())
	return s.wire.Commands()
}

// Seen is how often the instances sent a command, by its name in capitals, since
// the check began.
func (s *Site) Seen(name string) int { return s.seen.count(name) }

// seen counts commands by name: what a recorder keeps is bounded, and a milestone
// may ask about all of them.
type seen struct {
	mu     sync.Mutex
	byName map[string]int
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
