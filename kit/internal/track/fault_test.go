package track

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// slack is what a busy machine may take beyond a bound.
const slack = 2 * time.Second

// The connection is killed under writes, again and again: what was written after
// the last reset was told, without exception.
func TestTracker_killed(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	tracker, told, _ := run(t, c, Options{Prefix: "k:"})
	for round := range 10 {
		var wrote sync.Map // key → the resets before its write was sent
		var writes atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() {
			for ctx.Err() == nil {
				key := fmt.Sprintf("k:%d:%d", round, writes.Load())
				_, before := told.count()
				if err := c.Set(t.Context(), key, "v", time.Minute).Err(); err != nil {
					t.Error(err)
					return
				}
				wrote.Store(key, before)
				writes.Add(1)
			}
		})
		_, resets := told.count()
		old := fmt.Sprint(trackers(t, c))
		kill(t, c)
		redistest.Eventually(t, "it connects again", func() bool {
			_, now := told.count()
			ids := trackers(t, c)
			return now >= resets+2 && len(ids) == 1 && fmt.Sprint(ids) != old
		})
		more := writes.Load() + 20
		redistest.Eventually(t, "20 more writes", func() bool { return writes.Load() >= more })
		stop()
		writer.Wait()
		live(t, tracker)
		last := fmt.Sprintf("k:%d:last", round)
		must(t, c.Set(t.Context(), last, "v", time.Minute).Err())
		redistest.Eventually(t, "the last write is told", func() bool { return told.told(last) })
		_, resets = told.count()
		after := 0
		wrote.Range(func(key, before any) bool {
			if before.(int) == resets {
				after++
				if !told.told(key.(string)) {
					t.Errorf("%s was written after the reset, and not told", key)
				}
			}
			return true
		})
		if after == 0 {
			t.Errorf("round %d: no write after the reset: nothing was tested", round)
		}
	}
}

// gone checks what a tracker owes once its server does not answer: within two
// checks (and what the machine takes) it is not live and told so.
func gone(t *testing.T, tracker *Tracker, told *recorder, since time.Time) {
	t.Helper()
	redistest.Eventually(t, "it is not live", func() bool { return !tracker.Live() })
	redistest.Eventually(t, "that is a reset", func() bool { _, n := told.count(); return n > 0 })
	if took, bound := time.Since(since), 2*tracker.options.Check; took > bound+slack {
		t.Errorf("it was noticed after %v, want at most %v", took, bound)
	}
}

// A server that stands still for three seconds.
func TestTracker_paused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s)
	tracker, told, _ := run(t, c, Options{})
	told.forget()
	began := time.Now()
	must(t, s.Pause())
	gone(t, tracker, told, began)
	for time.Since(began) < 3*time.Second { // a pause, not a wait for an event
		if tracker.Live() {
			t.Fatal("live while the server stands still")
		}
		time.Sleep(10 * time.Millisecond)
	}
	told.forget()
	must(t, s.Resume())
	live(t, tracker)
	if _, resets := told.count(); resets == 0 {
		t.Error("live again without a reset")
	}
	must(t, c.Set(t.Context(), "k", "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told("k") })
}

// A server that is killed and started again, at the same address.
func TestTracker_restarted(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s)
	tracker, told, _ := run(t, c, Options{})
	told.forget()
	began := time.Now()
	must(t, s.Kill(t.Context()))
	gone(t, tracker, told, began)
	told.forget()
	must(t, s.Restart(t.Context()))
	began = time.Now()
	live(t, tracker)
	if took := time.Since(began); took > 3*time.Second+slack {
		t.Errorf("it took %v to come back, want at most 3s", took)
	}
	if _, resets := told.count(); resets == 0 {
		t.Error("live again without a reset")
	}
	must(t, c.Set(t.Context(), "k", "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told("k") })
}

// hole is a network that can begin to swallow all packets, without a word.
type hole struct{ open atomic.Bool }

func (h *hole) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	return &holeConn{Conn: conn, hole: h}, err
}

type holeConn struct {
	net.Conn
	*hole
}

func (c *holeConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.open.Load() {
			return n, err
		}
	}
}

func (c *holeConn) Write(b []byte) (int, error) {
	if c.open.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A connection that is only half there: no error, no packet.
func TestTracker_halfOpen(t *testing.T) {
	t.Parallel()
	var h hole
	c := redistest.Client(t, func(o *redis.Options) {
		o.Dialer, o.ReadTimeout, o.DialTimeout = h.dial, time.Second, time.Second
	})
	tracker, told, _ := run(t, c, Options{Prefix: redistest.Prefix(t), Check: 300 * time.Millisecond})
	told.forget()
	began := time.Now()
	h.open.Store(true)
	gone(t, tracker, told, began)
	h.open.Store(false)
	live(t, tracker)
}

// An OnKeys that stands still costs the connection, not the truth: not live
// while it lasts, a reset afterwards.
func TestTracker_slow(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	prefix := redistest.Prefix(t)
	told := &recorder{keys: map[string]int{}}
	var stand atomic.Bool
	release := make(chan struct{})
	tracker, _, _ := run(t, c, Options{
		Prefix: prefix, Check: 300 * time.Millisecond,
		OnKeys: func(keys []string) {
			if stand.CompareAndSwap(true, false) {
				<-release
			}
			told.onKeys(keys)
		},
		OnReset: told.onReset,
	})
	stand.Store(true)
	must(t, c.Set(t.Context(), prefix+"1", "v", 0).Err())
	redistest.Eventually(t, "it is not live", func() bool { return !tracker.Live() })
	told.forget()
	close(release)
	live(t, tracker)
	if _, resets := told.count(); resets == 0 {
		t.Error("live again without a reset")
	}
	must(t, c.Set(t.Context(), prefix+"2", "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told(prefix + "2") })
}

// Another server answers where the client's one was, as after a failover behind
// one address: the tracker goes where the client's reads go.
func TestTracker_moved(t *testing.T) {
	t.Parallel()
	first, second := redistest.Start(t, redisproc.Options{}), redistest.Start(t, redisproc.Options{})
	var to atomic.Pointer[redisproc.Server]
	to.Store(first)
	var dials atomic.Int64
	c := redistest.ClientOf(t, first, func(o *redis.Options) {
		o.PoolSize = 1
		o.Dialer = func(ctx context.Context, network, _ string) (net.Conn, error) {
			dials.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, to.Load().Addr())
		}
	})
	tracker, told, _ := run(t, c, Options{Check: 300 * time.Millisecond})
	one, two := redistest.ClientOf(t, first), redistest.ClientOf(t, second)
	told.forget()
	to.Store(second)
	before := dials.Load()
	kill(t, one)
	redistest.Eventually(t, "it has tried again and again", func() bool { return dials.Load() >= before+3 })
	if tracker.Live() {
		t.Error("live on a server that the client does not read from")
	}
	must(t, one.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "yes").Err()) // the client's pool; the tracker's connection lives on
	redistest.Eventually(t, "the tracker has moved", func() bool { return len(trackers(t, two)) == 1 && len(trackers(t, one)) == 0 })
	live(t, tracker)
	if _, resets := told.count(); resets == 0 {
		t.Error("it moved without a reset")
	}
	must(t, two.Set(t.Context(), "k", "v", 0).Err())
	redistest.Eventually(t, "SET on the new server is told", func() bool { return told.told("k") })
}

// What the package's documentation says it costs.
func TestTracker_footprint(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	const check = 400 * time.Millisecond
	began := time.Now()
	_, _, stop := run(t, c, Options{Prefix: "k:", Check: check})
	own := 0 // INFO of this test
	stats := func() string {
		own++
		text, err := c.Info(t.Context(), "commandstats").Result()
		must(t, err)
		return text
	}
	redistest.Eventually(t, "five checks", func() bool { return calls(stats(), "ping") >= 10 })
	stop()
	checks := int(time.Since(began)/check) + 1
	end := stats()
	sessions := calls(end, "subscribe") // more than one on a machine that stood still for a check
	for command, atMost := range map[string]int{
		"client|id": sessions, "client|tracking": sessions,
		"ping": 2*checks + sessions, "info": checks + 2*sessions + own,
	} {
		if got := calls(end, command); got == 0 || got > atMost {
			t.Errorf("%s: %d calls in %d checks and %d sessions, want 1 to %d", command, got, checks, sessions, atMost)
		}
	}
}

// calls is how often a server ran a command.
func calls(commandstats, command string) (n int) {
	_, rest, _ := strings.Cut(commandstats, "cmdstat_"+command+":calls=")
	_, _ = fmt.Sscanf(rest, "%d", &n)
	return n
}
