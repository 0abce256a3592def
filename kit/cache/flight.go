package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// maxLoads is how often a flight loads when invalidations meet its loads.
const maxLoads = 3

// loader is what a flight runs, whichever method was given it.
type loader[T any] func(context.Context, *Entry) (T, error)

// flights are the loads of this process: at most one to a key that callers can
// join.
type flights[V any] struct {
	mu   sync.Mutex
	open map[string]*flight[V]
}

// flight is one load, for all who joined it.
type flight[V any] struct {
	done chan struct{} // closed when out is there
	out  outcome[V]
}

// outcome is how a flight ended.
type outcome[V any] struct {
	result Result[V]
	err    error
	asOf   time.Time // until then no invalidation can have met the result; zero: whenever
	again  bool      // no result: a refresh that found somebody else at work
}

// join returns the flight of a key, and begins one if there is none.
func (fs *flights[V]) join(text string, run func() outcome[V]) *flight[V] {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.open[text]; f != nil {
		return f
	}
	f := &flight[V]{done: make(chan struct{}), out: outcome[V]{err: errEnded}}
	if fs.open == nil {
		fs.open = map[string]*flight[V]{}
	}
	fs.open[text] = f
	go func() {
		defer func() {
			if p := recover(); p != nil { // of TagFunc or the codec
				f.out = outcome[V]{err: &PanicError{Value: p, Stack: debug.Stack()}}
			}
			fs.leave(text, f)
			close(f.done)
		}()
		f.out = run()
	}()
	return f
}

// errEnded is what is left of a function of the caller's that ended its
// goroutine, by runtime.Goexit.
var errEnded = errors.New("the loader ended its goroutine")

// busy reports whether a key has a flight.
func (fs *flights[V]) busy(text string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.open[text] != nil
}

// leave takes a flight out, unless another one has taken its place.
func (fs *flights[V]) leave(text string, f *flight[V]) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.open[text] == f {
		delete(fs.open, text)
	}
}

// forget keeps later callers from joining the flights of these keys. Those who
// have joined are not disturbed.
func (fs *flights[V]) forget(names ...name) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, n := range names {
		delete(fs.open, n.text)
	}
}

// share waits for the flight of a key, which this call begins or joins. The
// caller's context ends the waiting and nothing else.
func (c *Cache[K, V]) share(ctx context.Context, n name, fly func(context.Context) outcome[V]) (Result[V], error) {
	detached := context.WithoutCancel(ctx)
	for came := time.Now(); ; {
		f := c.flights.join(n.text, func() outcome[V] { return fly(detached) })
		select {
		case <-f.done:
		case <-ctx.Done():
			return Result[V]{}, fmt.Errorf("cache: fetch %q: %w", n.text, ctx.Err())
		}
		// Who came after the last moment at which the result was surely right may know
		// of an invalidation that came after it too.
		if f.out.again || !f.out.asOf.IsZero() && came.After(f.out.asOf) {
			continue
		}
		return f.out.result, f.out.err
	}
}

// lead is a flight: it gets the value from Redis or from the origin. A refresh
// does so only if nobody else does.
func (c *Cache[K, V]) lead(ctx context.Context, key K, n name, seen string, load loader[V], refresh bool) outcome[V] {
	began, token := time.Now(), newToken()
	epoch := c.local.epoch(n)
	for loads := 0; ; {
		g, err := c.remote.acquire(ctx, n, token, seen)
		if err != nil {
			c.failed(err)
			return c.offline(ctx, n, load, err)
		}
		switch g.kind {
		case present:
			f := c.decode(n, g.entry)
			if f.ok {
				c.local.fill(key, n, &f, epoch, f.header.left(g.now))
				if !refresh {
					c.stats.waited.Add(1)
				}
				return outcome[V]{result: resultAt(f.value, f.header, Redis, g.now), err: notFound(n, f.header), asOf: g.at}
			}
			if f.newer {
				return c.unstored(ctx, n, load)
			}
			seen = f.id() // to be replaced
		case busy:
			if refresh {
				return outcome[V]{again: true}
			}
			waited := time.Since(began)
			if waited >= c.options.Wait {
				return c.unstored(ctx, n, load)
			}
			time.Sleep(pause(waited, c.options.Wait-waited))
		case granted:
			out, killed := c.loadLeased(ctx, key, n, lease{token: token, grant: g}, load, epoch)
			loads++
			if !killed || loads == maxLoads || time.Since(began) > c.options.LoadTimeout {
				return out
			}
			token, epoch = newToken(), c.local.epoch(n)
		}
	}
}

// pause is how long to wait before the lease is asked for again: an eighth of
// what has been waited already, so that nobody learns of a value more than an
// eighth too late, within bounds and with some jitter.
func pause(waited, left time.Duration) time.Duration {
	wait := min(max(waited/8, 5*time.Millisecond), 50*time.Millisecond)
	return min(wait-time.Duration(rand.Int64N(int64(wait/4))), left)
}

// lease is the right to load, as it was granted.
type lease struct {
	token string
	grant grant
}

// loadLeased loads under a lease and stores the result. killed says that the
// lease did not stand until the end.
func (c *Cache[K, V]) loadLeased(ctx context.Context, key K, n name, l lease, load loader[V], epoch epoch) (out outcome[V], killed bool) {
	loaded := c.call(ctx, n, l.token, load)
	out = c.loadedOutcome(n, loaded)
	if out.err != nil && !loaded.negative {
		_, _ = c.remote.release(ctx, n, l.token) // or it ends by itself
		return out, false
	}
	entry, ttl := c.encode(n, l, loaded)
	ending := time.Now()
	if entry == nil {
		if held, err := c.remote.release(ctx, n, l.token); held && err == nil {
			out.asOf = ending
		}
		return out, false
	}
	stored, err := c.put(ctx, n, l, loaded.began, c.tagsOf(key, loaded), ttl, entry)
	switch {
	case err != nil:
		c.failed(err)
		return out, false
	case !stored:
		c.stats.refused.Add(1)
		return out, true
	}
	c.stats.stored.Add(1)
	out.asOf = ending
	head, _, _ := parseHeader(entry)
	now := c.remote.clock.ms()
	out.result = resultAt(loaded.value, head, Origin, now)
	c.local.fill(key, n, &found[V]{value: loaded.value, header: head, size: len(entry), ok: true}, epoch, head.left(now))
	return out, false
}

// loaded is what a loader came back with.
type loaded[T any] struct {
	value    T
	negative bool // it said ErrNotFound
	err      error
	entry    Entry
	began    time.Time
	took     time.Duration
}

// call runs the loader of one key and renews its lease meanwhile; token is empty
// where there is none.
func (c *Cache[K, V]) call(ctx context.Context, n name, token string, load loader[V]) loaded[V] {
	c.stats.loads.Add(1)
	l := call(ctx, c.options.LoadTimeout, c.options.LeaseTTL/3, load, func(ctx context.Context) {
		if token == "" {
			return
		}
		if stands, err := c.remote.renew(ctx, n, token); err == nil && !stands {
			token = "" // killed: what is loaded will be refused
		}
	})
	if l.err != nil && !l.negative {
		c.stats.loadErrors.Add(1)
	}
	return l
}

// call runs a loader within a time, and renew every so often meanwhile. A loader
// that panics or ends its goroutine makes an error; one that does not heed its
// context is left behind.
func call[T any](ctx context.Context, within, every time.Duration, load loader[T], renew func(context.Context)) loaded[T] {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	done := make(chan loaded[T], 1)
	go func() {
		l := loaded[T]{err: errEnded}
		defer func() { done <- l }() // after runtime.Goexit too
		l = survive(ctx, load)
	}()
	renewal := time.NewTicker(every)
	defer renewal.Stop()
	for {
		select {
		case l := <-done:
			l.began, l.took = began, time.Since(began)
			return l
		case <-ctx.Done():
			return loaded[T]{err: fmt.Errorf("the loader did not return within %v: %w", within, ctx.Err()), began: began}
		case <-renewal.C:
			renew(ctx)
		}
	}
}

// survive calls a loader, and makes an error of its panic.
func survive[T any](ctx context.Context, load loader[T]) (l loaded[T]) {
	defer func() {
		if p := recover(); p != nil {
			l = loaded[T]{err: &PanicError{Value: p, Stack: debug.Stack()}}
		}
	}()
	l.value, l.err = load(ctx, &l.entry)
	l.negative = errors.Is(l.err, ErrNotFound)
	return l
}

// loadedOutcome makes an outcome of what a loader came back with. Until a lease
// says more, it is as of when the load began.
func (c *Cache[K, V]) loadedOutcome(n name, l loaded[V]) outcome[V] {
	if l.err == nil {
		return outcome[V]{result: Result[V]{Value: l.value, Source: Origin}, asOf: l.began}
	}
	out := outcome[V]{err: fmt.Errorf("cache: load %q: %w", n.text, l.err)}
	if l.negative {
		out.asOf = l.began
	}
	return out
}

// unstored loads for the callers of this process alone: somebody else holds the
// lease for too long, or what is stored must not be overwritten.
func (c *Cache[K, V]) unstored(ctx context.Context, n name, load loader[V]) outcome[V] {
	c.stats.unstored.Add(1)
	return c.loadedOutcome(n, c.call(ctx, n, "", load))
}

// offline loads when Redis did not answer: not more than OriginLimit at once.
// Without Redis nobody can invalidate either, so that those who joined take
// the result as it is.
func (c *Cache[K, V]) offline(ctx context.Context, n name, load loader[V], cause error) outcome[V] {
	if outOfMemory(cause) {
		return c.unstored(ctx, n, load)
	}
	if !c.origin.enter() {
		c.stats.overloaded.Add(1)
		return outcome[V]{err: fmt.Errorf("cache: load %q: %w: %w", n.text, ErrOverloaded, cause)}
	}
	defer c.origin.leave()
	out := c.unstored(ctx, n, load)
	out.asOf = time.Time{}
	return out
}
