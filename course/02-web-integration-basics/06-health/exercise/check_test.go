//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/02-web-integration-basics/06-health/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// ample is longer than anything takes that does not hang.
const ample = 2500 * time.Millisecond

var errDown = errors.New("redis is away")

// world is what the probes look at: a check that says what it is told, and a clock.
type world struct {
	c      *check.C
	probes *exercise.Probes
	h      http.Handler

	mu    sync.Mutex
	now   time.Time
	says  error
	calls int
	hangs chan struct{} // nil, or the check waits until it is closed
	begun chan struct{} // gets one when a check begins that hangs
}

func open(c *check.C, down, up int) *world {
	w := &world{c: c, now: time.Unix(1_800_000_000, 0), begun: make(chan struct{}, 8)}
	var err error
	w.probes, err = exercise.New(exercise.Options{Check: w.check, Timeout: 50 * time.Millisecond, Down: down, Up: up, MaxAge: 10 * time.Second, Now: w.time})
	c.NoError(err, "New")
	w.h = w.probes.Handler()
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) check(context.Context) error {
	w.mu.Lock()
	w.calls++
	says, hangs := w.says, w.hangs
	w.mu.Unlock()
	if hangs != nil {
		w.begun <- struct{}{}
		<-hangs
	}
	return says
}

// look has the check say that, a second later.
func (w *world) look(says error) {
	w.mu.Lock()
	w.says = says
	w.now = w.now.Add(time.Second)
	w.mu.Unlock()
	w.within("Look, whose check answered at once,", func() { w.probes.Look(w.c.Context()) })
}

// within fails if f takes too long.
func (w *world) within(what string, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(ample):
		w.c.Fail("%s had not returned after %v.", what, ample)
	}
}

// ask returns what a probe says.
func (w *world) ask(path string) (status int) {
	w.within("GET "+path, func() {
		r := httptest.NewRecorder()
		w.h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		status = r.Code
	})
	return status
}

func (w *world) want(path string, status int, because string) {
	if got := w.ask(path); got != status {
		w.c.Fail("GET %s says %d, want %d: %s.", path, got, status, because)
	}
}

func TestStartup(t *testing.T) {
	check.Task(t, "startup", func(c *check.C) {
		w := open(c, 3, 2)
		w.want("/startupz", 503, "nobody has looked at Redis yet")
		w.want("/readyz", 503, "nobody has looked at Redis yet")
		w.look(errDown)
		w.look(nil)
		w.want("/startupz", 503, "one success is not two in a row")
		w.look(nil)
		w.want("/startupz", 200, "the check has worked twice")
		w.want("/readyz", 200, "the check has worked twice")
		for range 5 {
			w.look(errDown)
		}
		w.want("/readyz", 503, "the check has failed five times")
		w.want("/startupz", 200, "it has started; that Redis is away now does not undo it")
	})
}

func TestLive(t *testing.T) {
	check.Task(t, "live", func(c *check.C) {
		w := open(c, 2, 1)
		w.want("/livez", 200, "it is starting, and a restart would only begin that again")
		w.look(nil)
		for range 10 {
			w.look(errDown)
			w.want("/livez", 200, "Redis is away, and no restart of this program brings it back")
		}
	})
}

func TestSteady(t *testing.T) {
	check.Task(t, "steady", func(c *check.C) {
		for i := range 12 {
			down, up := 1+i%4, 1+i/4
			w := open(c, down, up)
			ready, good, bad, story := false, 0, 0, ""
			for range 80 {
				if c.Rand().IntN(5) > 1 {
					good, bad, story = good+1, 0, story+"+"
					w.look(nil)
				} else {
					good, bad, story = 0, bad+1, story+"-"
					w.look(errDown)
				}
				ready = ready && bad < down || good >= up
				if got := w.ask("/readyz"); (got == 200) != ready {
					c.Fail("Down %d, Up %d: after %s (+ worked, - failed) /readyz says %d.", down, up, story[max(0, len(story)-12):], got)
				}
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	check.Task(t, "timeout", func(c *check.C) {
		w := open(c, 1, 1)
		w.look(nil)
		w.mu.Lock()
		w.hangs = make(chan struct{})
		hangs := w.hangs
		w.mu.Unlock()
		defer close(hangs)
		w.within("Look, with a Timeout of 50 ms and a check that hangs,", func() { w.probes.Look(c.Context()) })
		w.want("/readyz", 503, "the check hangs, and Down is 1")
	})
}

func TestPrompt(t *testing.T) {
	check.Task(t, "prompt", func(c *check.C) {
		w := open(c, 3, 1)
		// A long Timeout: the check is under way while the probes are asked.
		var err error
		w.probes, err = exercise.New(exercise.Options{Check: w.check, Timeout: time.Minute, Down: 3, Up: 1, MaxAge: 10 * time.Second, Now: w.time})
		c.NoError(err, "New")
		w.h = w.probes.Handler()
		w.look(nil)
		hangs := make(chan struct{})
		w.mu.Lock()
		w.hangs = hangs
		w.mu.Unlock()
		looked := make(chan struct{})
		go func() { defer close(looked); w.probes.Look(c.Context()) }()
		defer func() { <-looked }()
		defer close(hangs)
		<-w.begun
		before := w.calls
		for _, path := range []string{"/livez", "/readyz", "/startupz"} {
			w.want(path, 200, "a check is under way, and the last one worked")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.calls != before {
			c.Fail("The probes called Check themselves, %d times.", w.calls-before)
		}
	})
}

func TestStale(t *testing.T) {
	check.Task(t, "stale", func(c *check.C) {
		w := open(c, 3, 2)
		w.look(nil)
		w.look(nil)
		w.mu.Lock()
		w.now = w.now.Add(9 * time.Second)
		w.mu.Unlock()
		w.want("/readyz", 200, "the result is 9 s old, and MaxAge is 10 s")
		w.mu.Lock()
		w.now = w.now.Add(2 * time.Second)
		w.mu.Unlock()
		w.want("/readyz", 503, "the latest result is 11 s old, and MaxAge is 10 s: nobody knows how Redis is now")
		w.want("/livez", 200, "an old result is no reason to restart")
		w.look(errDown)
		w.want("/readyz", 200, "there is a fresh result, and one failure is not three")
	})
}

func TestDrain(t *testing.T) {
	check.Task(t, "drain", func(c *check.C) {
		w := open(c, 3, 1)
		w.look(nil)
		w.probes.Drain()
		w.want("/readyz", 503, "the program was told to go")
		w.look(nil)
		w.want("/readyz", 503, "the program was told to go, and a check that works does not call it back")
		w.want("/livez", 200, "it ends what is under way, and must not be killed for that")
		w.want("/startupz", 200, "it has started once")
	})
}

func TestWorks(t *testing.T) {
	check.Task(t, "works", func(c *check.C) {
		key := c.Key("probe")
		works := exercise.Works(c.Redis(), key)
		fine := func(when string) {
			var err error
			trips := c.RoundTrips(func() { err = works(c.Context()) })
			c.NoError(err, "the check, "+when+",")
			if trips > 2 {
				c.Fail("The check took %d round trips, and 2 must do.", trips)
			}
		}
		fine("with Redis well")
		fine("for the second time")
		if ttl, err := c.Direct().PTTL(c.Context(), key).Result(); err != nil || ttl == -1 || ttl > time.Minute {
			c.Fail("The check left its key behind, with an end in %v (%v); it may stay for a minute.", ttl, err)
		}
		var clears []func()
		for _, command := range []string{"SET*", "GETSET", "GETDEL", "GETEX", "DEL", "UNLINK", "INCR*", "DECR*", "APPEND", "EXPIRE*", "PEXPIRE*", "MSET*", "PSETEX", "HSET*", "HINCR*", "LPUSH*", "RPUSH*", "SADD", "ZADD", "XADD", "EVAL*", "EXEC"} {
			clears = append(clears, c.Throw(tap.Fault{Kind: tap.ErrorReply, Command: command, Message: "READONLY You can't write against a read only replica."}))
		}
		if err := works(c.Context()); err == nil {
			c.Fail("Redis has become a replica and refuses every write, and the check says that all is well. PING and GET are answered by it too.")
		}
		for _, clear := range clears {
			clear()
		}
		fine("with Redis well again")
		clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"})
		if err := works(c.Context()); err == nil {
			c.Fail("Redis is LOADING, and the check says that all is well.")
		}
		clear()
		c.Clients(8, func(_ int, _ *redis.Client) { c.NoError(works(c.Context()), "the check of one of 8 instances at once") })
	})
}
