package cache

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// Past its TTL a value is answered with at once, and one process loads it anew.
func TestStaleWhileRevalidate(t *testing.T) {
	t.Parallel()
	swr := func(o *Options[int64, user]) { o.StaleWhileRevalidate, o.EarlyRefresh = time.Hour, -1 }
	c := newUsers(t, swr)
	other, o := twin(t, c, swr), &origin{}
	o.set(7, "old")
	brief(t, c, o)
	b := newBlocked()
	for _, c := range []*Cache[int64, user]{c, c, other, other} {
		if u, err := c.Fetch(t.Context(), 7, b.load); u.Name != "old" || err != nil {
			t.Errorf("got %v, %v; want old, at once", u, err)
		}
	}
	<-b.running
	b.release <- user{7, "new"}
	redistest.Eventually(t, "the new value is there", func() bool {
		u, ok, _ := c.Peek(t.Context(), 7)
		return ok && u.Name == "new"
	})
	redistest.Eventually(t, "all have looked", func() bool { return !c.flights.busy("7") && !other.flights.busy("7") })
	if n := b.loads.Load(); n != 1 {
		t.Errorf("got %d loads, want 1 for all processes", n)
	}
	if s := c.Stats(); s.StaleHits != 2 || s.Hits != 2 || s.Refreshes+other.Stats().Refreshes != 1 {
		t.Errorf("got %+v, want 2 stale hits", s)
	}
}

// brief loads a value that is stale when it returns.
func brief(t *testing.T, c *Cache[int64, user], o *origin) {
	t.Helper()
	_, err := c.FetchWith(t.Context(), 7, func(ctx context.Context, e *Entry) (user, error) {
		e.TTL(50 * time.Millisecond)
		return o.load(ctx, 7)
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(70 * time.Millisecond) // what is tested is the passing of time
}

// When loading fails, a stale value is better than an error, and marked.
func TestStaleIfError(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, func(o *Options[int64, user]) {
		o.StaleIfError, o.EarlyRefresh = time.Hour, -1
	}), &origin{}
	o.set(7, "ann")
	brief(t, c, o)
	o.err = errBroken
	r, err := fetchWith(t, c, o)
	if err != nil || r.Value.Name != "ann" || !r.Stale || r.Source != Redis || r.Fresh >= 0 || r.Age < 50*time.Millisecond {
		t.Errorf("got %+v, %v; want ann, stale", r, err)
	}
	if s := c.Stats(); s.StaleOnError != 1 || s.LoadErrors != 1 || s.Loads != 2 {
		t.Errorf("got %+v, want 1 stale on error", s)
	}
	o.err = ErrNotFound // that is no failure: it is gone
	if _, err := fetchWith(t, c, o); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func fetchWith(t *testing.T, c *Cache[int64, user], o *origin) (Result[user], error) {
	t.Helper()
	return c.FetchWith(t.Context(), 7, func(ctx context.Context, _ *Entry) (user, error) { return o.load(ctx, 7) })
}

// A fresh value that is due is answered with at once, and one process loads it
// anew.
func TestEarlyRefresh(t *testing.T) {
	t.Parallel()
	eager := func(o *Options[int64, user]) { o.EarlyRefresh = 1e9 } // due from the first moment
	c := newUsers(t, eager)
	other, o := twin(t, c, eager), &origin{delay: 10 * time.Millisecond}
	o.set(7, "old")
	source(t, c, 7, o.load)
	b := newBlocked()
	for _, c := range []*Cache[int64, user]{c, c, other, other} {
		r, err := c.FetchWith(t.Context(), 7, func(ctx context.Context, _ *Entry) (user, error) { return b.load(ctx, 7) })
		if r.Value.Name != "old" || r.Stale || err != nil {
			t.Errorf("got %+v, %v; want old and fresh, at once", r, err)
		}
	}
	<-b.running
	redistest.Eventually(t, "the others have looked", func() bool { return !c.flights.busy("7") || !other.flights.busy("7") })
	b.release <- user{7, "new"}
	redistest.Eventually(t, "the new value is there", func() bool {
		u, ok, _ := c.Peek(t.Context(), 7)
		return ok && u.Name == "new"
	})
	if n := b.loads.Load(); n != 1 {
		t.Errorf("got %d loads, want 1 for all processes", n)
	}
}

// Fresh values are left alone, however often they are read.
func TestDueEarly(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	count := func(left, took time.Duration) (n int) {
		for range 10_000 {
			if c.dueEarly(left, took) {
				n++
			}
		}
		return n
	}
	// e^(−left/took) of them, by the definition of XFetch.
	for _, test := range []struct {
		left, took time.Duration
		low, high  int
	}{
		{time.Hour, 100 * time.Millisecond, 0, 0},
		{time.Second, 100 * time.Millisecond, 0, 20},                 // 0.5
		{100 * time.Millisecond, 100 * time.Millisecond, 3300, 4100}, // 3679
		{time.Millisecond, 100 * time.Millisecond, 9700, 10_000},
		{time.Millisecond, 0, 0, 0},
	} {
		if n := count(test.left, test.took); n < test.low || n > test.high {
			t.Errorf("with %v left of a load of %v: %d of 10,000, want %d to %d", test.left, test.took, n, test.low, test.high)
		}
	}
	c.options.EarlyRefresh = 0
	if n := count(time.Millisecond, time.Hour); n != 0 {
		t.Errorf("switched off, it was due %d times", n)
	}
}

// TTLs differ by the jitter and no more.
func TestJitter(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		ttl := c.jittered(time.Minute)
		low, high = min(low, ttl), max(high, ttl)
	}
	if low < 54*time.Second || low > 55*time.Second || high < 65*time.Second || high > 66*time.Second {
		t.Errorf("TTLs of a minute are %v to %v, want 54s to 66s", low, high)
	}
}

// The clock is Redis's: a wrong clock of this machine could not be seen, and
// what counts is how long ago Redis said so.
func TestClock(t *testing.T) {
	t.Parallel()
	var c clock
	if _, known := c.now(); known {
		t.Error("the time is known before Redis told it")
	}
	c.observe(time.Now().Add(-2*time.Second), 5000) // a slow answer
	first, known := c.now()
	if !known || first < 5900 || first > 7000 {
		t.Errorf("got %d, %v; want 6000: the middle of the question, and what passed since", first, known)
	}
	c.observe(time.Now(), 9000) // a quick one is better
	if now, _ := c.now(); now < 9000 || now > 9500 {
		t.Errorf("got %d, want 9000", now)
	}
	c.observe(time.Now().Add(-time.Second), 100_000) // a slow one is not
	if now, _ := c.now(); now > 10_000 {
		t.Errorf("got %d, want the better reading kept", now)
	}
}
