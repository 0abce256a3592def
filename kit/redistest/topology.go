package redistest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// The topologies that the tests of a package share. Each is started by the
// first test that asks for it, and stopped by Main.
var (
	clusters  shared[*redisproc.Cluster]
	sentinels shared[*redisproc.Sentinel]
)

// shared is a topology that is started once.
type shared[T interface{ Stop() error }] struct {
	mu      sync.Mutex
	started bool
	value   T
	err     error
}

// of returns the topology, started at the first call. A start that failed is
// not tried again: each test that needs it says why it failed.
func (s *shared[T]) of(t testing.TB, start func(context.Context) (T, error)) T {
	t.Helper()
	if server == nil {
		t.Fatal(noMain) // nobody would stop it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		// The first test to ask must not take it along when it ends.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startWait)
		defer cancel()
		s.value, s.err = start(ctx)
		s.started = true
	}
	if s.err != nil {
		t.Fatalf("redistest: %v", s.err)
	}
	return s.value
}

// running returns the topology if some test has started it.
func (s *shared[T]) running() (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.started && s.err == nil
}

func (s *shared[T]) stop() error {
	if value, ok := s.running(); ok {
		return value.Stop()
	}
	return nil
}

// stopShared stops the topologies that tests have started. A second call does
// nothing.
func stopShared() error { return errors.Join(clusters.stop(), sentinels.stop()) }

// Cluster is the package's Redis Cluster of three primaries with a replica
// each. The first call starts it, which takes a little over two seconds; Main
// stops it. Tests share it: killing nodes and moving slots is for those of
// StartCluster.
func Cluster(t testing.TB) *redisproc.Cluster {
	t.Helper()
	return clusters.of(t, func(ctx context.Context) (*redisproc.Cluster, error) {
		return redisproc.StartCluster(ctx, redisproc.ClusterOptions{Server: redisproc.Options{Name: "shared-cluster"}})
	})
}

// Sentinel is the package's primary with two replicas and three Sentinels. The
// first call starts it, which takes a third of a second; Main stops it. Tests
// share it: killing and failing over is for those of StartSentinel.
func Sentinel(t testing.TB) *redisproc.Sentinel {
	t.Helper()
	return sentinels.of(t, func(ctx context.Context) (*redisproc.Sentinel, error) {
		return redisproc.StartSentinel(ctx, redisproc.SentinelOptions{Server: redisproc.Options{Name: "shared-sentinel"}})
	})
}

// ClusterClient returns a client of the package's cluster, closed when the test
// ends. Its options are those of redisproc.Cluster, after change.
func ClusterClient(t testing.TB, change ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	t.Helper()
	return ClusterClientOf(t, Cluster(t), change...)
}

// ClusterClientOf is ClusterClient for a cluster of StartCluster.
func ClusterClientOf(t testing.TB, c *redisproc.Cluster, change ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	t.Helper()
	options := c.Options()
	for _, f := range change {
		f(options)
	}
	client := redis.NewClusterClient(options)
	closeAtEnd(t, client)
	return client
}

// SentinelClient returns a client of whoever is the primary in the package's
// Sentinel, closed when the test ends. Its options are those of
// redisproc.Sentinel, after change.
func SentinelClient(t testing.TB, change ...func(*redis.FailoverOptions)) *redis.Client {
	t.Helper()
	return SentinelClientOf(t, Sentinel(t), change...)
}

// SentinelClientOf is SentinelClient for those of StartSentinel.
func SentinelClientOf(t testing.TB, s *redisproc.Sentinel, change ...func(*redis.FailoverOptions)) *redis.Client {
	t.Helper()
	options := s.Options()
	for _, f := range change {
		f(options)
	}
	client := redis.NewFailoverClient(options)
	closeAtEnd(t, client)
	return client
}

func closeAtEnd(t testing.TB, client interface{ Close() error }) {
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
			t.Errorf("redistest: close the client: %v", err)
		}
	})
}

// StartCluster starts a private cluster for this test and stops it at its end.
// The logs are shown when the test failed.
func StartCluster(t testing.TB, o redisproc.ClusterOptions) *redisproc.Cluster {
	t.Helper()
	return startTopology(t, &o.Server, func(ctx context.Context) (*redisproc.Cluster, error) {
		return redisproc.StartCluster(ctx, o)
	}, (*redisproc.Cluster).Servers)
}

// StartSentinel starts a private primary with replicas and Sentinels for this
// test and stops them at its end. The logs are shown when the test failed.
func StartSentinel(t testing.TB, o redisproc.SentinelOptions) *redisproc.Sentinel {
	t.Helper()
	return startTopology(t, &o.Server, func(ctx context.Context) (*redisproc.Sentinel, error) {
		return redisproc.StartSentinel(ctx, o)
	}, func(s *redisproc.Sentinel) []*redisproc.Server { return append(s.Servers(), s.Sentinels()...) })
}

// StartReplicaSet starts a private primary with replicas for this test and
// stops them at its end. The logs are shown when the test failed.
func StartReplicaSet(t testing.TB, o redisproc.ReplicaSetOptions) *redisproc.ReplicaSet {
	t.Helper()
	return startTopology(t, &o.Server, func(ctx context.Context) (*redisproc.ReplicaSet, error) {
		return redisproc.StartReplicaSet(ctx, o)
	}, (*redisproc.ReplicaSet).Servers)
}

// startTopology starts what start says, after o has got the test's name.
func startTopology[T interface{ Stop() error }](t testing.TB, o *redisproc.Options, start func(context.Context) (T, error), servers func(T) []*redisproc.Server) T {
	t.Helper()
	if o.Name == "" {
		o.Name = safe(t.Name())
	}
	ctx, cancel := context.WithTimeout(t.Context(), startWait)
	defer cancel()
	topology, err := start(ctx)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, s := range servers(topology) {
				t.Logf("redistest: the log of %s ends with\n%s", s.Addr(), s.Log())
			}
		}
		if err := topology.Stop(); err != nil {
			t.Errorf("redistest: %v", err)
		}
	})
	return topology
}
