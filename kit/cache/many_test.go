package cache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// batchOrigin has users with even ids, and notes what it was asked for.
type batchOrigin struct {
	mu    sync.Mutex
	asked [][]int64
	delay time.Duration
	err   error
}

func (o *batchOrigin) load(_ context.Context, ids []int64) (map[int64]user, error) {
	time.Sleep(o.delay)
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(ids)
	o.asked = append(o.asked, ids)
	found := map[int64]user{}
	for _, id := range ids {
		if id%2 == 0 {
			found[id] = user{id, "even"}
		}
	}
	return found, o.err
}

func ids(m map[int64]user) []int64 { return slices.Sorted(maps.Keys(m)) }

func TestFetchMany(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options[int64, user]){
		"in Redis": func(*Options[int64, user]) {}, "in memory": withLocal,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, o := newUsers(t, change), &batchOrigin{}
			for _, step := range []struct {
				give, want, loads []int64
			}{
				{[]int64{4, 2, 3, 4}, []int64{2, 4}, []int64{2, 3, 4}},
				{[]int64{2, 3, 4}, []int64{2, 4}, nil}, // that 3 is not there is remembered
				{[]int64{2, 6, 3, 7}, []int64{2, 6}, []int64{6, 7}},
				{nil, nil, nil},
			} {
				o.asked = nil
				got, err := c.FetchMany(t.Context(), step.give, o.load)
				if err != nil || !slices.Equal(ids(got), step.want) {
					t.Errorf("FetchMany(%v) = %v, %v; want %v", step.give, got, err, step.want)
				}
				if asked := slices.Concat(o.asked...); !slices.Equal(asked, step.loads) {
					t.Errorf("FetchMany(%v) loaded %v, want %v", step.give, asked, step.loads)
				}
			}
			// Fetch and FetchMany share their values.
			if u, err := c.Fetch(t.Context(), 6, (&origin{}).load); u.Name != "even" || err != nil {
				t.Errorf("Fetch = %v, %v; want even", u, err)
			}
			if _, err := c.Fetch(t.Context(), 7, (&origin{}).load); !errors.Is(err, ErrNotFound) {
				t.Errorf("Fetch = %v, want ErrNotFound", err)
			}
			if n := c.Stats().Loads; n != 2 {
				t.Errorf("got %d loads, want 2", n)
			}
		})
	}
}

// Overlapping batches of two processes load each key once.
func TestFetchMany_overlapping(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t), &batchOrigin{delay: 100 * time.Millisecond}
	other := twin(t, c)
	var wg sync.WaitGroup
	for i, c := range []*Cache[int64, user]{c, other, c, other} {
		wg.Go(func() {
			give := []int64{int64(2 * i), int64(2*i + 2), int64(2*i + 4)}
			if got, err := c.FetchMany(t.Context(), give, o.load); err != nil || !slices.Equal(ids(got), give) {
				t.Errorf("FetchMany(%v) = %v, %v", give, got, err)
			}
		})
	}
	wg.Wait()
	asked := slices.Sorted(slices.Values(slices.Concat(o.asked...)))
	if want := []int64{0, 2, 4, 6, 8, 10}; !slices.Equal(asked, want) {
		t.Errorf("loaded %v, want each once: %v", asked, want)
	}
}

// The loader fails: what was there is answered with, stale values count, and the
// leases are given back.
func TestFetchMany_fails(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, func(o *Options[int64, user]) { o.StaleIfError = time.Hour }), &batchOrigin{}
	one := &origin{}
	one.set(7, "stale")
	brief(t, c, one)
	if _, err := c.FetchMany(t.Context(), []int64{2}, o.load); err != nil {
		t.Fatal(err)
	}
	o.err = errBroken
	got, err := c.FetchMany(t.Context(), []int64{2, 4, 7}, o.load)
	if !errors.Is(err, errBroken) || !slices.Equal(ids(got), []int64{2, 7}) {
		t.Errorf("got %v, %v; want 2 and 7, and the loader's error", got, err)
	}
	got, err = c.FetchMany(t.Context(), []int64{2, 7}, o.load)
	if err != nil || got[7].Name != "stale" {
		t.Errorf("got %v, %v; want the stale one and no error", got, err)
	}
	o.err = nil
	begun := time.Now()
	if got, err := c.FetchMany(t.Context(), []int64{4}, o.load); err != nil || len(got) != 1 || time.Since(begun) > time.Second {
		t.Errorf("got %v, %v after %v; want 4 at once", got, err, time.Since(begun))
	}
}

// An invalidation meets the load of a batch: that key is loaded again.
func TestFetchMany_invalidatedMeanwhile(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	other := twin(t, c)
	var calls atomic.Int64
	got, err := c.FetchMany(t.Context(), []int64{1, 2, 3}, func(ctx context.Context, ids []int64) (map[int64]user, error) {
		values := map[int64]user{}
		for _, id := range ids {
			values[id] = user{id, "old"}
			if calls.Load() > 0 {
				values[id] = user{id, "new"}
			}
		}
		if calls.Add(1) == 1 {
			return values, other.Invalidate(ctx, 2)
		}
		return values, nil
	})
	if err != nil || got[1].Name != "old" || got[2].Name != "new" || calls.Load() != 2 {
		t.Errorf("got %v, %v in %d calls; want 2 loaded anew", got, err, calls.Load())
	}
	if u, ok, err := other.Peek(t.Context(), 2); u.Name != "new" || !ok || err != nil {
		t.Errorf("the cache holds %v, %v, %v; want new", u, ok, err)
	}
}

// Stale values of a batch are answered with, and loaded anew in one call.
func TestFetchMany_revalidates(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, func(o *Options[int64, user]) {
		o.TTL, o.StaleWhileRevalidate, o.EarlyRefresh = 100*time.Millisecond, time.Hour, -1
	}), &batchOrigin{}
	for range 2 {
		if got, err := c.FetchMany(t.Context(), []int64{2, 4}, o.load); err != nil || len(got) != 2 {
			t.Errorf("got %v, %v", got, err)
		}
		time.Sleep(130 * time.Millisecond) // what is tested is the passing of time
	}
	redistest.Eventually(t, "both are loaded anew", func() bool { return c.Stats().Stored == 4 })
	if n := c.Stats().Loads; n != 2 {
		t.Errorf("got %d loads, want 2", n)
	}
}

// The caller goes away; the load goes on, for others wait for it.
func TestFetchMany_callerLeaves(t *testing.T) {
	t.Parallel()
	c := newUsers(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	_, err := c.FetchMany(ctx, []int64{2}, func(context.Context, []int64) (map[int64]user, error) {
		cancel()
		<-release
		return map[int64]user{2: {2, "even"}}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	if u, err := c.Fetch(t.Context(), 2, (&origin{}).load); u.Name != "even" || err != nil {
		t.Errorf("got %v, %v; want what the batch loads", u, err)
	}
}
