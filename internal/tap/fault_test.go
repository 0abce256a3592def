package tap_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

func noRetry(o *redis.Options) { o.MaxRetries = -1 }

// send writes text on a bare connection.
func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// rest reads until the connection ends.
func rest(c net.Conn) (string, error) {
	b, err := io.ReadAll(c)
	return string(b), err
}

func TestTap_Throw(t *testing.T) {
	// Three commands in one burst: the first must be answered, the second is
	// struck, and the third must not be executed when the connection ended.
	burst := func(p string) string { return fmt.Sprintf("SET %sa 1\r\nINCR %sa\r\nSET %sb 1\r\n", p, p, p) }
	for _, tc := range []struct {
		fault     tap.Fault
		answer    string
		err       error
		a, b      string
		reply     string // of the struck command, as the event shows it
		following bool   // the third command is executed
	}{
		{tap.Fault{Kind: tap.Cut}, "+OK\r\n", nil, "1", "", "", false},
		{tap.Fault{Kind: tap.Reset}, "+OK\r\n", syscall.ECONNRESET, "1", "", "", false},
		{tap.Fault{Kind: tap.LoseReply}, "+OK\r\n", nil, "2", "", "2", false},
		{tap.Fault{Kind: tap.ErrorReply, Message: "OOM no memory"}, "+OK\r\n-OOM no memory\r\n+OK\r\n", nil, "1", "1", "OOM no memory", true},
	} {
		t.Run(tc.fault.Kind.String(), func(t *testing.T) {
			tp, rec := start(t, tap.Options{})
			p := redistest.Prefix(t)
			tc.fault.Command, tc.fault.Key, tc.fault.Times = "in*", p+"*", 1
			throw(t, tp, tc.fault)
			c := dial(t, tp)
			send(t, c, burst(p))
			if tc.following {
				c.CloseWrite()
			}
			got, err := rest(c)
			if tc.err != nil {
				// A reset may overtake bytes that the client has not read yet.
				got, tc.answer = "", ""
			}
			if got != tc.answer || !errors.Is(err, tc.err) {
				t.Errorf("answer: got %q and %v, want %q and %v", got, err, tc.answer, tc.err)
			}
			direct := redistest.Client(t)
			if a, b := direct.Get(t.Context(), p+"a").Val(), direct.Get(t.Context(), p+"b").Val(); a != tc.a || b != tc.b {
				t.Errorf("values: got %q and %q, want %q and %q", a, b, tc.a, tc.b)
			}
			redistest.Eventually(t, "the connection is closed", func() bool { return tp.Stats().Open == 0 })
			events := rec.Commands()
			if len(events) < 2 || events[1].Fault != tc.fault.Kind.String() || events[1].Reply.Text != tc.reply || events[0].Fault != "" {
				t.Errorf("events: got %v, want the second with %q and reply %q", lines(events), tc.fault.Kind, tc.reply)
			}
			if got := tp.Stats().Faults; got != 1 {
				t.Errorf("faults: got %d, want 1", got)
			}
			if got := through(t, tp).Incr(t.Context(), p+"c").Val(); got != 1 {
				t.Errorf("INCR after the last of Times: got %d, want 1", got)
			}
		})
	}
}

func TestTap_Throw_silent(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	p := redistest.Prefix(t)
	throw(t, tp, tap.Fault{Kind: tap.LoseReply, Command: "INCR", Times: 1, Silent: true})
	c := dial(t, tp)
	send(t, c, "INCR "+p+"n\r\n")
	redistest.Eventually(t, "INCR is executed", func() bool { return len(rec.Commands()) == 1 })
	send(t, c, "INCR "+p+"n\r\n")
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 64)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: got %d bytes and %v, want none and a timeout", n, err)
	}
	c.Close()
	redistest.Eventually(t, "the connection is closed", func() bool { return tp.Stats().Open == 0 })
	if got := redistest.Client(t).Get(t.Context(), p+"n").Val(); got != "1" {
		t.Errorf("value: got %q, want 1", got)
	}
}

func TestTap_Throw_which(t *testing.T) {
	tp, _ := start(t, tap.Options{})
	ctx, p := t.Context(), redistest.Prefix(t)
	api := through(t, tp, noRetry, func(o *redis.Options) { o.ClientName = "api" })
	other := through(t, tp, noRetry)
	outcome := func(c *redis.Client, key string) string {
		err := c.Incr(ctx, p+key).Err()
		if err != nil {
			return "fault"
		}
		return "ok"
	}
	expect := func(what string, want string, got ...string) {
		t.Helper()
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: got %s, want %s", what, s, want)
		}
	}
	down := tap.Fault{Kind: tap.ErrorReply, Message: "ERR down"}

	f := down
	f.After, f.Times = 1, 2
	throw(t, tp, f)
	expect("After 1, Times 2", "ok fault fault ok", outcome(other, "a"), outcome(other, "a"), outcome(other, "a"), outcome(other, "a"))

	f = down
	f.Client = "api"
	clear := throw(t, tp, f)
	expect("Client", "fault ok", outcome(api, "a"), outcome(other, "a"))
	clear()
	clear()
	expect("cleared", "ok", outcome(api, "a"))

	f = down
	f.Key = p + "hot:*"
	clear = throw(t, tp, f)
	expect("Key", "fault ok", outcome(other, "hot:1"), outcome(other, "cold:1"))
	if err := other.Eval(ctx, "return 1", []string{p + "hot:2"}).Err(); err == nil || err.Error() != "ERR down" {
		t.Errorf("EVAL with the key: got %v, want ERR down", err)
	}
	clear()

	// A new connection shakes hands untouched unless its commands are named.
	clear = throw(t, tp, down)
	late := through(t, tp, noRetry, func(o *redis.Options) { o.ClientName = "late" })
	if err := late.Ping(ctx).Err(); err == nil || err.Error() != "ERR down" {
		t.Errorf("PING: got %v, want ERR down", err)
	}
	clear()
	throw(t, tp, tap.Fault{Kind: tap.Cut, Command: "HELLO"})
	if err := through(t, tp, noRetry).Ping(ctx).Err(); err == nil {
		t.Error("PING after HELLO was cut: got no error, want one")
	}
}

func TestTap_Throw_large(t *testing.T) {
	// A command larger than the buffer is struck by what fits.
	value := strings.Repeat("x", 1<<20)
	for _, tc := range []struct {
		fault tap.Fault
		want  int64
	}{
		{tap.Fault{Kind: tap.Cut, Command: "SET"}, 0},
		{tap.Fault{Kind: tap.Reset, Command: "SET"}, 0},
		{tap.Fault{Kind: tap.LoseReply, Command: "SET"}, 1},
		{tap.Fault{Kind: tap.ErrorReply, Command: "SET", Message: "ERR no"}, 0},
	} {
		t.Run(tc.fault.Kind.String(), func(t *testing.T) {
			tp, rec := start(t, tap.Options{})
			c := through(t, tp, noRetry)
			key := redistest.Prefix(t) + "large"
			tc.fault.Times = 1
			throw(t, tp, tc.fault)
			if err := c.Set(t.Context(), key, value, 0).Err(); err == nil {
				t.Error("SET: got no error, want one")
			}
			if got := redistest.Client(t).Exists(t.Context(), key).Val(); got != tc.want {
				t.Errorf("EXISTS: got %d, want %d", got, tc.want)
			}
			if err := c.Set(t.Context(), key, value, 0).Err(); err != nil {
				t.Errorf("second SET: got %v, want no error", err)
			}
			if got := c.Get(t.Context(), key).Val(); got != value {
				t.Errorf("GET: got %d bytes, want the %d that were set", len(got), len(value))
			}
			if e := rec.Commands(); len(e) != 3 || e[0].Fault != tc.fault.Kind.String() {
				t.Errorf("events: got %d, the first with fault %q, want 3 and %q", len(e), e[0].Fault, tc.fault.Kind)
			}
		})
	}
}

func TestTap_Throw_latency(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	c := through(t, tp)
	ctx, key := t.Context(), redistest.Prefix(t)+"k"
	pipeline := func() {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range 100 {
				p.Incr(ctx, key)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	c.Ping(ctx)
	pipeline() // pipelines have connections of their own
	const delay = 40 * time.Millisecond
	clear := throw(t, tp, tap.Fault{Kind: tap.Latency, Delay: delay})
	took := func(f func()) time.Duration {
		begin := time.Now()
		f()
		return time.Since(begin)
	}
	if d := took(func() { c.Get(ctx, key) }); d < delay || d > 3*delay {
		t.Errorf("one command: took %v, want about %v", d, delay)
	}
	if d := took(pipeline); d < delay || d > 3*delay {
		t.Errorf("pipeline of 100: took %v, want about %v, as for one command", d, delay)
	}
	// Bursts overlap: ten sent 5 ms apart without waiting take one delay, not ten.
	raw := dial(t, tp)
	if d := took(func() {
		for range 10 {
			send(t, raw, "INCR "+key+"\r\n")
			time.Sleep(5 * time.Millisecond)
		}
		raw.CloseWrite()
		if s, err := rest(raw); strings.Count(s, "\n") != 10 || err != nil {
			t.Errorf("ten bursts: got %q and %v, want ten replies", s, err)
		}
	}); d > 5*delay {
		t.Errorf("ten overlapping bursts: took %v, want about %v", d, delay+50*time.Millisecond)
	}
	clear()
	throw(t, tp, tap.Fault{Kind: tap.Latency, Command: "GET", Delay: delay})
	if d := took(func() { c.Incr(ctx, key) }); d >= delay {
		t.Errorf("INCR with latency on GET: took %v, want less than %v", d, delay)
	}
	if d := took(func() { c.Get(ctx, key) }); d < delay {
		t.Errorf("GET with latency on GET: took %v, want %v", d, delay)
	}
	if e := rec.Commands(); e[len(e)-1].Duration < delay {
		t.Errorf("duration of the event: got %v, want at least %v", e[len(e)-1].Duration, delay)
	}
}

// TestTap_Throw_together strikes commands while earlier ones are still delayed.
func TestTap_Throw_together(t *testing.T) {
	for _, tc := range []struct {
		fault tap.Fault
		want  string
		n     string
	}{
		{tap.Fault{Kind: tap.ErrorReply, Message: "ERR no"}, ":1\r\n-ERR no\r\n:2\r\n", "2"},
		{tap.Fault{Kind: tap.LoseReply}, ":1\r\n", "2"},
		{tap.Fault{Kind: tap.Cut}, ":1\r\n", "1"},
	} {
		t.Run(tc.fault.Kind.String(), func(t *testing.T) {
			tp, _ := start(t, tap.Options{})
			n := redistest.Prefix(t) + "n"
			const delay = 20 * time.Millisecond
			throw(t, tp, tap.Fault{Kind: tap.Latency, Delay: delay})
			tc.fault.After, tc.fault.Times = 1, 1
			throw(t, tp, tc.fault)
			c := dial(t, tp)
			begin := time.Now()
			for i := range 3 {
				send(t, c, "INCR "+n+"\r\n")
				redistest.Eventually(t, "the command is read", func() bool {
					return tp.Stats().Commands > uint64(i) || i == 2
				})
			}
			c.CloseWrite()
			if got, err := rest(c); got != tc.want || err != nil {
				t.Errorf("replies: got %q and %v, want %q", got, err, tc.want)
			}
			if d := time.Since(begin); d < delay {
				t.Errorf("took %v, want at least %v", d, delay)
			}
			redistest.Eventually(t, "the connection is closed", func() bool { return tp.Stats().Open == 0 })
			if got := redistest.Client(t).Get(t.Context(), n).Val(); got != tc.n {
				t.Errorf("value: got %s, want %s", got, tc.n)
			}
		})
	}
}

func TestTap_Throw_bandwidth(t *testing.T) {
	tp, _ := start(t, tap.Options{})
	c := through(t, tp)
	ctx, key := t.Context(), redistest.Prefix(t)+"k"
	c.Set(ctx, key, strings.Repeat("x", 20_000), 0)
	throw(t, tp, tap.Fault{Kind: tap.Bandwidth, BytesPerSecond: 100_000})
	begin := time.Now()
	if got := len(c.Get(ctx, key).Val()); got != 20_000 {
		t.Errorf("GET: got %d bytes, want 20000", got)
	}
	if d := time.Since(begin); d < 190*time.Millisecond || d > time.Second {
		t.Errorf("20 kB at 100 kB/s: took %v, want 200ms", d)
	}
}

func TestTap_Throw_refuse(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	ctx := t.Context()
	old := through(t, tp, noRetry)
	if err := old.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	clear := throw(t, tp, tap.Fault{Kind: tap.Refuse})
	redistest.Eventually(t, "existing connections are closed", func() bool { return tp.Stats().Open == 0 })
	if err := through(t, tp, noRetry).Ping(ctx).Err(); err == nil {
		t.Error("PING of a new client: got no error, want one")
	}
	clear()
	if err := old.Ping(ctx).Err(); err != nil {
		t.Errorf("PING after the fault: got %v, want no error", err)
	}
	if !slices.ContainsFunc(rec.Events(), func(e trace.Event) bool { return e.Kind == trace.Open && e.Fault == "refused" }) {
		t.Error("events: got no refused connection, want one")
	}
}

func TestTap_Throw_bad(t *testing.T) {
	tp, _ := start(t, tap.Options{})
	for _, tc := range []struct {
		fault tap.Fault
		want  string
	}{
		{tap.Fault{}, "tap: Fault.Kind must be one of the kinds, got 0"},
		{tap.Fault{Kind: 99}, "tap: Fault.Kind must be one of the kinds, got 99"},
		{tap.Fault{Kind: tap.Cut, After: -1}, "tap: Fault.After must not be negative for cut, got -1"},
		{tap.Fault{Kind: tap.Cut, Times: -1}, "tap: Fault.Times must not be negative for cut, got -1"},
		{tap.Fault{Kind: tap.Latency}, "tap: Fault.Delay must be positive for latency, got 0s"},
		{tap.Fault{Kind: tap.Latency, Delay: -time.Second}, "tap: Fault.Delay must not be negative for latency, got -1s"},
		{tap.Fault{Kind: tap.Bandwidth}, "tap: Fault.BytesPerSecond must be positive for bandwidth, got 0"},
		{tap.Fault{Kind: tap.Refuse, Command: "GET"}, `tap: Fault.Command and Key must be empty for refused, got "GET"`},
		{tap.Fault{Kind: tap.ErrorReply, Message: "a\r\nb"}, `tap: Fault.Message must be one line of text for error reply, got "a\r\nb"`},
	} {
		if _, err := tp.Throw(tc.fault); err == nil || err.Error() != tc.want {
			t.Errorf("%+v:\n got %v\nwant %s", tc.fault, err, tc.want)
		}
	}
}
