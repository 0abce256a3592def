package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// user is a value as services have them.
type user struct {
	ID   int64
	Name string
}

// ample is the RedisTimeout of tests that are not about it: on a busy machine a
// step may take longer than a service would give it.
const ample = 10 * time.Second

// newUsers is a cache of users on the package's server, under a name of its own.
func newUsers(t testing.TB, change ...func(*Options[int64, user])) *Cache[int64, user] {
	t.Helper()
	o := Options[int64, user]{Name: redistest.Prefix(t), RedisTimeout: ample}
	for _, f := range change {
		f(&o)
	}
	c, err := New(redistest.Client(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// origin is a source of users that counts its loads.
type origin struct {
	loads atomic.Int64
	delay time.Duration
	mu    sync.Mutex
	names map[int64]string
	err   error
}

func (o *origin) set(id int64, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names = map[int64]string{}
	}
	o.names[id] = name
}

func (o *origin) load(ctx context.Context, id int64) (user, error) {
	o.loads.Add(1)
	o.mu.Lock()
	name, ok := o.names[id]
	err := o.err
	o.mu.Unlock()
	select {
	case <-time.After(o.delay):
	case <-ctx.Done():
		return user{}, ctx.Err()
	}
	switch {
	case err != nil:
		return user{}, err
	case !ok:
		return user{}, ErrNotFound
	}
	return user{id, name}, nil
}

func TestCache_Fetch(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	o := &origin{}
	o.set(7, "ann")
	for i, want := range []Source{Origin, Redis, Redis} {
		r, err := c.FetchWith(t.Context(), 7, func(ctx context.Context, _ *Entry) (user, error) { return o.load(ctx, 7) })
		if err != nil || r.Value.Name != "ann" || r.Source != want {
			t.Errorf("fetch %d = %+v, %v; want ann from %v", i, r, err, want)
		}
	}
	o.set(7, "anna")
	if err := c.Invalidate(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if u, err := c.Fetch(t.Context(), 7, o.load); u.Name != "anna" || err != nil {
		t.Errorf("after the invalidation: %v, %v; want anna", u, err)
	}
	if n := o.loads.Load(); n != 2 {
		t.Errorf("got %d loads, want 2", n)
	}
	for range 2 {
		if _, err := c.Fetch(t.Context(), 8, o.load); !errors.Is(err, ErrNotFound) {
			t.Errorf("fetch of nothing: got %v, want ErrNotFound", err)
		}
	}
	if n := o.loads.Load(); n != 3 {
		t.Errorf("got %d loads, want 3: that there is nothing is remembered", n)
	}
}
