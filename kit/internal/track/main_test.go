package track

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

// recorder notes what a tracker tells.
type recorder struct {
	mu     sync.Mutex
	keys   map[string]int // how often since the last reset
	resets int
}

func (r *recorder) onKeys(keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		r.keys[k]++
	}
}

func (r *recorder) onReset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resets++
	clear(r.keys)
}

func (r *recorder) told(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[key] > 0
}

func (r *recorder) count() (keys, resets int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.keys), r.resets
}

// forget makes told and count begin anew.
func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.keys)
	r.resets = 0
}

// run runs a tracker until the end of the test, or until stop is called, and
// waits until it is live.
func run(t testing.TB, client redis.UniversalClient, o Options) (_ *Tracker, _ *recorder, stop func()) {
	t.Helper()
	r := &recorder{keys: map[string]int{}}
	if o.OnKeys == nil {
		o.OnKeys, o.OnReset = r.onKeys, r.onReset
	}
	tracker, err := New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tracker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	live(t, tracker)
	return tracker, r, stop
}

func live(t testing.TB, tracker *Tracker) {
	t.Helper()
	redistest.Eventually(t, "the tracker is live", tracker.Live)
}

// trackers are the ids of the connections that are subscribed.
func trackers(t *testing.T, c *redis.Client) (ids []string) {
	t.Helper()
	list, err := c.Do(t.Context(), "client", "list", "type", "pubsub").Text()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
		ids = append(ids, id)
	}
	return ids
}

// kill ends the connections of all trackers of a server.
func kill(t *testing.T, c *redis.Client) {
	t.Helper()
	if err := c.Do(t.Context(), "client", "kill", "type", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
}

// must fails the test with the first error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func meet(t *testing.T, node *redis.Client, other *redisproc.Server) {
	t.Helper()
	host, port, _ := net.SplitHostPort(other.Addr())
	must(t, node.ClusterMeet(t.Context(), host, port).Err())
}

// agree waits until all nodes have the same picture of the slots.
func agree(t *testing.T, nodes []*redis.Client) {
	t.Helper()
	redistest.Eventually(t, "the nodes agree", func() bool {
		pictures := make([]string, len(nodes))
		for i, n := range nodes {
			if !strings.Contains(n.ClusterInfo(t.Context()).Val(), "cluster_state:ok") {
				return false
			}
			pictures[i] = text(n.ClusterSlots(t.Context()).Val()) //nolint:staticcheck // as the tracker asks
		}
		return len(slices.Compact(pictures)) == 1
	})
}
