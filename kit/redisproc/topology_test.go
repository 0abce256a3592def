//go:build unix

package redisproc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// closed is a topology that lets nobody in without a password and a
// certificate. Its default user is off: only the one of the test gets in.
var closed = redisproc.Options{
	ACL: []string{"user default off", "user app on >pw ~* &* +@all"},
	TLS: true, ClientCerts: true,
}

// long is a context for what Redis takes seconds for.
func long(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func set(t *testing.T, c redis.Cmdable, key, value string) {
	t.Helper()
	if err := c.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}

func TestStartReplicaSet(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]redisproc.Options{
		"plain": {}, "password": {Password: awkward, AppendOnly: true}, "closed": closed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := redistest.StartReplicaSet(t, redisproc.ReplicaSetOptions{Server: o})
			as := func(o *redis.Options) {
				if name == "closed" {
					o.Username, o.Password = "app", "pw"
				}
			}
			c := redistest.ClientOf(t, r.Primary(), as)
			set(t, c, "k", "v")
			// Ready means that the links are up: both have it within the time of a reply.
			if n, err := c.Wait(t.Context(), 2, time.Second).Result(); n != 2 || err != nil {
				t.Errorf("WAIT 2: got %d, %v", n, err)
			}
			if name == "closed" {
				if err := ping(t, r.Replicas()[0]); err == nil {
					t.Error("PING as the user default, which is off: got no error")
				}
			}

			// A replica that was killed comes back as one.
			replica := r.Replicas()[1]
			if err := replica.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := r.WaitStable(long(t)); err != nil {
				t.Errorf("with a dead replica: %v", err)
			}
			set(t, c, "k", "w")
			if err := errors.Join(replica.Restart(t.Context()), r.WaitStable(long(t))); err != nil {
				t.Fatal(err)
			}
			if got := redistest.ClientOf(t, replica, as).Get(t.Context(), "k").Val(); got != "w" {
				t.Errorf("k on the replica after its restart: got %q, want w", got)
			}
			for i, st := range r.Status(t.Context()) {
				want := redisproc.RoleReplica
				if i == 0 {
					want = redisproc.RolePrimary
				}
				if st.Role != want || !st.Answers || st.Offset == 0 || (want == redisproc.RoleReplica) != st.LinkUp {
					t.Errorf("Status of %d: got %+v, want an answering %s with an offset", i, st, want)
				}
			}
		})
	}
}

// What stops a topology from being stable stands in the error.
func TestReplicaSet_WaitStable_hung(t *testing.T) {
	t.Parallel()
	r := redistest.StartReplicaSet(t, redisproc.ReplicaSetOptions{Replicas: 1})
	replica := r.Replicas()[0]
	if err := replica.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.WaitStable(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), replica.Addr()+" does not answer") {
		t.Errorf("got %v, want a deadline and the address of the one that hangs", err)
	}
	if st := r.Status(t.Context())[1]; !st.Running || st.Answers || st.Role != "" {
		t.Errorf("Status of the paused replica: got %+v, want one that runs and does not answer", st)
	}
	if err := errors.Join(replica.Resume(), r.WaitStable(long(t))); err != nil {
		t.Error(err)
	}
}

func TestStartSentinel(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]redisproc.Options{"password": {Password: awkward}, "closed": closed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t, redisproc.SentinelOptions{Server: o, Master: "shop"})
			c := redistest.SentinelClientOf(t, s, func(o *redis.FailoverOptions) {
				if name == "closed" {
					o.Username, o.Password = "app", "pw"
				}
			})
			set(t, c, "k", "v")
			if n, err := c.Wait(t.Context(), 2, time.Second).Result(); n != 2 || err != nil {
				t.Errorf("WAIT 2: got %d, %v", n, err)
			}

			// A Sentinel rewrites its own file; it must still be able to read it.
			if err := errors.Join(s.Sentinels()[0].Restart(t.Context()), s.WaitStable(long(t))); err != nil {
				t.Fatalf("after a restart of a Sentinel: %v", err)
			}

			old, err := s.Primary(t.Context())
			if err != nil || old != s.Servers()[0] {
				t.Fatalf("Primary: got %v, %v; want the first server", old, err)
			}
			promoted, err := s.FailOver(long(t))
			if err != nil || promoted == old {
				t.Fatalf("FailOver: got %v, %v; want another server", promoted, err)
			}
			redistest.Eventually(t, "the client writes to the new primary", func() bool {
				return c.Set(t.Context(), "k", "w", 0).Err() == nil
			})
			if replicas, err := s.Replicas(t.Context()); err != nil || len(replicas) != 2 || replicas[0] != old {
				t.Errorf("Replicas: got %v, %v; want two, the old primary first", replicas, err)
			}
		})
	}
}

// The primary dies; a replica takes its place, and the old one comes back as a
// replica.
func TestSentinel_WaitFailover(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redisproc.SentinelOptions{})
	old := s.Servers()[0]
	set(t, redistest.ClientOf(t, old), "k", "v")
	begin := time.Now()
	if err := old.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	promoted, err := s.WaitFailover(long(t), old)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("failover after %v", time.Since(begin))
	set(t, redistest.ClientOf(t, promoted), "k2", "v")
	if err := s.WaitStable(long(t)); err != nil {
		t.Errorf("with a dead server: %v", err)
	}
	if err := errors.Join(old.Restart(t.Context()), s.WaitStable(long(t))); err != nil {
		t.Fatal(err)
	}
	t.Logf("the old primary is a replica after %v", time.Since(begin))
	if got := redistest.ClientOf(t, old).Get(t.Context(), "k2").Val(); got != "v" {
		t.Errorf("k2 on the old primary: got %q, want v", got)
	}
}

// Without a quorum there is no failover, and the error of the wait says who is
// still named.
func TestSentinel_noQuorum(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redisproc.SentinelOptions{Replicas: 1, DownAfter: 200 * time.Millisecond})
	for _, victim := range append(s.Sentinels()[1:], s.Servers()[0]) {
		if err := victim.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.WaitFailover(ctx, s.Servers()[0])
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, redisproc.ErrNoPrimary) {
		t.Errorf("got %v, want a deadline and ErrNoPrimary", err)
	}
	for _, w := range s.Sentinels() {
		if err := w.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Primary(t.Context()); !errors.Is(err, redisproc.ErrNotRunning) {
		t.Errorf("Primary without any Sentinel: got %v, want ErrNotRunning", err)
	}
	if _, err := s.FailOver(t.Context()); !errors.Is(err, redisproc.ErrNotRunning) {
		t.Errorf("FailOver without any Sentinel: got %v, want ErrNotRunning", err)
	}
}

func TestTopology_badOptions(t *testing.T) {
	t.Parallel()
	for want, start := range map[string]func() (any, error){
		"ReplicaSetOptions.Replicas must not be negative, got -1": func() (any, error) {
			return redisproc.StartReplicaSet(t.Context(), redisproc.ReplicaSetOptions{Replicas: -1})
		},
		"SentinelOptions.Sentinels must not be negative, got -3": func() (any, error) {
			return redisproc.StartSentinel(t.Context(), redisproc.SentinelOptions{Sentinels: -3})
		},
		"SentinelOptions.Quorum must be in 0..3, the number of Sentinels, got 4": func() (any, error) {
			return redisproc.StartSentinel(t.Context(), redisproc.SentinelOptions{Quorum: 4})
		},
		`SentinelOptions.Master must be letters, digits, '-' and '.', got "a b"`: func() (any, error) {
			return redisproc.StartSentinel(t.Context(), redisproc.SentinelOptions{Master: "a b"})
		},
		"SentinelOptions.DownAfter must be at least a millisecond, got 1µs": func() (any, error) {
			return redisproc.StartSentinel(t.Context(), redisproc.SentinelOptions{DownAfter: time.Microsecond})
		},
		"ClusterOptions.Primaries must be in 0..16384, got -1": func() (any, error) {
			return redisproc.StartCluster(t.Context(), redisproc.ClusterOptions{Primaries: -1})
		},
		"ClusterOptions.NodeTimeout must be at least 100ms, got 1ms": func() (any, error) {
			return redisproc.StartCluster(t.Context(), redisproc.ClusterOptions{NodeTimeout: time.Millisecond})
		},
		"Options.Port must be 0 in a topology, where each server has its own, got 7000": func() (any, error) {
			return redisproc.StartCluster(t.Context(), redisproc.ClusterOptions{Server: redisproc.Options{Port: 7000}})
		},
		`Options.Config["ReplicaOf"] can not be set: the topology decides it`: func() (any, error) {
			return redisproc.StartReplicaSet(t.Context(), redisproc.ReplicaSetOptions{Server: redisproc.Options{Config: map[string]string{"ReplicaOf": "127.0.0.1 1"}}})
		},
		"Options.ACL[0] must not define the user redisproc, which the topology is run by": func() (any, error) {
			return redisproc.StartSentinel(t.Context(), redisproc.SentinelOptions{Server: redisproc.Options{ACL: []string{"user redisproc on"}}})
		},
		"Options.ClientCerts needs TLS, got true": func() (any, error) {
			return redisproc.StartCluster(t.Context(), redisproc.ClusterOptions{Server: redisproc.Options{ClientCerts: true}})
		},
	} {
		if _, err := start(); err == nil || err.Error() != "redisproc: "+want {
			t.Errorf("got  %v\nwant redisproc: %s", err, want)
		}
	}
}

// A start that fails, or is given up, leaves neither process nor directory.
func TestTopology_failedStart(t *testing.T) {
	t.Parallel()
	soon := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}
	bad := map[string]string{"maxclients": "many"}
	for name, start := range map[string]func(redisproc.Options) error{
		"bad directive": func(o redisproc.Options) error {
			o.Config = bad
			_, err := redisproc.StartReplicaSet(t.Context(), redisproc.ReplicaSetOptions{Server: o})
			return err
		},
		"given up at once": func(o redisproc.Options) error {
			_, err := redisproc.StartSentinel(soon(0), redisproc.SentinelOptions{Server: o})
			return err
		},
		"given up while the Sentinels meet": func(o redisproc.Options) error {
			_, err := redisproc.StartSentinel(soon(200*time.Millisecond), redisproc.SentinelOptions{Server: o, Sentinels: 9})
			return err
		},
		"given up while the cluster forms": func(o redisproc.Options) error {
			_, err := redisproc.StartCluster(soon(time.Second), redisproc.ClusterOptions{Server: o})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := redisproc.Options{Name: "failed-" + strings.ReplaceAll(name, " ", "-")}
			err := start(o)
			if err == nil {
				t.Fatal("got no error")
			}
			if name == "bad directive" != strings.Contains(err.Error(), `Options.Config["maxclients"]`) {
				t.Errorf("got %v", err)
			}
			if name != "bad directive" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want a deadline", err)
			}
			left, err := filepath.Glob(filepath.Join(os.TempDir(), "redisproc-"+o.Name+"*"))
			if err != nil || len(left) > 0 {
				t.Errorf("directories are left: %v (%v)", left, err)
			}
		})
	}
}

// Clusters that start at the same time never take each other's ports or those
// of the bus.
func TestStartCluster_parallel(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ports := map[string]bool{}
	t.Run("group", func(t *testing.T) {
		for i := range 3 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				c := redistest.StartCluster(t, redisproc.ClusterOptions{Replicas: -1})
				mu.Lock()
				defer mu.Unlock()
				for _, addr := range c.Addrs() {
					_, port, err := net.SplitHostPort(addr)
					if err != nil || port >= "22768" {
						t.Errorf("got port %s (%v), want one whose bus lies below 32768", port, err)
					}
					ports[port] = true
				}
			})
		}
	})
	if len(ports) != 9 {
		t.Errorf("got %d ports, want 9", len(ports))
	}
}
