package redistest_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Tests that ask at the same time get the same topology, and the keys of each
// are gone after it.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := redistest.ClusterClient(t)
	t.Run("group", func(t *testing.T) {
		for range 2 {
			t.Run("user", func(t *testing.T) {
				t.Parallel()
				if got, want := fmt.Sprint(redistest.Cluster(t).Addrs()), fmt.Sprint(c.Options().Addrs); got != want {
					t.Errorf("got the cluster %s, want %s", got, want)
				}
				prefix := redistest.Prefix(t)
				for i := range 100 {
					if err := c.Set(t.Context(), fmt.Sprintf("%s:{%d}", prefix, i), i, 0).Err(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
	if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("after the tests the cluster holds %d keys (%v), want 0", n, err)
	}
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	c := redistest.SentinelClient(t)
	t.Run("user", func(t *testing.T) {
		prefix := redistest.Prefix(t)
		if err := c.Set(t.Context(), prefix+":{k}", 1, 0).Err(); err != nil {
			t.Fatal(err)
		}
	})
	if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("after the test the server holds %d keys (%v), want 0", n, err)
	}
}

func TestStart_topologies(t *testing.T) {
	t.Parallel()
	var servers []*redisproc.Server
	t.Run("own", func(t *testing.T) {
		o := redisproc.Options{Password: "secret", TLS: true}
		r := redistest.StartReplicaSet(t, redisproc.ReplicaSetOptions{Server: o, Replicas: 1})
		s := redistest.StartSentinel(t, redisproc.SentinelOptions{Server: o})
		c := redistest.StartCluster(t, redisproc.ClusterOptions{Server: o, Replicas: -1})
		for name, client := range map[string]redis.Cmdable{
			"replica set": redistest.ClientOf(t, r.Primary()),
			"sentinel":    redistest.SentinelClientOf(t, s),
			"cluster":     redistest.ClusterClientOf(t, c),
		} {
			if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Errorf("%s: SET: %v", name, err)
			}
		}
		servers = append(append(append(r.Servers(), s.Servers()...), s.Sentinels()...), c.Servers()...)
	})
	if len(servers) != 2+6+3 {
		t.Fatalf("got %d servers, want 11", len(servers))
	}
	for _, s := range servers {
		if s.Running() {
			t.Errorf("%s outlives its test", s.Dir())
		}
	}
}
