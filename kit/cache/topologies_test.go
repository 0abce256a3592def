package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// acl is the least that a cache named "cache" needs.
const acl = "user app on >secret resetchannels &__redis__:invalidate ~cache:* -@all" +
	" +get +set +del +getrange +pttl +pexpire +zadd +zrem +zscore +zrange +zscan +zremrangebyscore" +
	" +eval +evalsha +time +scan +ping +hello +info +subscribe +client|id +client|tracking"

// Everything works on every topology, with TLS, and as a user with the least
// permissions.
func TestTopologies(t *testing.T) {
	t.Parallel()
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		suite(t, redistest.Prefix(t), func() redis.UniversalClient { return redistest.ClusterClient(t) })
	})
	t.Run("TLS and ACL", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, redisproc.Options{TLS: true, ACL: []string{acl}})
		suite(t, "", func() redis.UniversalClient {
			return redistest.ClientOf(t, server, func(o *redis.Options) { o.Username, o.Password = "app", "secret" })
		})
	})
	t.Run("Sentinel", func(t *testing.T) {
		t.Parallel()
		suite(t, redistest.Prefix(t), func() redis.UniversalClient { return redistest.SentinelClient(t) })
	})
}

// suite runs what a cache does, by two processes with a client each.
func suite(t *testing.T, name string, connect func() redis.UniversalClient) {
	const keys = 60 // some on each node
	ctx := t.Context()
	caches := make([]*Cache[int64, user], 2)
	for i := range caches {
		o := Options[int64, user]{Name: name, RedisTimeout: ample}
		withTags()(&o)
		withLocal(&o)
		var err error
		if caches[i], err = New(connect(), o); err != nil {
			t.Fatal(err)
		}
		running(t, caches[i])
	}
	a, b := caches[0], caches[1]
	var version atomic.Int64
	load := func(_ context.Context, id int64) (user, error) { return user{id, fmt.Sprint(version.Load())}, nil }
	loadMany := func(ctx context.Context, ids []int64) (map[int64]user, error) {
		m := map[int64]user{}
		for _, id := range ids {
			m[id], _ = load(ctx, id)
		}
		return m, nil
	}
	all := make([]int64, keys)
	for id := range all {
		all[id] = int64(id)
	}
	// Each change is acknowledged, and then seen by all: at once where it was made,
	// and in the other process as soon as its push is there.
	for what, change := range map[string]func() error{
		"Invalidate":    func() error { return a.Invalidate(ctx, all...) },
		"InvalidateTag": func() error { return a.InvalidateTag(ctx, "all") },
		"Clear":         func() error { return a.Clear(ctx) },
		"Write": func() error {
			var errs []error
			for _, id := range all {
				u, _ := load(ctx, id)
				errs = append(errs, a.Write(ctx, id, u, func(context.Context) error { return nil }))
			}
			return errors.Join(errs...)
		},
	} {
		for _, c := range caches {
			if m, err := c.FetchMany(ctx, all, loadMany); err != nil || len(m) != keys {
				t.Fatalf("before %s: %d values, %v", what, len(m), err)
			}
		}
		want := fmt.Sprint(version.Add(1))
		if err := change(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, id := range all {
			if u, err := a.Fetch(ctx, id, load); err != nil || u.Name != want {
				t.Errorf("%s: %d is %q, %v; want %s", what, id, u.Name, err, want)
			}
		}
		redistest.Eventually(t, "the other process sees "+what, func() bool {
			m, err := b.FetchMany(ctx, all, loadMany)
			return err == nil && !slices.ContainsFunc(slices.Collect(maps.Values(m)), func(u user) bool { return u.Name != want })
		})
	}
	if x, err := a.Explain(ctx, 1); err != nil || !x.InRedis || x.Problem != "" {
		t.Errorf("Explain: %v, %v", x, err)
	}
	if s := a.Stats(); s.RedisErrors != 0 || s.Unstored != 0 || s.Outage {
		t.Errorf("got %+v, want no trouble", s)
	}
}

// A primary dies while readers read and a writer invalidates. Reads go on, from
// the origin where they must; within five seconds after a replica was promoted
// the cache answers from Redis again, and what is invalidated then is seen.
func TestFailover(t *testing.T) {
	t.Parallel()
	t.Run("Sentinel", func(t *testing.T) {
		t.Parallel()
		s := redistest.StartSentinel(t, redisproc.SentinelOptions{})
		old, err := s.Primary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		failover(t, redistest.SentinelClientOf(t, s, func(o *redis.FailoverOptions) { o.ContextTimeoutEnabled = true }), func() error {
			if err := old.Kill(t.Context()); err != nil {
				return err
			}
			_, err := s.WaitFailover(t.Context(), old)
			return err
		})
	})
	if !long() {
		return // the one in a cluster takes four seconds to begin with
	}
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		c := redistest.StartCluster(t, redisproc.ClusterOptions{})
		old, err := c.Primary(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		failover(t, redistest.ClusterClientOf(t, c, func(o *redis.ClusterOptions) { o.ContextTimeoutEnabled = true }), func() error {
			if err := old.Kill(t.Context()); err != nil {
				return err
			}
			_, err := c.WaitFailover(t.Context(), old)
			return err
		})
	})
}

func failover(t *testing.T, client redis.UniversalClient, kill func() error) {
	const keys = 30
	c, err := New(client, Options[int64, user]{Local: Local{Entries: 100}, OriginLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	running(t, c)
	var version atomic.Int64
	load := func(_ context.Context, id int64) (user, error) { return user{id, fmt.Sprint(version.Load())}, nil }
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var slowest atomic.Int64
	for i := range int64(4) {
		wg.Go(func() {
			for id := i; ctx.Err() == nil; id = (id + 1) % keys {
				asked := time.Now()
				if _, err := c.Fetch(ctx, id, load); err != nil && ctx.Err() == nil {
					t.Errorf("a read failed: %v", err)
				}
				if took := int64(time.Since(asked)); took > slowest.Load() {
					slowest.Store(took)
				}
				time.Sleep(time.Millisecond) // between two requests
			}
		})
	}
	redistest.Eventually(t, "values are there", func() bool { return c.Stats().Stored >= keys })
	if err := kill(); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	for id := int64(0); id < keys; {
		if c.Invalidate(ctx, id) == nil {
			id++
		}
		if time.Since(promoted) > 20*time.Second {
			t.Fatal("invalidations fail 20s after the replica was promoted")
		}
	}
	took := time.Since(promoted)
	want := fmt.Sprint(version.Add(1))
	if err := c.Invalidate(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if u, err := c.Fetch(ctx, 1, load); err != nil || u.Name != want {
		t.Errorf("after an invalidation: %v, %v; want %s", u, err, want)
	}
	redistest.Eventually(t, "pushes arrive again", func() bool { return c.Stats().Pushed })
	cancel()
	wg.Wait()
	t.Logf("invalidations again %v after the promotion, slowest read %v", took, time.Duration(slowest.Load()))
	if took > 5*time.Second {
		t.Errorf("invalidations took %v, want at most 5s", took)
	}
}

// The embedded server of the course has no pushes; all else works there too.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	o := Options[int64, user]{RedisTimeout: ample}
	withTags()(&o)
	c, err := New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	from := &origin{}
	from.set(7, "ann")
	changes := []func() error{
		func() error { return nil },
		func() error { return c.Invalidate(t.Context(), 7) },
		func() error { return c.InvalidateTag(t.Context(), "all") },
		func() error { return c.Clear(t.Context()) },
	}
	for i, change := range changes {
		if err := change(); err != nil {
			t.Error(err)
		}
		if first, second := source(t, c, 7, from.load), source(t, c, 7, from.load); first != Origin || second != Redis {
			t.Errorf("after change %d it came from %v and %v, want origin and redis", i, first, second)
		}
	}
	if err := c.Write(t.Context(), 7, user{7, "anna"}, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	if u, ok, err := c.Peek(t.Context(), 7); u.Name != "anna" || !ok || err != nil {
		t.Errorf("after a write: %v, %v, %v", u, ok, err)
	}
	m, err := c.FetchMany(t.Context(), []int64{7, 8}, func(context.Context, []int64) (map[int64]user, error) { return nil, nil })
	if err != nil || len(m) != 1 {
		t.Errorf("FetchMany = %v, %v", m, err)
	}
	if s := c.Stats(); s.RedisErrors != 0 {
		t.Errorf("got %+v, want no errors", s)
	}
}
