package cache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

func withLocal(o *Options[int64, user]) { o.Local.Entries = 1000 }

// running has Run at work for a cache until the test ends, and returns when it is.
func running(t testing.TB, c *Cache[int64, user]) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	redistest.Eventually(t, "pushes arrive", func() bool { return c.Stats().Pushed })
}

func source(t testing.TB, c *Cache[int64, user], id int64, load func(context.Context, int64) (user, error)) Source {
	t.Helper()
	r, err := c.FetchWith(t.Context(), id, func(ctx context.Context, _ *Entry) (user, error) { return load(ctx, id) })
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	return r.Source
}

func TestLocal(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, withLocal), &origin{}
	o.set(7, "ann")
	for id, want := range map[int64][]Source{
		7: {Origin, Memory, Memory},
		8: {Origin, Memory}, // that there is nothing is remembered here too
	} {
		for i, want := range want {
			if got := source(t, c, id, o.load); got != want {
				t.Errorf("fetch %d of %d came from %v, want %v", i, id, got, want)
			}
		}
	}
	if _, err := c.Fetch(t.Context(), 8, o.load); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := c.Invalidate(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if got := source(t, c, 7, o.load); got != Origin {
		t.Errorf("after its invalidation it came from %v, want the origin", got)
	}
	if s := c.Stats(); s.LocalHits != 4 || s.LocalEntries == 0 {
		t.Errorf("got %+v, want 4 hits in memory", s)
	}
}

// What another process writes or invalidates is gone here within moments, and
// before it is asked for again.
func TestLocal_pushed(t *testing.T) {
	t.Parallel()
	c := newUsers(t, withLocal, func(o *Options[int64, user]) { o.Local.TTL = time.Hour })
	other, o := twin(t, c), &origin{}
	running(t, c)
	for name, change := range map[string]func(context.Context) error{
		"invalidate": func(ctx context.Context) error { return other.Invalidate(ctx, 7) },
		"write": func(ctx context.Context) error {
			return other.Write(ctx, 7, user{7, "write"}, func(context.Context) error { return nil })
		},
		"tag":   func(ctx context.Context) error { return other.InvalidateTag(ctx, "all") },
		"clear": other.Clear,
	} {
		o.set(7, "before "+name)
		load := func(ctx context.Context, e *Entry) (user, error) { e.Tag("all"); return o.load(ctx, 7) }
		if err := c.Invalidate(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		// The push of its own store empties memory once.
		redistest.Eventually(t, "it is in memory", func() bool {
			r, err := c.FetchWith(t.Context(), 7, load)
			return err == nil && r.Source == Memory && r.Value.Name == "before "+name
		})
		o.set(7, name)
		if err := change(t.Context()); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "the change by "+name+" arrives", func() bool {
			r, err := c.FetchWith(t.Context(), 7, load)
			return err == nil && r.Value.Name == name
		})
	}
}

// The fill guard: what was asked for before an invalidation is not there after
// it, whenever it arrives.
func TestLocal_fillGuard(t *testing.T) {
	t.Parallel()
	l, err := newLocal[int64, user](Local{Entries: 10, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	n := name{text: "7"}
	value := &found[user]{ok: true, value: user{7, "old"}, size: 40}
	for what, invalidate := range map[string]func(){
		"drop":  func() { l.drop(n) },
		"reset": l.reset,
	} {
		before := l.epoch(n)
		invalidate()
		l.fill(7, n, value, before, time.Hour)
		if l.get(7) != nil || l.has(7) {
			t.Errorf("%s: an older value came in behind it", what)
		}
		l.fill(7, n, value, l.epoch(n), time.Hour)
		if l.get(7) == nil || !l.has(7) {
			t.Errorf("%s: a value that was asked for after it is not there", what)
		}
		invalidate()
		if l.get(7) != nil {
			t.Errorf("%s: the value is still there", what)
		}
	}
}

// A value is in memory no longer than it is fresh, nor than Local.TTL.
func TestLocal_ttl(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options[int64, user]){
		"fresh for less": func(o *Options[int64, user]) { o.TTL, o.StaleIfError = 80*time.Millisecond, time.Hour },
		"Local.TTL":      func(o *Options[int64, user]) { o.Local.TTL = 80 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, o := newUsers(t, withLocal, change), &origin{}
			o.set(7, "ann")
			source(t, c, 7, o.load)
			time.Sleep(120 * time.Millisecond) // what is tested is the passing of time
			if c.local.get(7) != nil {
				t.Error("it is still in memory")
			}
		})
	}
}

// A scan over many keys does not grow the memory.
func TestLocal_bounded(t *testing.T) {
	t.Parallel()
	value := &found[user]{ok: true, value: user{1, "x"}, size: 100}
	for bound, o := range map[string]Local{
		"entries": {Entries: 100, TTL: time.Hour},
		"bytes":   {Bytes: 100 * 100, TTL: time.Hour},
	} {
		l, err := newLocal[int64, user](o)
		if err != nil {
			t.Fatal(err)
		}
		for id := range int64(20_000) {
			n := name{text: fmt.Sprint(id)}
			l.fill(id, n, value, l.epoch(n), time.Hour)
		}
		redistest.Eventually(t, bound+" bound it", func() bool {
			l.values.CleanUp()
			_, n := l.counts()
			return n > 0 && n <= 100
		})
	}
}

// A hit in memory makes no garbage.
func TestLocal_allocations(t *testing.T) {
	c, o := newUsers(t, withLocal), &origin{}
	o.set(7, "ann")
	load := o.load
	ctx := t.Context()
	fetch := func() {
		if _, err := c.Fetch(ctx, 7, load); err != nil {
			t.Error(err)
		}
	}
	fetch()
	if n := testing.AllocsPerRun(100, fetch); n != 0 {
		t.Errorf("a hit in memory allocates %v times, want 0", n)
	}
}

// Without a first layer, and without a server that can push, Run waits.
func TestRun_nothingToDo(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}
