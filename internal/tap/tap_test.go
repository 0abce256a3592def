package tap_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

// start runs a tap in front of the test server, or of o.Upstream, until the
// test ends, and records its events.
func start(t testing.TB, o tap.Options) (*tap.Tap, *trace.Recorder) {
	t.Helper()
	rec := trace.NewRecorder(0)
	if o.Upstream == "" {
		o.Upstream = redistest.Addr(t)
	}
	if o.Sink == nil {
		o.Sink = rec.Sink()
	}
	return run(t, o), rec
}

func run(t testing.TB, o tap.Options) *tap.Tap {
	t.Helper()
	tp, err := tap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tp.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return tp
}

// through returns a go-redis client whose wire is the tap.
func through(t testing.TB, tp *tap.Tap, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: tp.Addr()}
	for _, f := range change {
		f(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// dial opens a bare connection to the tap.
func dial(t testing.TB, tp *tap.Tap) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", tp.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// throw puts a fault in force until the test ends.
func throw(t testing.TB, tp *tap.Tap, f tap.Fault) (clear func()) {
	t.Helper()
	clear, err := tp.Throw(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clear)
	return clear
}

func TestTap_LostReply(t *testing.T) {
	t.Run("retry_shows_two_increments", func(t *testing.T) {
		tp, rec := start(t, tap.Options{})
		c := through(t, tp)
		key := redistest.Prefix(t) + "likes"
		throw(t, tp, tap.Fault{Kind: tap.LoseReply, Command: "INCR", Times: 1})
		n, err := c.Incr(t.Context(), key).Result()
		if err != nil || n != 2 {
			t.Fatalf("INCR: got %d, %v, want 2 and no error", n, err)
		}
		events := rec.Commands()
		if len(events) != 2 {
			t.Fatalf("commands on the wire: got %d, want 2: %v", len(events), lines(events))
		}
		for i, want := range []struct{ reply, fault string }{{"1", "reply lost"}, {"2", ""}} {
			e := events[i]
			if e.Line() != "INCR "+key || e.Reply.Text != want.reply || e.Fault != want.fault {
				t.Errorf("event %d: got %s → %q, fault %q, want INCR %s → %q, fault %q",
					i, e.Line(), e.Reply.Text, e.Fault, key, want.reply, want.fault)
			}
		}
		if got := redistest.Client(t).Get(t.Context(), key).Val(); got != "2" {
			t.Errorf("value: got %q, want 2", got)
		}
		if got := rec.RoundTrips(); got != 2 {
			t.Errorf("round trips: got %d, want 2", got)
		}
	})
}

func TestTap_LostReply_concurrent(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	c := through(t, tp, func(o *redis.Options) { o.MaxRetries = 10 })
	key := redistest.Prefix(t) + "likes"
	const callers, lost = 50, 5
	throw(t, tp, tap.Fault{Kind: tap.LoseReply, Command: "INCR", After: 3, Times: lost})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if err := c.Incr(t.Context(), key).Err(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := redistest.Client(t).Get(t.Context(), key).Val(); got != strconv.Itoa(callers+lost) {
		t.Errorf("value after %d calls and %d lost replies: got %s, want %d", callers, lost, got, callers+lost)
	}
	if got := len(rec.Commands()); got != callers+lost {
		t.Errorf("commands on the wire: got %d, want %d", got, callers+lost)
	}
}

func lines(events []trace.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.Line()+" → "+e.Reply.Text)
	}
	return all
}

func TestNew_bad(t *testing.T) {
	for _, tc := range []struct {
		o    tap.Options
		want string
	}{
		{tap.Options{}, `tap: Options.Upstream must name a server, got ""`},
		{tap.Options{Upstream: "nowhere"}, `tap: Options.Upstream must be host:port, got "nowhere"`},
		{tap.Options{Upstream: "h:1", DialTimeout: -1}, "tap: Options.DialTimeout must not be negative, got -1ns"},
		{tap.Options{Upstream: "h:1", Listen: "x"}, `tap: Options.Listen must be host:port, got "x"`},
		{tap.Options{Upstream: "h:1", Listen: ":0"}, `tap: Options.Listen must be a loopback address unless AllowRemote is set, got ":0"`},
		{tap.Options{Upstream: "h:1", Listen: "0.0.0.0:0"}, `tap: Options.Listen must be a loopback address unless AllowRemote is set, got "0.0.0.0:0"`},
	} {
		if _, err := tap.New(tc.o); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%+v:\n got %v\nwant %s", tc.o, err, tc.want)
		}
	}
}

// TestTap_Run_ends closes clients in the middle of everything: Run returns nil
// and leaves nothing, which the leak check of this package confirms.
func TestTap_Run_ends(t *testing.T) {
	tp, err := tap.New(tap.Options{Upstream: redistest.Addr(t), Labels: new(trace.Labels)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tp.Run(ctx) }()
	blocked := dial(t, tp)
	send(t, blocked, "BLPOP "+redistest.Prefix(t)+"none 0\r\n")
	subscribed := dial(t, tp)
	send(t, subscribed, "SUBSCRIBE x\r\n")
	half := dial(t, tp)
	send(t, half, "*3\r\n$3\r\nSE")
	slow := dial(t, tp)
	redistest.Eventually(t, "all are connected", func() bool { return tp.Stats().Open == 4 && tp.Stats().Commands == 2 })
	throw(t, tp, tap.Fault{Kind: tap.Latency, Delay: time.Hour})
	throw(t, tp, tap.Fault{Kind: tap.ErrorReply, Message: "ERR late"})
	send(t, slow, "PING\r\n")
	send(t, blocked, "PING\r\n") // waits for BLPOP before it can be answered
	redistest.Eventually(t, "all is read", func() bool { return tp.Stats().Commands == 4 })
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run: still running 10 s after its context ended")
	}
	if got := tp.Stats().Open; got != 0 {
		t.Errorf("connections: got %d open, want none", got)
	}
	if _, err := net.Dial("tcp", tp.Addr()); err == nil {
		t.Error("dial after Run: got no error, want one")
	}
}

// TestTap_RoundTrips counts what each way of sending costs. The event of a
// command is recorded before its reply arrives, so nothing waits here.
func TestTap_RoundTrips(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	c := through(t, tp, func(o *redis.Options) { o.ClientName = "counter" })
	ctx, key := t.Context(), redistest.Prefix(t)+"k"
	pipelined := func(p redis.Pipeliner) error {
		for range 100 {
			p.Incr(ctx, key)
		}
		return nil
	}
	for _, tc := range []struct {
		name            string
		do              func()
		commands, trips int
	}{
		{"one by one", func() { c.Incr(ctx, key); c.Incr(ctx, key); c.Incr(ctx, key) }, 3, 3},
		{"pipeline", func() { _, _ = c.Pipelined(ctx, pipelined) }, 100, 1},
		{"transaction", func() { _, _ = c.TxPipelined(ctx, pipelined) }, 102, 1},
		{"script, not yet known", func() { redis.NewScript("return 1 --"+key).Run(ctx, c, nil) }, 2, 2},
		{"subscription", func() {
			s := c.Subscribe(ctx, key)
			_, subscribed := s.Receive(ctx)
			c.Publish(ctx, key, "x")
			_, received := s.ReceiveMessage(ctx)
			left := s.Unsubscribe(ctx)
			_, confirmed := s.Receive(ctx)
			if err := errors.Join(subscribed, received, left, confirmed, s.Close()); err != nil {
				t.Errorf("subscription: %v", err)
			}
		}, 3, 3},
	} {
		rec.Reset()
		tc.do()
		if got := rec.RoundTrips(); got != tc.trips {
			t.Errorf("%s: got %d round trips, want %d", tc.name, got, tc.trips)
		}
		events := rec.Commands()
		if len(events) != tc.commands {
			t.Errorf("%s: got %d commands, want %d", tc.name, len(events), tc.commands)
		}
		for _, e := range events {
			if e.Reply.Type == "" || e.Client != "counter" || e.Sent == 0 || e.Received == 0 || e.Duration <= 0 {
				t.Errorf("%s: got %+v, want it complete", tc.name, e)
			}
		}
	}
}
