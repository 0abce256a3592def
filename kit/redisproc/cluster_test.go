//go:build unix

package redisproc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// slot is where a key of this tag lives, as the cluster says.
func slot(t *testing.T, c redis.Cmdable, key string) int {
	t.Helper()
	n, err := c.ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestStartCluster(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		o     redisproc.ClusterOptions
		nodes int
	}{
		"zero options": {redisproc.ClusterOptions{}, 6},
		"one primary":  {redisproc.ClusterOptions{Primaries: 1, Replicas: -1}, 1},
		"3+0 password": {redisproc.ClusterOptions{Replicas: -1, Server: redisproc.Options{Password: awkward}}, 3},
		"2+4":          {redisproc.ClusterOptions{Primaries: 2, Replicas: 2}, 6},
		"closed":       {redisproc.ClusterOptions{Server: closed}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redistest.StartCluster(t, test.o)
			if got := len(c.Servers()); got != test.nodes {
				t.Fatalf("got %d nodes, want %d", got, test.nodes)
			}
			// Nothing is tried again: ready is ready, for each slot and each node.
			client := redistest.ClusterClientOf(t, c, func(o *redis.ClusterOptions) {
				o.MaxRedirects = -1
				if name == "closed" {
					o.Username, o.Password = "app", "pw"
				}
			})
			for i := range 200 {
				set(t, client, fmt.Sprint("k", i), "v")
			}
			for _, st := range c.Status(t.Context()) {
				if !st.Healthy || len(st.Sees) != test.nodes {
					t.Errorf("%s: healthy %v, sees %d nodes; want true and %d", st.Server.Addr(), st.Healthy, len(st.Sees), test.nodes)
				}
				if st.Role == redisproc.RoleReplica && !st.LinkUp {
					t.Errorf("%s: the link of a replica is down", st.Server.Addr())
				}
			}
			for _, p := range c.Primaries(t.Context()) {
				if got, want := len(c.Replicas(t.Context(), p)), len(c.Shard(p))-1; got != want {
					t.Errorf("%s has %d replicas, want %d", p.Addr(), got, want)
				}
			}
		})
	}
}

// load increments counters of many slots until stop is called, which returns
// how often each was acknowledged.
func load(t *testing.T, c *redis.ClusterClient) (stop func() map[string]int64) {
	t.Helper()
	const workers, keys = 8, 200
	var acked [keys]atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; ctx.Err() == nil; i++ {
				k := i % keys
				// Its own context: an increment that was cut off would be in doubt.
				if err := c.Incr(t.Context(), fmt.Sprint("n", k)).Err(); err != nil {
					t.Errorf("INCR under load: %v", err)
					return
				}
				acked[k].Add(1)
			}
		})
	}
	return func() map[string]int64 {
		cancel()
		wg.Wait()
		out := map[string]int64{}
		for k := range acked {
			out[fmt.Sprint("n", k)] = acked[k].Load()
		}
		return out
	}
}

// wantCounts compares what was acknowledged with what is there.
func wantCounts(t *testing.T, c *redis.ClusterClient, acked map[string]int64) {
	t.Helper()
	total := int64(0)
	for key, want := range acked {
		got, err := c.Get(t.Context(), key).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got %d, want the %d that were acknowledged", key, got, want)
		}
		total += got
	}
	if total < 200 {
		t.Errorf("got %d increments in all: that was no load", total)
	}
}

// A failover that both agree on loses nothing, with writers at work.
func TestCluster_FailOver(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, redisproc.ClusterOptions{})
	client := redistest.ClusterClientOf(t, c)
	stop := load(t, client)
	old := c.Servers()[0]
	promoted, err := c.FailOver(long(t), old)
	acked := stop()
	if err != nil {
		t.Fatal(err)
	}
	if want := c.Shard(old)[1]; promoted != want {
		t.Errorf("got %s promoted, want %s, the replica", promoted.Addr(), want.Addr())
	}
	wantCounts(t, client, acked)
	if got := c.Replicas(t.Context(), promoted); len(got) != 1 || got[0] != old {
		t.Errorf("replicas of the new primary: got %v, want the old one", got)
	}
	if _, err := c.FailOver(t.Context(), old); !errors.Is(err, redisproc.ErrNotMember) {
		t.Errorf("FailOver of a replica: got %v, want ErrNotMember", err)
	}
}

// A shard goes back and forth. The third turn is the first node's second
// election, for which it must not count the votes of its first.
func TestCluster_FailOver_again(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, redisproc.ClusterOptions{NodeTimeout: 500 * time.Millisecond})
	s := c.Servers()[0]
	for turn := range 3 {
		promoted, err := c.FailOver(long(t), s)
		if err != nil || promoted == s {
			t.Fatalf("turn %d: got %v, %v; want the other one", turn, promoted, err)
		}
		s = promoted
	}
}

// A primary dies, and one that hangs is voted down; both come back as replicas.
func TestCluster_WaitFailover(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, redisproc.ClusterOptions{NodeTimeout: time.Second})
	dead, hung := c.Servers()[0], c.Servers()[1]
	if err := dead.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	promoted, err := c.WaitFailover(long(t), dead)
	if err != nil || promoted != c.Shard(dead)[1] {
		t.Fatalf("WaitFailover: got %v, %v; want the replica", promoted, err)
	}
	if err := c.WaitStable(long(t)); err != nil {
		t.Errorf("with a dead node: %v", err)
	}
	if got, err := c.Primary(t.Context(), 0); got != promoted || err != nil {
		t.Errorf("Primary of slot 0: got %v, %v; want the promoted one", got, err)
	}
	if err := errors.Join(dead.Restart(t.Context()), c.WaitStable(long(t))); err != nil {
		t.Fatal(err)
	}
	if err := hung.Pause(); err != nil {
		t.Fatal(err)
	}
	if promoted, err = c.FailOver(long(t), hung); err != nil || promoted != c.Shard(hung)[1] {
		t.Fatalf("FailOver of one that hangs: got %v, %v; want the replica", promoted, err)
	}
	if err := errors.Join(hung.Resume(), c.WaitStable(long(t))); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*redisproc.Server{dead, hung} {
		if got := c.Replicas(t.Context(), c.Shard(s)[1]); len(got) != 1 || got[0] != s {
			t.Errorf("%s is not the replica of who took its place", s.Addr())
		}
	}
}

// The steps of a migration, seen by a client that follows nothing by itself.
func TestMigration(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, redisproc.ClusterOptions{Replicas: -1, Server: redisproc.Options{Password: awkward, TLS: true}})
	ctx, client := t.Context(), redistest.ClusterClientOf(t, c)
	const n = 250
	for i := range n {
		set(t, client, fmt.Sprintf("{tag}%d", i), "v")
	}
	moving := slot(t, client, "{tag}")
	from, err := c.Primary(ctx, moving)
	if err != nil {
		t.Fatal(err)
	}
	to := c.Servers()[0]
	if to == from {
		to = c.Servers()[1]
	}
	bare := func(s *redisproc.Server) *redis.Client {
		return redistest.ClientOf(t, s, func(o *redis.Options) { o.MaxRetries = -1 })
	}
	wantErr := func(s *redisproc.Server, key, prefix string) {
		t.Helper()
		err := bare(s).Get(ctx, key).Err()
		if err == nil && prefix != "" || err != nil && !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("GET %s from %s: got %v, want %q", key, s.Addr(), err, prefix)
		}
	}
	m, err := c.BeginMigration(ctx, moving, to)
	if err != nil {
		t.Fatal(err)
	}
	wantErr(from, "{tag}0", "")       // it is still here
	wantErr(from, "{tag}new", "ASK ") // whatever is not here is there
	wantErr(to, "{tag}0", "MOVED ")   // without ASKING
	if moved, err := m.Move(ctx, 100); moved != 100 || err != nil {
		t.Errorf("Move: got %d, %v; want 100", moved, err)
	}
	if err := m.Finish(ctx); err == nil || !strings.Contains(err.Error(), "150 keys are left") {
		t.Errorf("Finish too early: got %v", err)
	}
	// Half here, half there: a client that follows ASK sees all.
	for i := range n {
		if err := client.Get(ctx, fmt.Sprintf("{tag}%d", i)).Err(); err != nil {
			t.Fatalf("in the midst of the migration: %v", err)
		}
	}
	// MigrateSlot goes on where another was left.
	if err := c.MigrateSlot(ctx, moving, to); err != nil {
		t.Fatal(err)
	}
	wantErr(from, "{tag}0", "MOVED ")
	if got, err := bare(to).ClusterCountKeysInSlot(ctx, moving).Result(); got != n || err != nil {
		t.Errorf("keys at the target: got %d, %v; want %d", got, err, n)
	}
	if err := errors.Join(c.MigrateSlot(ctx, moving, to), c.WaitStable(long(t))); err != nil {
		t.Errorf("once more: %v", err)
	}
	if _, err := c.BeginMigration(ctx, moving, to); !errors.Is(err, redisproc.ErrNotMember) {
		t.Errorf("to where it is: got %v, want ErrNotMember", err)
	}
	if err := c.Reshard(ctx, from, to, redisproc.Slots); err == nil {
		t.Error("Reshard of more slots than there are: got no error")
	}
}

// No increment is lost or done twice while slots move under the writers.
func TestCluster_Reshard(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, redisproc.ClusterOptions{})
	client := redistest.ClusterClientOf(t, c)
	from, to := c.Servers()[0], c.Servers()[1]
	stop := load(t, client)
	begin := time.Now()
	err := c.Reshard(long(t), from, to, 500)
	t.Logf("500 slots in %v", time.Since(begin))
	acked := stop()
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, client, acked)
	if got, err := c.Primary(t.Context(), 499); got != to || err != nil {
		t.Errorf("Primary of slot 499: got %v, %v; want the target", got, err)
	}
	if got, err := c.Primary(t.Context(), 500); got != from || err != nil {
		t.Errorf("Primary of slot 500: got %v, %v; want the source", got, err)
	}
}
