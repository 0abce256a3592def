package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, withLocal), &origin{}
	other := twin(t, c)
	o.set(7, "old")
	source(t, c, 7, o.load)
	reader := make(chan user)
	err := c.Write(t.Context(), 7, user{7, "new"}, func(context.Context) error {
		if _, ok, _ := c.Peek(t.Context(), 7); ok || c.local.has(7) {
			t.Error("the older value is there while the new one is being written")
		}
		go func() { // it waits for the write, and never sees the older
			u, err := other.Fetch(t.Context(), 7, func(context.Context, int64) (user, error) {
				t.Error("a reader loads while the write is under way")
				return user{}, nil
			})
			if err != nil {
				t.Error(err)
			}
			reader <- u
		}()
		redistest.Eventually(t, "the reader has missed", func() bool { return other.Stats().Misses == 1 })
		o.set(7, "new")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if u := <-reader; u.Name != "new" {
		t.Errorf("the reader got %v, want new", u)
	}
	r, err := c.FetchWith(t.Context(), 7, func(ctx context.Context, _ *Entry) (user, error) { return o.load(ctx, 7) })
	if err != nil || r.Source != Redis || r.Value.Name != "new" {
		t.Errorf("got %+v, %v; want new from redis", r, err)
	}
}

// The database refuses: the error is the caller's, and nobody knows what it
// holds, so nothing stays in the cache.
func TestWrite_fails(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errBroken },
		"panic": func(context.Context) error { panic(errBroken) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, o := newUsers(t), &origin{}
			o.set(7, "old")
			source(t, c, 7, o.load)
			var err error
			func() {
				defer func() {
					if p := recover(); p != nil {
						err = p.(error)
					}
				}()
				err = c.Write(t.Context(), 7, user{7, "new"}, write)
			}()
			if !errors.Is(err, errBroken) || errors.Is(err, ErrNotTold) {
				t.Errorf("got %v, want the database's", err)
			}
			begun := time.Now()
			if got := source(t, c, 7, o.load); got != Origin || time.Since(begun) > time.Second {
				t.Errorf("afterwards it came from %v after %v, want the origin at once", got, time.Since(begun))
			}
		})
	}
}

// Two writes at once, on two processes, and readers: what is in the cache in the
// end is what the database has.
func TestWrite_concurrent(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	other := twin(t, c)
	o := &origin{}
	o.set(7, "0")
	for round := range 30 {
		var wg sync.WaitGroup
		for i, c := range []*Cache[int64, user]{c, other, c, other} {
			wg.Go(func() {
				name := fmt.Sprint(round, "/", i)
				if i >= 2 {
					_, _ = c.Fetch(t.Context(), 7, o.load)
					return
				}
				if err := c.Write(t.Context(), 7, user{7, name}, func(context.Context) error { o.set(7, name); return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		o.mu.Lock()
		want := o.names[7]
		o.mu.Unlock()
		if u, err := c.Fetch(t.Context(), 7, o.load); u.Name != want || err != nil {
			t.Errorf("round %d: got %v, %v; want %s", round, u, err, want)
		}
	}
}

// A write lasts longer than its lease: readers still wait.
func TestWrite_renewed(t *testing.T) {
	t.Parallel()
	short := func(o *Options[int64, user]) { o.LeaseTTL = time.Second }
	c := newUsers(t, short)
	other, o := twin(t, c, short), &origin{}
	err := c.Write(t.Context(), 7, user{7, "new"}, func(context.Context) error {
		time.Sleep(2 * time.Second) // a slow database
		g, err := other.remote.acquire(t.Context(), other.nameOf(7), newToken(), "")
		if err != nil || g.kind != busy {
			t.Errorf("acquire = %+v, %v; want busy", g, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := source(t, other, 7, o.load); got != Redis {
		t.Errorf("it came from %v, want redis", got)
	}
}

// Redis goes away while the database writes: the caller learns it.
func TestWrite_notTold(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	c, err := New(redistest.ClientOf(t, server), Options[int64, user]{LeaseTTL: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Write(t.Context(), 7, user{7, "new"}, func(context.Context) error { return server.Pause() })
	if !errors.Is(err, ErrNotTold) {
		t.Errorf("got %v, want ErrNotTold", err)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Invalidate(t.Context(), 7); err != nil {
		t.Error(err)
	}
}

// After an invalidation nobody loads for a while, where replicas lag behind.
func TestReplicaLag(t *testing.T) {
	t.Parallel()
	const lag = 300 * time.Millisecond
	lagging := func(o *Options[int64, user]) { o.ReplicaLag = lag }
	c := newUsers(t, lagging)
	other, o := twin(t, c, lagging), &origin{}
	o.set(7, "ann")
	for name, change := range map[string]func() error{
		"invalidate": func() error { return c.Invalidate(t.Context(), 7) },
		"failed write": func() error {
			_ = c.Write(t.Context(), 7, user{}, func(context.Context) error { return errBroken })
			return nil
		},
	} {
		source(t, c, 7, o.load)
		begun := time.Now()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if x, err := c.Explain(t.Context(), 7); err != nil || x.Lease != "kept away" {
			t.Errorf("%s: %v, %v; want loads kept away", name, x, err)
		}
		if got := source(t, other, 7, o.load); got != Origin || time.Since(begun) < lag {
			t.Errorf("%s: it came from %v after %v, want the origin after %v", name, got, time.Since(begun), lag)
		}
	}
}
