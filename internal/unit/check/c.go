package check

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
)

// C is what a task sees: a Redis through a tap, keys of its own, and the ways to
// say what is wrong. Its methods may be called from many goroutines.
type C struct {
	task   string
	ctx    context.Context
	cancel context.CancelFunc
	prefix string
	seed   int64
	rand   *rand.Rand
	wire   *wire
	direct *redis.Client // straight to the server: cleaning up, races
	redis  *redis.Client // through the tap

	failed chan struct{} // closed at the first outcome that is not a pass

	mu     sync.Mutex
	result outcome
	trips  int      // of the dearest call that was measured
	notes  []string // what limits a pass
}

func newC(task string) (*C, error) {
	n, err := seed()
	if err != nil {
		return nil, err
	}
	upstream, err := server()
	if err != nil {
		return nil, err
	}
	w, err := newWire(upstream)
	if err != nil {
		return nil, err
	}
	// Each task draws from its own sequence, so that it repeats alone too.
	own := fnv.New64a()
	own.Write([]byte(task))
	c := &C{
		task:   task,
		prefix: "grind:{check-" + strings.ToLower(crand.Text()[:8]) + "}:",
		seed:   n,
		rand:   rand.New(rand.NewPCG(uint64(n), own.Sum64())),
		wire:   w,
		direct: redis.NewClient(upstream()),
		failed: make(chan struct{}),
		result: outcome{status: Pass},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.redis = c.wire.client("check", 0)
	return c, nil
}

// Context ends with the task.
func (c *C) Context() context.Context { return c.ctx }

// Redis returns the client of the task. It does not retry: a command that is
// lost stays lost, and each command is one.
func (c *C) Redis() *redis.Client { return c.redis }

// Direct returns a client that RoundTrips and Commands do not see: for laying out
// data and looking at them.
func (c *C) Direct() *redis.Client { return c.direct }

// Key returns the task's key of this name, grind:{check-…}:name. All keys of a
// task are in one slot.
func (c *C) Key(name string) string { return c.prefix + name }

// Rand returns the source of random inputs. The seed is printed when the task
// fails. It is not safe for concurrent use.
func (c *C) Rand() *rand.Rand { return c.rand }

// Fail ends the task with the sentence that the learner reads: what is wrong with
// the data, with the figures. Keys of the task are shown by their name alone. An
// argument that is an error which says "not written yet" makes that the sentence.
func (c *C) Fail(format string, args ...any) {
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			c.Written(err)
		}
	}
	c.end(outcome{Fail, c.Show(fmt.Sprintf(format, args...))})
	runtime.Goexit()
}

// Written ends the task as not written yet if err says so.
func (c *C) Written(err error) {
	if NotImplemented(err) {
		c.end(outcome{Fail, ErrNotImplemented.Error()})
		runtime.Goexit()
	}
}

// NoError ends the task if err is not nil. what names the call: Like, or "the
// second like".
func (c *C) NoError(err error, what string) {
	switch {
	case err == nil:
	case errors.Is(err, redis.Nil):
		c.Fail("%s returned redis.Nil: the key or field is not there, and the caller must be told what that means", what)
	default:
		c.Fail("%s returned an error: %v", what, err)
	}
}

// Show cuts the task's prefix off the keys in a text.
func (c *C) Show(text string) string { return strings.ReplaceAll(text, c.prefix, "") }

// Line shows a command of the wire as people read it: GET likes → "1".
func (c *C) Line(e trace.Event) string { return c.Show(line(e, c.prefix)) }

// RoundTrips returns how many round trips f's commands took. The report names
// the largest of a run. Measurements nest: a RoundTrips or Commands within f
// counts its own part, and f's count has all. Two goroutines must not measure at
// the same time.
func (c *C) RoundTrips(f func()) int {
	n := c.wire.record(f).RoundTrips()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trips = max(c.trips, n)
	return n
}

// Commands returns what f sent over the task's clients, in order, without the
// handshakes of connections. What f cost counts as in RoundTrips, and it nests as
// that does.
func (c *C) Commands(f func()) []trace.Event {
	r := c.wire.record(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trips = max(c.trips, r.RoundTrips())
	return r.Commands()
}

// Throw throws a fault at the task's clients, such as a lost reply, until the
// task ends or the returned function is called. Explore is not touched by it.
func (c *C) Throw(f tap.Fault) (clear func()) {
	clear, err := c.wire.tap.Throw(f)
	if err != nil {
		c.end(outcome{Error, err.Error()})
		runtime.Goexit()
	}
	return clear
}

// Clients calls f once for each of n clients, all at the same time, each with a
// connection of its own, and waits for all. A panic or a Fail in one of them is
// the task's.
func (c *C) Clients(n int, f func(i int, client *redis.Client)) {
	var warm, all sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		client := c.wire.client(fmt.Sprintf("client-%d", i+1), 1)
		warm.Add(1)
		all.Go(func() {
			defer client.Close()
			err := client.Ping(c.ctx).Err() // connected, before anyone begins
			warm.Done()
			if err != nil {
				c.end(outcome{Error, fmt.Sprintf("check: connect client %d: %v", i+1, err)})
				return
			}
			<-gate
			c.guard(func() { f(i, client) })
		})
	}
	warm.Wait()
	close(gate)
	all.Wait()
	if c.outcome().status != Pass {
		runtime.Goexit()
	}
}

// end records how the task ended. The first to say so wins.
func (c *C) end(o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result.status != Pass {
		return
	}
	c.result = o
	close(c.failed)
}

func (c *C) outcome() outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// note says what limits a pass.
func (c *C) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes = append(c.notes, c.Show(text))
}

func (c *C) noted() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.notes, "\n")
}

func (c *C) dearest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trips
}

// close removes the task's keys and ends its connections.
func (c *C) close() error {
	c.cancel()
	ctx, cancel := background()
	defer cancel()
	err := c.clean(ctx)
	return errors.Join(err, c.redis.Close(), c.wire.close(), c.direct.Close())
}

// clean removes every key under the task's prefix, also those that the learner's
// code made up.
func (c *C) clean(ctx context.Context) error {
	pattern := c.prefix + "*"
	keys := c.direct.Scan(ctx, 0, pattern, 1000).Iterator()
	for keys.Next(ctx) {
		if err := c.direct.Del(ctx, keys.Val()).Err(); err != nil {
			return fmt.Errorf("check: remove %q: %w", keys.Val(), err)
		}
	}
	if err := keys.Err(); err != nil {
		return fmt.Errorf("check: look for keys %q: %w", pattern, err)
	}
	return nil
}
