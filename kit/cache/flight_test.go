package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// twin is another process with the same cache.
func twin(t testing.TB, c *Cache[int64, user], change ...func(*Options[int64, user])) *Cache[int64, user] {
	t.Helper()
	return newUsers(t, append(change, func(o *Options[int64, user]) { o.Name = c.space.Prefix() })...)
}

// blocked is a loader that says when it runs and waits to be let go.
type blocked struct {
	running chan struct{}
	release chan user
	loads   atomic.Int64
}

func newBlocked() *blocked {
	return &blocked{running: make(chan struct{}, 100), release: make(chan user, 100)}
}

func (b *blocked) load(ctx context.Context, _ int64) (user, error) {
	b.loads.Add(1)
	b.running <- struct{}{}
	select {
	case u := <-b.release:
		return u, nil
	case <-ctx.Done():
		return user{}, ctx.Err()
	}
}

type ctxKey struct{}

// The one whose call began the load goes away. Nobody else notices.
func TestFetch_leaderCancelled(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t), newBlocked()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "kept"))
	var seen any
	leader := make(chan error)
	go func() {
		_, err := c.Fetch(ctx, 7, func(ctx context.Context, id int64) (user, error) {
			seen = ctx.Value(ctxKey{})
			return b.load(ctx, id)
		})
		leader <- err
	}()
	<-b.running
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if u, err := c.Fetch(t.Context(), 7, b.load); u.Name != "ann" || err != nil {
				t.Errorf("a caller who stayed got %v, %v; want ann", u, err)
			}
		})
	}
	cancel()
	if err := <-leader; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v, want context.Canceled", err)
	}
	b.release <- user{7, "ann"}
	wg.Wait()
	if n := b.loads.Load(); n != 1 {
		t.Errorf("got %d loads, want 1", n)
	}
	if seen != "kept" {
		t.Errorf("the loader's context has value %v, want that of its caller", seen)
	}
}

// Whatever a loader does, all who wait get an answer, and the next load works.
func TestFetch_badLoaders(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, test := range map[string]struct {
		load func(context.Context, int64) (user, error)
		want func(error) bool
	}{
		"panics": {
			func(context.Context, int64) (user, error) { panic("no such table") },
			func(err error) bool {
				p, ok := errors.AsType[*PanicError](err)
				return ok && isPanic(err, "no such table") && strings.Contains(string(p.Stack), "flight_test.go")
			},
		},
		"ends its goroutine": {
			func(context.Context, int64) (user, error) { runtime.Goexit(); return user{}, nil },
			func(err error) bool { return err != nil && strings.Contains(err.Error(), "ended its goroutine") },
		},
		"hangs, and heeds no context": {
			func(context.Context, int64) (user, error) { <-hang; return user{}, nil },
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		},
		"hangs until its context ends": {
			func(ctx context.Context, _ int64) (user, error) { <-ctx.Done(); return user{}, ctx.Err() },
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		},
		"fails": {
			func(context.Context, int64) (user, error) { return user{}, errBroken },
			func(err error) bool { return errors.Is(err, errBroken) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newUsers(t, func(o *Options[int64, user]) { o.LoadTimeout = 200 * time.Millisecond })
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					if _, err := c.Fetch(t.Context(), 7, test.load); !test.want(err) {
						t.Errorf("got error %v", err)
					}
				})
			}
			wg.Wait()
			if _, ok, err := c.Peek(t.Context(), 7); ok || err != nil {
				t.Errorf("something was stored: %v, %v", ok, err)
			}
			begun := time.Now()
			u, err := c.Fetch(t.Context(), 7, func(context.Context, int64) (user, error) { return user{7, "ann"}, nil })
			if u.Name != "ann" || err != nil {
				t.Errorf("the next load: %v, %v; want ann", u, err)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("the next load took %v: it waited for the lease of the bad one", took)
			}
		})
	}
}

var errBroken = errors.New("the database is broken")

// A TagFunc or a codec that panics is no worse than a loader that does.
func TestFetch_badTagFunc(t *testing.T) {
	t.Parallel()
	c := newUsers(t, func(o *Options[int64, user]) {
		o.LeaseTTL = 100 * time.Millisecond
		o.TagFunc = func(int64, user) []string { panic("no tags") }
	})
	if _, err := c.Fetch(t.Context(), 7, func(context.Context, int64) (user, error) { return user{}, nil }); !isPanic(err, "no tags") {
		t.Errorf("Fetch = %v, want the panic", err)
	}
	_, err := c.FetchMany(t.Context(), []int64{8}, func(context.Context, []int64) (map[int64]user, error) { return map[int64]user{8: {}}, nil })
	if !isPanic(err, "no tags") {
		t.Errorf("FetchMany = %v, want the panic", err)
	}
}

func isPanic(err error, value string) bool {
	p, ok := errors.AsType[*PanicError](err)
	return ok && p.Value == value
}

// A process dies while it loads: its lease runs out, and another one loads.
func TestFetch_deadLeader(t *testing.T) {
	t.Parallel()
	c := newUsers(t, func(o *Options[int64, user]) { o.LeaseTTL = 300 * time.Millisecond })
	dead := twin(t, c, func(o *Options[int64, user]) { o.LeaseTTL = 300 * time.Millisecond })
	g, err := dead.remote.acquire(t.Context(), dead.nameOf(7), newToken(), "")
	if err != nil || g.kind != granted {
		t.Fatalf("acquire = %+v, %v", g, err)
	}
	begun, o := time.Now(), &origin{}
	o.set(7, "ann")
	u, err := c.Fetch(t.Context(), 7, o.load)
	if took := time.Since(begun); u.Name != "ann" || err != nil || took < 200*time.Millisecond || took > 2*time.Second {
		t.Errorf("got %v, %v after %v; want ann when the lease of 300ms has ended", u, err, took)
	}
	if s := c.Stats(); s.Stored != 1 || s.Unstored != 0 {
		t.Errorf("got %+v, want the value stored", s)
	}
}

// A load lasts three leases. It is renewed, and others wait for it.
func TestFetch_renewed(t *testing.T) {
	t.Parallel()
	short := func(o *Options[int64, user]) { o.LeaseTTL = time.Second }
	c := newUsers(t, short)
	other, o := twin(t, c, short), &origin{delay: 3 * time.Second}
	o.set(7, "ann")
	var wg sync.WaitGroup
	for _, c := range []*Cache[int64, user]{c, other} {
		for range 5 {
			wg.Go(func() {
				if u, err := c.Fetch(t.Context(), 7, o.load); u.Name != "ann" || err != nil {
					t.Errorf("got %v, %v; want ann", u, err)
				}
			})
		}
	}
	wg.Wait()
	if n := o.loads.Load(); n != 1 {
		t.Errorf("got %d loads, want 1", n)
	}
	if a, b := c.Stats(), other.Stats(); a.Waited+b.Waited != 1 {
		t.Errorf("got %d and %d waits for the other process, want one in all", a.Waited, b.Waited)
	}
}

// Who has waited for Options.Wait loads for itself, and stores nothing.
func TestFetch_waitBound(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{-1, 100 * time.Millisecond} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			t.Parallel()
			c, b := newUsers(t), newBlocked()
			go func() { _, _ = c.Fetch(context.Background(), 7, b.load) }()
			<-b.running
			other, o := twin(t, c, func(o *Options[int64, user]) { o.Wait = wait }), &origin{}
			o.set(7, "ben")
			begun := time.Now()
			u, err := other.Fetch(t.Context(), 7, o.load)
			if took := time.Since(begun); u.Name != "ben" || err != nil || took < wait || took > wait+2*time.Second {
				t.Errorf("got %v, %v after %v; want ben of its own load after %v", u, err, took, wait)
			}
			if s := other.Stats(); s.Unstored != 1 || s.Stored != 0 {
				t.Errorf("got %+v, want 1 unstored", s)
			}
			b.release <- user{7, "ann"}
			redistest.Eventually(t, "the slow load is stored", func() bool {
				u, ok, err := other.Peek(t.Context(), 7)
				return err == nil && ok && u.Name == "ann"
			})
		})
	}
}

// The stale refill: the database changes and the key is invalidated, by another
// process, while a load holds the older value.
func TestFetch_invalidatedMeanwhile(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t), newBlocked()
	other := twin(t, c)
	got := make(chan user)
	go func() {
		u, err := c.Fetch(context.Background(), 7, b.load)
		if err != nil {
			t.Error(err)
		}
		got <- u
	}()
	<-b.running
	if err := other.Invalidate(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	b.release <- user{7, "old"}
	<-b.running // it loads again
	b.release <- user{7, "new"}
	if u := <-got; u.Name != "new" {
		t.Errorf("got %v, want what was loaded after the invalidation", u)
	}
	if u, ok, err := other.Peek(t.Context(), 7); u.Name != "new" || !ok || err != nil {
		t.Errorf("the cache holds %v, %v, %v; want new", u, ok, err)
	}
	if s := c.Stats(); s.Refused != 1 || s.Stored != 1 {
		t.Errorf("got %+v, want 1 refused and 1 stored", s)
	}
}

// Every load meets an invalidation: there is an end to it, and nothing is stored.
func TestFetch_alwaysInvalidated(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t), newBlocked()
	other := twin(t, c)
	got := make(chan user)
	go func() {
		u, err := c.Fetch(context.Background(), 7, b.load)
		if err != nil {
			t.Error(err)
		}
		got <- u
	}()
	for i := range maxLoads {
		<-b.running
		if err := other.Invalidate(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		b.release <- user{7, fmt.Sprint("load ", i)}
	}
	if u := <-got; u.Name != "load 2" {
		t.Errorf("got %v, want what the last load read", u)
	}
	if _, ok, err := c.Peek(t.Context(), 7); ok || err != nil {
		t.Errorf("the cache holds something: %v, %v", ok, err)
	}
}

// Who joins a flight that has its result already may know of an invalidation that
// came after it: it gets what is loaded later.
func TestShare_late(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	n := c.nameOf(7)
	f := &flight[user]{done: make(chan struct{})}
	f.out = outcome[user]{result: Result[user]{Value: user{7, "old"}}, asOf: time.Now()}
	c.flights.open = map[string]*flight[user]{n.text: f}
	got := make(chan user)
	go func() {
		u, _ := c.Fetch(context.Background(), 7, func(context.Context, int64) (user, error) { return user{7, "new"}, nil })
		got <- u
	}()
	redistest.Eventually(t, "it has missed", func() bool { return c.Stats().Misses == 1 })
	time.Sleep(20 * time.Millisecond) // for it to join; if it is later, it loads by itself
	c.flights.leave(n.text, f)
	close(f.done)
	if u := <-got; u.Name != "new" {
		t.Errorf("got %v, want what was loaded after it came", u)
	}
}

// After Invalidate in the same process nobody joins the load that began before.
func TestInvalidate_forgetsFlight(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t), newBlocked()
	old := make(chan user)
	go func() {
		u, _ := c.Fetch(context.Background(), 7, b.load)
		old <- u
	}()
	<-b.running
	if err := c.Invalidate(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	u, err := c.Fetch(t.Context(), 7, func(context.Context, int64) (user, error) { return user{7, "new"}, nil })
	if u.Name != "new" || err != nil {
		t.Errorf("got %v, %v; want new, at once", u, err)
	}
	b.release <- user{7, "old"}
	if u := <-old; u.Name != "new" {
		t.Errorf("who had waited before got %v, want new: its load was refused, and Redis has the newer", u)
	}
}

// A caller that comes with a context that is over gets its error.
func TestFetch_contextOver(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Fetch(ctx, 7, (&origin{}).load); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
