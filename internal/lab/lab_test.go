package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redisproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o redisproc.Options, changes ...func(*tap.Options)) *Server {
	t.Helper()
	s, err := Start(t.Context(), o, changes...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// replyWait is how long a client of these tests waits for a reply.
const replyWait = time.Second

// bare shows each failure as it is: nothing is tried again. The pool is large so
// that a few failed dials do not make go-redis repeat their error, and dial in a
// goroutine that outlives the client by up to a second.
func bare(o *redis.Options) {
	o.PoolSize, o.MaxRetries, o.DialerRetries = 100, -1, 1
	o.ReadTimeout, o.DialTimeout = replyWait, replyWait
	o.ContextTimeoutEnabled = true
}

// clients returns both clients of a server, through the tap and straight.
func clients(t *testing.T, s *Server) (tapped, straight *redis.Client) {
	t.Helper()
	tapped, straight = s.Tapped(bare), s.Client(bare)
	t.Cleanup(func() {
		tapped.Close()
		straight.Close()
	})
	return tapped, straight
}

// effect observes a switch that is on. tapped is warm: it has a connection from
// before.
type effect func(t *testing.T, s *Server, tapped *redis.Client)

// wantErr observes an error of INCR, and whether the INCR was executed.
func wantErr(executed int64, is func(error) bool) effect {
	return func(t *testing.T, s *Server, tapped *redis.Client) {
		t.Helper()
		straight := s.Client(bare)
		defer straight.Close()
		before := count(t, straight)
		if err := tapped.Incr(t.Context(), "n").Err(); !is(err) {
			t.Errorf("INCR: got %v", err)
		}
		if got := count(t, straight) - before; got != executed {
			t.Errorf("INCR was executed %d times, want %d", got, executed)
		}
	}
}

func count(t *testing.T, c *redis.Client) int64 {
	t.Helper()
	n, err := c.Get(t.Context(), "n").Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatalf("GET n: %v", err)
	}
	return n
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func hasPrefix(prefix string) func(error) bool {
	return func(err error) bool { return err != nil && strings.HasPrefix(err.Error(), prefix) }
}

// isGone reports whether the connection ended or could not be made. Which of
// these it is depends on whether the client was writing, reading or dialling.
func isGone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED)
}

// effects say how each switch is noticed.
var effects = map[string]effect{
	Pause: func(t *testing.T, _ *Server, tapped *redis.Client) {
		begin := time.Now()
		if err := tapped.Incr(t.Context(), "n").Err(); !isTimeout(err) || time.Since(begin) < replyWait {
			t.Errorf("INCR: got %v after %v, want a time-out after %v", err, time.Since(begin), replyWait)
		}
	},
	Kill: func(t *testing.T, s *Server, tapped *redis.Client) {
		if err := tapped.Incr(t.Context(), "n").Err(); !isGone(err) {
			t.Errorf("INCR: got %v, want a connection that is gone", err)
		}
		straight := s.Client(bare)
		defer straight.Close()
		if err := straight.Ping(t.Context()).Err(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("PING on a new connection: got %v, want it refused", err)
		}
		if s.Process().Running() {
			t.Error("the process still runs")
		}
	},
	Restart: func(t *testing.T, s *Server, _ *redis.Client) {
		straight := s.Client(bare)
		defer straight.Close()
		if n := count(t, straight); n != 0 {
			t.Errorf("n after a restart without persistence: got %d, want 0", n)
		}
	},
	ReadOnly: func(t *testing.T, s *Server, tapped *redis.Client) {
		wantErr(0, redis.IsReadOnlyError)(t, s, tapped)
		if got := tapped.Get(t.Context(), "kept").Val(); got != "data" {
			t.Errorf("GET while read-only: got %q, want data", got)
		}
	},
	OOM: func(t *testing.T, s *Server, tapped *redis.Client) {
		wantErr(0, redis.IsOOMError)(t, s, tapped)
		if got := tapped.Get(t.Context(), "kept").Val(); got != "data" {
			t.Errorf("GET while out of memory: got %q, want data", got)
		}
	},
	ScriptFlush: func(t *testing.T, _ *Server, tapped *redis.Client) {
		const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" // of return 1, which fill runs
		if err := tapped.EvalSha(t.Context(), sha, nil).Err(); !hasPrefix("NOSCRIPT")(err) {
			t.Errorf("EVALSHA: got %v, want NOSCRIPT", err)
		}
	},
	Latency: func(t *testing.T, _ *Server, tapped *redis.Client) {
		begin := time.Now()
		if err := tapped.Incr(t.Context(), "n").Err(); err != nil || time.Since(begin) < SwitchDelay {
			t.Errorf("INCR: got %v after %v, want a delay of %v", err, time.Since(begin), SwitchDelay)
		}
	},
	Bandwidth: func(t *testing.T, _ *Server, tapped *redis.Client) {
		begin := time.Now()
		const size = SwitchRate / 4
		if err := tapped.Set(t.Context(), "big", make([]byte, size), 0).Err(); err != nil || time.Since(begin) < 200*time.Millisecond {
			t.Errorf("SET of %d bytes: got %v after %v, want 250 ms", size, err, time.Since(begin))
		}
	},
	Cut: wantErr(0, isGone),
	Reset: func(t *testing.T, s *Server, tapped *redis.Client) {
		wantErr(0, isGone)(t, s, tapped)
		// go-redis looks for pushed messages first, drops the error that it meets
		// there, and then reports the end of the stream: so look by hand.
		conn, err := net.Dial("tcp", s.TapAddr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reading a reply: got %v, want a reset", err)
		}
	},
	LoseReply: wantErr(1, isGone),
	Refuse: func(t *testing.T, s *Server, tapped *redis.Client) {
		wantErr(0, isGone)(t, s, tapped)
		fresh := s.Tapped(bare)
		defer fresh.Close()
		if err := fresh.Ping(t.Context()).Err(); !isGone(err) {
			t.Errorf("PING on a new connection: got %v, want it refused", err)
		}
	},
	Loading: wantErr(0, redis.IsLoadingError),
	Error:   wantErr(0, hasPrefix("ERR an error made by the lab")),
}

// TestSwitches flips each switch on a server of its own, sees what it is said to
// do, and sees the server work as before once it is off.
func TestSwitches(t *testing.T) {
	var names []string
	probe := start(t, redisproc.Options{Name: "names"})
	for _, s := range probe.Switches() {
		names = append(names, s.Name)
		if s.Title == "" || !strings.HasSuffix(s.What, ".") {
			t.Errorf("%s: got title %q and what %q", s.Name, s.Title, s.What)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(effects)), slices.Sorted(slices.Values(names))); diff != "" {
		t.Fatalf("switches (-tested +there):\n%s", diff)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, redisproc.Options{Name: name})
			tapped, straight := clients(t, s)
			fill(t, tapped)
			sw := find(t, s, name)
			for range 2 {
				if err := sw.On(t.Context()); err != nil {
					t.Fatalf("On: %v", err)
				}
			}
			if got := find(t, s, name).Active; got == sw.Momentary {
				t.Errorf("Active after On: got %v", got)
			}
			effects[name](t, s, tapped)
			for range 2 {
				if err := sw.Off(t.Context()); err != nil {
					t.Fatalf("Off: %v", err)
				}
			}
			if find(t, s, name).Active {
				t.Error("Active after Off: got true")
			}
			healed(t, tapped, straight)
			if lost := name == Kill || name == Restart; !lost && straight.Get(t.Context(), "kept").Val() != "data" {
				t.Error("data were lost")
			}
		})
	}
}

// fill gives a server something to lose and warms the client up.
func fill(t *testing.T, c *redis.Client) {
	t.Helper()
	if err := c.Set(t.Context(), "kept", "data", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Incr(t.Context(), "n").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Eval(t.Context(), "return 1", nil).Err(); err != nil {
		t.Fatal(err)
	}
}

// healed requires quick writes on both ways. One failure is granted: go-redis
// finds a connection dead by using it.
func healed(t *testing.T, all ...*redis.Client) {
	t.Helper()
	for _, c := range all {
		_ = c.Incr(t.Context(), "n").Err()
		best := time.Hour // of several: this machine may be busy
		for range 5 {
			begin := time.Now()
			if err := c.Incr(t.Context(), "n").Err(); err != nil {
				t.Errorf("INCR after Off: %v", err)
			}
			best = min(best, time.Since(begin))
		}
		if best >= SwitchDelay {
			t.Errorf("INCR after Off took %v at best", best)
		}
	}
}

func find(t *testing.T, s *Server, name string) Switch {
	t.Helper()
	all := s.Switches()
	at := slices.IndexFunc(all, func(s Switch) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("no switch %s", name)
	}
	return all[at]
}

// TestKill_data: what an append-only file holds is there again after off, and
// what was switched on the old process is off.
func TestKill_data(t *testing.T) {
	s := start(t, redisproc.Options{AppendOnly: true, AppendFsync: "always"})
	tapped, straight := clients(t, s)
	fill(t, tapped)
	for _, name := range []string{ReadOnly, OOM, Pause, Latency, Kill} {
		if err := s.On(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := activeOf(s), []string{Kill, Latency}; !slices.Equal(got, want) {
		t.Errorf("active after a kill: got %v, want %v", got, want)
	}
	if err := s.On(t.Context(), OOM); !errors.Is(err, ErrDown) {
		t.Errorf("%s on a dead server: got %v, want ErrDown", OOM, err)
	}
	if err := s.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	healed(t, tapped, straight)
	if got := straight.Get(t.Context(), "kept").Val(); got != "data" {
		t.Errorf("kept: got %q, want data", got)
	}
}

func activeOf(s *Server) (names []string) {
	for _, s := range s.Switches() {
		if s.Active {
			names = append(names, s.Name)
		}
	}
	return names
}

// TestHeal_order: a server that was made read-only and then paused must be woken
// before it can be written to.
func TestHeal_order(t *testing.T) {
	s := start(t, redisproc.Options{MaxMemory: 50 << 20, MaxMemoryPolicy: "allkeys-lru"})
	tapped, straight := clients(t, s)
	fill(t, tapped)
	for _, name := range []string{OOM, ReadOnly, Pause, Refuse} {
		if err := s.On(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Off(t.Context(), ReadOnly); !errors.Is(err, ErrDown) {
		t.Errorf("%s off on a paused server: got %v, want ErrDown", ReadOnly, err)
	}
	if err := s.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := activeOf(s); got != nil {
		t.Errorf("active after Heal: got %v", got)
	}
	healed(t, tapped, straight)
	limits, err := straight.ConfigGet(t.Context(), "maxmemory*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if limits["maxmemory"] != fmt.Sprint(50<<20) || limits["maxmemory-policy"] != "allkeys-lru" {
		t.Errorf("limits after Heal: got %v, want those of the start", limits)
	}
	if got := straight.Get(t.Context(), "kept").Val(); got != "data" {
		t.Errorf("kept: got %q, want data", got)
	}
}

// TestRestart_afterKill: the button beside brings a killed server back too.
func TestRestart_afterKill(t *testing.T) {
	s := start(t, redisproc.Options{})
	_, straight := clients(t, s)
	for _, name := range []string{Kill, Restart} {
		if err := s.On(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if got := activeOf(s); got != nil {
		t.Errorf("active: got %v, want none", got)
	}
	healed(t, straight)
}

// TestStart_secured: switches work where the users of the server may do nothing,
// and where it speaks TLS only.
func TestStart_secured(t *testing.T) {
	for name, o := range map[string]redisproc.Options{
		"ACL": {Password: "secret", ACL: []string{"user nobody on >x ~none -@all"}},
		"TLS": {TLS: true, ClientCerts: true, Password: "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			tapped, straight := clients(t, s)
			fill(t, tapped)
			for _, name := range []string{ReadOnly, OOM, ScriptFlush} {
				if err := s.On(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Heal(t.Context()); err != nil {
				t.Fatal(err)
			}
			healed(t, tapped, straight)
		})
	}
}

// TestClose_anyState: a server that is paused and whose wire is cut ends too,
// with a client waiting on it.
func TestClose_anyState(t *testing.T) {
	s := start(t, redisproc.Options{})
	tapped := s.Tapped(func(o *redis.Options) { o.ReadTimeout, o.MaxRetries, o.DialerRetries = time.Minute, -1, 1 })
	defer tapped.Close()
	fill(t, tapped)
	for _, name := range []string{Latency, Bandwidth, Pause} {
		if err := s.On(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := tapped.Incr(context.Background(), "n").Err(); err == nil {
			t.Error("INCR on a paused server that was closed: got no error")
		}
	})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	wg.Wait()
	if err := s.On(t.Context(), Restart); !errors.Is(err, redisproc.ErrStopped) {
		t.Errorf("Restart after Close: got %v, want ErrStopped", err)
	}
}

func TestOn_unknown(t *testing.T) {
	s := start(t, redisproc.Options{})
	for _, flip := range []func(context.Context, string) error{s.On, s.Off} {
		if err := flip(t.Context(), "earthquake"); !errors.Is(err, ErrNoSwitch) || !strings.Contains(err.Error(), "pause, kill") {
			t.Errorf("got %v, want ErrNoSwitch and the names", err)
		}
	}
}

// TestStart_sink: the events of the wire reach the sink, those of straight
// clients do not.
func TestStart_sink(t *testing.T) {
	recorder := trace.NewRecorder(100)
	s := start(t, redisproc.Options{}, func(o *tap.Options) { o.Sink = recorder.Sink() })
	tapped, straight := clients(t, s)
	if err := straight.Set(t.Context(), "straight", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	clear, err := s.Throw(tap.Fault{Kind: tap.ErrorReply, Command: "SET", Times: 1, Message: "ERR once"})
	if err != nil {
		t.Fatal(err)
	}
	defer clear()
	if err := tapped.Set(t.Context(), "tapped", 1, 0).Err(); err == nil {
		t.Error("SET with a fault: got no error")
	}
	if err := tapped.Set(t.Context(), "tapped", 1, 0).Err(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range recorder.Commands() {
		got = append(got, e.Name+" "+strings.Join(e.Args, " ")+" "+e.Fault)
	}
	if diff := cmp.Diff([]string{"SET tapped 1 error reply", "SET tapped 1 "}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestFront puts a wire before a server that is not the lab's: its switches
// strike those who come through, and nobody else.
func TestFront(t *testing.T) {
	theirs, err := redisproc.Start(t.Context(), redisproc.Options{Name: "theirs"})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Stop()
	w, err := Front(tap.Options{Upstream: theirs.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, s := range w.Switches() {
		if slices.Contains([]string{Pause, Kill, Restart, ReadOnly, OOM, ScriptFlush}, s.Name) {
			t.Errorf("a server that is not ours has the switch %s", s.Name)
		}
	}
	straight := redis.NewClient(&redis.Options{Addr: theirs.Addr()})
	defer straight.Close()
	o := &redis.Options{Addr: w.TapAddr()}
	bare(o)
	tapped := redis.NewClient(o)
	defer tapped.Close()
	if err := w.On(t.Context(), LoseReply); err != nil {
		t.Fatal(err)
	}
	if err := tapped.Incr(t.Context(), "n").Err(); !isGone(err) {
		t.Errorf("INCR through the wire: got %v", err)
	}
	if n := count(t, straight); n != 1 {
		t.Errorf("n: got %d, want 1", n)
	}
	if err := w.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tapped.Incr(t.Context(), "n").Err(); err != nil {
		t.Errorf("INCR after Heal: %v", err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := straight.Ping(t.Context()).Err(); err != nil {
		t.Errorf("their server after Close: %v", err)
	}
}
