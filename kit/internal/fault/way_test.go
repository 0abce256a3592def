package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// tapped returns a client behind a tap that throws a fault.
func tapped(t *testing.T, f tap.Fault) *redis.Client {
	t.Helper()
	wire, err := tap.New(tap.Options{Upstream: redistest.Addr(t)})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = wire.Run(ctx) }()
	c := redis.NewClient(&redis.Options{Addr: wire.Addr(), MaxRetries: -1, ReadTimeout: time.Second, ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close(); cancel(); <-done })
	must(t, c.Ping(t.Context()).Err())
	_, err = wire.Throw(f)
	must(t, err)
	return c
}

// What becomes of an INCR on a wire that breaks. Whether it ran is read from the
// server; nothing that ran may be called unexecuted.
func TestClassify_wire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault tap.Fault
		ran   string // what the counter shows
		want  Class
	}{
		{"reply lost", tap.Fault{Kind: tap.LoseReply}, "1", Ambiguous},
		{"reply swallowed", tap.Fault{Kind: tap.LoseReply, Silent: true}, "1", Ambiguous},
		{"cut before", tap.Fault{Kind: tap.Cut}, "", Ambiguous},
		{"reset before", tap.Fault{Kind: tap.Reset}, "", Ambiguous},
		{"refused by the server", tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"}, "", Later},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for struck, incr := range map[string]func(c *redis.Client, key string) error{
				"INCR": func(c *redis.Client, key string) error { return c.Incr(t.Context(), key).Err() },
				"EXEC": func(c *redis.Client, key string) error {
					cmds, err := c.TxPipelined(t.Context(), func(p redis.Pipeliner) error { p.Incr(t.Context(), key); return nil })
					return Cause(cmds, err)
				},
			} {
				key := redistest.Prefix(t) + struck
				tt.fault.Command = struck
				err := incr(tapped(t, tt.fault), key)
				if got := Classify(fmt.Errorf("wrapped: %w", err)); got != tt.want {
					t.Errorf("%s: %v is %v, want %v", struck, err, got, tt.want)
				}
				if got := redistest.Client(t).Get(t.Context(), key).Val(); got != tt.ran {
					t.Errorf("%s: the counter shows %q, want %q", struck, got, tt.ran)
				}
			}
		})
	}
}

// What was never connected was not executed.
func TestClassify_unreachable(t *testing.T) {
	t.Parallel()
	closed := redistest.Start(t, redisproc.Options{})
	must(t, closed.Kill(t.Context()))
	secure := redistest.Start(t, redisproc.Options{TLS: true})
	refused := redis.Options{Addr: closed.Addr(), MaxRetries: -1, DialerRetries: 1}
	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{closed.Addr()}, MaxRetries: -1, DialerRetries: 1})
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{closed.Addr()}, MaxRetries: -1, MaxRedirects: -1, DialerRetries: 1})
	slow, unknown, untrusted := refused, refused, refused
	slow.DialTimeout = 1
	unknown.Addr = "no-such-host.invalid:6379"
	untrusted.Addr, untrusted.TLSConfig = secure.Addr(), secure.TLSConfig()
	untrusted.TLSConfig.RootCAs = nil
	for name, c := range map[string]redis.UniversalClient{
		"refused": redis.NewClient(&refused), "slow to connect": redis.NewClient(&slow), "no such name": redis.NewClient(&unknown),
		"certificate": redis.NewClient(&untrusted), "all sentinels": sentinel, "all nodes": cluster,
		"a cluster without nodes": redis.NewClusterClient(&redis.ClusterOptions{MaxRedirects: -1,
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) { return nil, nil }}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer c.Close()
			err := c.Get(t.Context(), "k").Err()
			if got := Classify(fmt.Errorf("wrapped: %w", err)); got != Unreachable {
				t.Errorf("%v (%T) is %v, want unreachable", err, err, got)
			}
		})
	}
}

// A server that hangs, and who did not wait for it.
func TestIn(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, once, func(o *redis.Options) { o.ReadTimeout = 200 * time.Millisecond })
	must(t, c.Ping(t.Context()).Err())
	must(t, s.Pause())
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	soon, cancelSoon := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancelSoon()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want Class
	}{
		{"client's own timeout", t.Context(), Ambiguous},
		{"caller's cancel", cancelled, Caller},
		{"caller's deadline", soon, Caller},
		{"over before", soon, Caller},
	} {
		err := c.Get(tt.ctx, "k").Err()
		if got := In(tt.ctx, fmt.Errorf("wrapped: %w", err)); got != tt.want {
			t.Errorf("%s: %v is %v, want %v", tt.name, err, got, tt.want)
		}
	}
	step, cancelStep := context.WithTimeout(t.Context(), 1)
	defer cancelStep()
	if err := c.Get(step, "k").Err(); In(t.Context(), err) != Ambiguous || In(step, err) != Caller {
		t.Errorf("a step's deadline: %v is %v for the caller, want ambiguous; for the step %v, want caller", err, In(t.Context(), err), In(step, err))
	}
	must(t, s.Kill(t.Context()))
	for _, ctx := range []context.Context{cancelled, soon} {
		if err := c.Get(ctx, "k").Err(); In(ctx, err) != Caller {
			t.Errorf("of a dead server, after the context: %v is %v, want caller", err, In(ctx, err))
		}
	}
	// The server's answer stands, also when it came at the last moment.
	if got := In(cancelled, answer("OOM command not allowed")); got != Shed {
		t.Errorf("OOM after a cancel is %v, want shed", got)
	}
}

// The connection's timer fires before that of the context, which has the same
// deadline.
func TestIn_timersDiffer(t *testing.T) {
	t.Parallel()
	ctx := late{t.Context(), time.Now()}
	if got := In(ctx, &net.OpError{Op: "read", Err: errors.New("i/o timeout")}); got != Caller {
		t.Errorf("got %v, want caller", got)
	}
}

// late is a context past its deadline that has not noticed yet.
type late struct {
	context.Context
	deadline time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.deadline, true }

// The pool, the client itself, and a server that is none.
func TestClassify_client(t *testing.T) {
	t.Parallel()
	full := redistest.Client(t, once, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, time.Millisecond })
	conn := full.Conn()
	defer conn.Close()
	must(t, conn.Ping(t.Context()).Err())
	limit := redistest.Client(t, once, func(o *redis.Options) { o.PoolSize, o.MaxActiveConns, o.PoolTimeout = 2, 1, time.Millisecond })
	other := limit.Conn()
	defer other.Close()
	must(t, other.Ping(t.Context()).Err())
	closed := redis.NewClient(&redis.Options{})
	must(t, closed.Close())
	web := redis.NewClient(&redis.Options{Addr: webServer(t), MaxRetries: -1})
	defer web.Close()
	for _, tt := range []struct {
		name string
		c    *redis.Client
		want Class
	}{
		{"no free connection", full, Shed},
		{"no connection allowed", limit, Shed},
		{"closed", closed, Bug},
		{"not Redis", web, Ambiguous},
	} {
		err := tt.c.Ping(t.Context()).Err()
		if got := Classify(fmt.Errorf("wrapped: %w", err)); got != tt.want {
			t.Errorf("%s: %v is %v, want %v", tt.name, err, got, tt.want)
		}
	}
	if got := Classify(redis.ErrAutoPipelineQueueFull); got != Shed {
		t.Errorf("a full queue is %v, want shed", got)
	}
}

// webServer answers everything as one of another protocol does.
func webServer(t *testing.T) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// A server without room says more than the bug before it, which is what Exec
// returns.
func TestCause(t *testing.T) {
	t.Parallel()
	c := tapped(t, tap.Fault{Kind: tap.ErrorReply, Command: "INCR", Message: "OOM command not allowed"})
	key := redistest.Prefix(t)
	cmds, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Set(t.Context(), key, "text", 0)
		p.LPush(t.Context(), key, "a")
		p.Incr(t.Context(), key+"n")
		return nil
	})
	if got := Classify(err); got != Bug {
		t.Errorf("Exec returned %v of class %v, want WRONGTYPE", err, got)
	}
	if cause := Cause(cmds, err); Classify(cause) != Shed {
		t.Errorf("Cause = %v of class %v, want shed", cause, Classify(cause))
	}
	if err := Cause(nil, nil); err != nil {
		t.Errorf("Cause of nothing = %v", err)
	}
}

// What is said of each class.
func TestClass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c                Class
		name             string
		down, unexecuted bool
	}{
		{None, "none", false, false}, {Other, "other", false, false}, {Caller, "caller", false, false},
		{Bug, "bug", false, false}, {Redirect, "redirect", false, true}, {Shed, "shed", true, true},
		{Later, "later", true, true}, {Unreachable, "unreachable", true, true}, {Ambiguous, "ambiguous", true, false},
		{Ambiguous + 1, "unknown", true, false},
	} {
		if tt.c.String() != tt.name || tt.c.Down() != tt.down || tt.c.Unexecuted() != tt.unexecuted {
			t.Errorf("%d: %v, down %v, unexecuted %v; want %+v", tt.c, tt.c, tt.c.Down(), tt.c.Unexecuted(), tt)
		}
	}
}
