package guard

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// These tests are about what, on a real server.

// plain is how a client under a guard is set: its contexts count, and it repeats
// nothing by itself.
func plain(o *redis.Options) {
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The reply to an INCR is lost after it ran. It runs a second time only for who
// said that it may.
func TestDo_replyLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		opts   []Option
		silent bool
		ran    string
		want   Class
	}{
		{"lost", nil, false, "1", Ambiguous},
		{"swallowed", nil, true, "1", Ambiguous},
		{"lost, idempotent", []Option{Idempotent()}, false, "2", None},
		{"swallowed, idempotent", []Option{Idempotent()}, true, "2", None},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wire := must[*tap.Tap](t)(tap.New(tap.Options{Upstream: redistest.Addr(t)}))
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); _ = wire.Run(ctx) }()
			o := &redis.Options{Addr: wire.Addr()}
			plain(o)
			c := redis.NewClient(o)
			t.Cleanup(func() { c.Close(); cancel(); <-done })
			_ = must[func()](t)(wire.Throw(tap.Fault{Kind: tap.LoseReply, Command: "INCR", Times: 1, Silent: tt.silent}))
			g := must[*Guard](t)(New(Options{Timeout: 2 * time.Second})) // for a machine under load
			key := redistest.Prefix(t)
			_, err := Do(t.Context(), g, func(ctx context.Context) (int64, error) { return c.Incr(ctx, key).Result() }, FailClosed[int64](), tt.opts...)
			if got := Classify(t.Context(), err); got != tt.want {
				t.Errorf("%v is %v, want %v", err, got, tt.want)
			}
			if got := redistest.Client(t).Get(t.Context(), key).Val(); got != tt.ran {
				t.Errorf("INCR ran %s times, want %s", got, tt.ran)
			}
		})
	}
}

// load is callers who each make one call after the other, and what they saw.
type load struct {
	stop atomic.Bool
	wg   sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration // since reset
}

func (l *load) start(t *testing.T, g *Guard, c *redis.Client, callers int) {
	for range callers {
		l.wg.Go(func() {
			for !l.stop.Load() {
				start := time.Now()
				_, err := Do(context.Background(), g, func(ctx context.Context) (string, error) { return c.Ping(ctx).Result() }, FailOpen("degraded"), Idempotent())
				if err != nil {
					t.Errorf("a call failed, in spite of its policy: %v", err)
				}
				l.mu.Lock()
				l.took = append(l.took, time.Since(start))
				l.mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func (l *load) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = nil
}

func (l *load) median() (calls int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	if len(l.took) == 0 {
		return 0, 0
	}
	return len(l.took), l.took[len(l.took)/2]
}

// Redis hangs, and is killed, and comes back: the circuit opens, calls cost
// nothing while it is open, and it closes within the promised five seconds.
func TestGuard_outage(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, plain)
	g := must[*Guard](t)(New(Options{}))
	var l load
	l.start(t, g, c, 32)
	defer func() { l.stop.Store(true); l.wg.Wait() }()
	for _, outage := range []struct {
		name        string
		begin, over func() error
	}{
		{"paused", s.Pause, s.Resume},
		{"killed", func() error { return s.Kill(t.Context()) }, func() error { return s.Restart(t.Context()) }},
	} {
		redistest.Eventually(t, "calls were answered", func() bool { n, _ := l.median(); return n > 500 })
		start := time.Now()
		ok(t, outage.begin())
		redistest.Eventually(t, "the circuit opens", func() bool { return g.Stats().State == Open })
		opened := time.Since(start)
		l.reset()
		redistest.Eventually(t, "calls were degraded", func() bool { n, _ := l.median(); return n > 2000 })
		_, took := l.median()
		start = time.Now()
		ok(t, outage.over())
		redistest.Eventually(t, "the circuit closes", func() bool { return g.Stats().State == Closed })
		closed := time.Since(start)
		t.Logf("%s: opened after %v, half of the calls took under %v meanwhile, closed %v after Redis was back", outage.name, opened, took, closed)
		if took > 50*time.Millisecond || closed > 5*time.Second {
			t.Errorf("%s: calls took %v while open, and it closed after %v; want at most 50 ms and 5 s", outage.name, took, closed)
		}
		l.reset()
	}
	if s := g.Stats(); s.Degraded == 0 || s.Rejected == 0 || s.Answered == 0 || s.Retries == 0 {
		t.Errorf("stats %+v", s)
	}
}

// Which states of a real server open the circuit, and which mistakes of a program
// do not.
func TestGuard_states(t *testing.T) {
	t.Parallel()
	set := func(ctx context.Context, c *redis.Client) error { return c.Set(ctx, "k", "v", 0).Err() }
	for _, tt := range []struct {
		name  string
		setUp func(*testing.T, *redis.Client)
		do    func(context.Context, *redis.Client) error
		want  State
		class Class
	}{
		{"OOM", func(t *testing.T, c *redis.Client) { ok(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err()) }, set, Open, Shed},
		{"READONLY", func(t *testing.T, c *redis.Client) { ok(t, c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err()) }, set, Open, Later},
		{"READONLY in a transaction", func(t *testing.T, c *redis.Client) { ok(t, c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err()) },
			func(ctx context.Context, c *redis.Client) error {
				return Cause(c.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "k"); p.Set(ctx, "k", "v", 0); return nil }))
			}, Open, Later},
		{"no free connection", func(t *testing.T, c *redis.Client) {
			conn := c.Conn()
			t.Cleanup(func() { conn.Close() })
			ok(t, conn.Ping(t.Context()).Err())
		}, set, Open, Shed},
		{"miss", nil, func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "missing").Err() }, Closed, None},
		{"WRONGTYPE", func(t *testing.T, c *redis.Client) { ok(t, set(t.Context(), c)) },
			func(ctx context.Context, c *redis.Client) error { return c.LPush(ctx, "k", "v").Err() }, Closed, Bug},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}), plain, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, time.Millisecond })
			if tt.setUp != nil {
				tt.setUp(t, c)
			}
			g := must[*Guard](t)(New(Options{Attempts: 1, Timeout: 5 * time.Second}))
			for range 10 {
				_, err := Do(t.Context(), g, func(ctx context.Context) (struct{}, error) { return struct{}{}, tt.do(ctx, c) }, FailClosed[struct{}]())
				if got := Classify(t.Context(), err); got != tt.class || errors.Is(err, ErrUnavailable) != tt.class.Down() {
					t.Fatalf("%v is %v, want %v", err, got, tt.class)
				}
			}
			if got := g.Stats().State; got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// What a call costs on the wire: what its operation costs, and nothing while the
// circuit is open.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, plain)
	trips := redistest.Count(c)
	get := func(ctx context.Context) (string, error) { return c.Get(ctx, "missing").Result() }
	g := must[*Guard](t)(New(Options{}))
	opened := must[*Guard](t)(New(Options{OpenFor: time.Hour}))
	open(t, opened)
	trips.Reset()
	for _, tt := range []struct {
		name string
		do   func()
		want int
	}{
		{"Do", func() { _, _ = Do(t.Context(), g, get, FailClosed[string](), Idempotent()) }, 1},
		{"DoResult", func() { _, _ = DoResult(t.Context(), g, get, FailClosed[string]()) }, 1},
		{"Do, open", func() { _, _ = Do(t.Context(), opened, get, FailClosed[string]()) }, 0},
		{"Stats", func() { g.Stats() }, 0},
	} {
		trips.Reset()
		if tt.do(); trips.RoundTrips() != tt.want {
			t.Errorf("%s: %d round trips, want %d", tt.name, trips.RoundTrips(), tt.want)
		}
	}
}

// What the guard adds to a call, without Redis.
//
//	go test -run '^$' -bench Do ./kit/guard
func BenchmarkDo(b *testing.B) {
	g, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	op := func(context.Context) (int, error) { return 1, nil }
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := Do(context.Background(), g, op, FailClosed[int]()); err != nil {
				b.Error(err)
			}
		}
	})
}
