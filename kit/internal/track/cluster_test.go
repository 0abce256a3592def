package track

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Every master pushes, and all are needed for Live.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, redisproc.ClusterOptions{Replicas: -1})
	c, servers := redistest.ClusterClientOf(t, nodes), nodes.Servers()
	tracker, told, _ := run(t, c, Options{Prefix: "k:"})
	const n = 300
	for i := range n {
		must(t, c.Set(t.Context(), fmt.Sprint("k:", i), "v", 0).Err())
	}
	redistest.Eventually(t, "all keys of all masters are told", func() bool { keys, _ := told.count(); return keys == n })
	must(t, servers[1].Kill(t.Context()))
	redistest.Eventually(t, "it is not live without one master", func() bool { return !tracker.Live() })
	must(t, servers[1].Restart(t.Context()))
	live(t, tracker)
}

// A new master is a reset and is subscribed to; slots that move are a reset.
func TestCluster_slotsMove(t *testing.T) {
	t.Parallel()
	old := redistest.StartCluster(t, redisproc.ClusterOptions{Replicas: -1})
	c := redistest.ClusterClientOf(t, old)
	tracker, told, _ := run(t, c, Options{Prefix: "k:"})
	added := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes", "cluster-node-timeout": "2000"}})
	newcomer := redistest.ClientOf(t, added)
	nodes := []*redis.Client{newcomer} // the new owner is told first
	for _, server := range old.Servers() {
		nodes = append(nodes, redistest.ClientOf(t, server))
	}
	meet(t, newcomer, old.Servers()[0])
	id, err := newcomer.Do(t.Context(), "cluster", "myid").Text()
	must(t, err)
	redistest.Eventually(t, "all know each other", func() bool {
		return !slices.ContainsFunc(nodes, func(n *redis.Client) bool {
			list := n.ClusterNodes(t.Context()).Val()
			return !strings.Contains(list, id) || strings.Count(list, " connected") != len(nodes)
		})
	})

	for step, slot := range []int{0, 1} {
		told.forget()
		for _, n := range nodes {
			must(t, n.Do(t.Context(), "cluster", "setslot", slot, "node", id).Err())
		}
		agree(t, nodes)
		redistest.Eventually(t, fmt.Sprintf("move %d is a reset", step), func() bool { _, n := told.count(); return n > 0 })
		redistest.Eventually(t, "the new master has a tracker", func() bool { return len(trackers(t, newcomer)) == 1 })
		live(t, tracker)
		key := keyIn(t, newcomer, int64(slot))
		must(t, c.Set(t.Context(), key, "v", 0).Err())
		redistest.Eventually(t, "what the new owner has is told", func() bool { return told.told(key) })
	}
}

// keyIn finds a key that belongs to a slot.
func keyIn(t *testing.T, c *redis.Client, slot int64) string {
	t.Helper()
	for i := 0; ; i++ {
		key := fmt.Sprintf("k:%d", i)
		got, err := c.ClusterKeySlot(t.Context(), key).Result()
		must(t, err)
		if got == slot {
			return key
		}
	}
}

// A cluster that a function describes, as NewFailoverClusterClient's does: the
// servers know nothing of it.
func TestCluster_function(t *testing.T) {
	t.Parallel()
	servers := []*redisproc.Server{redistest.Start(t, redisproc.Options{}), redistest.Start(t, redisproc.Options{}), redistest.Start(t, redisproc.Options{})}
	var second atomic.Int64
	second.Store(1)
	c := redis.NewClusterClient(&redis.ClusterOptions{ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
		return []redis.ClusterSlot{
			{Start: 0, End: 8191, Nodes: []redis.ClusterNode{{Addr: servers[0].Addr()}}},
			{Start: 8192, End: 16383, Nodes: []redis.ClusterNode{{Addr: servers[second.Load()].Addr()}}},
		}, nil
	}})
	defer c.Close()
	tracker, told, stop := run(t, c, Options{Prefix: "k:", Check: 300 * time.Millisecond})
	defer stop()
	for _, i := range []int64{1, 2} {
		told.forget()
		second.Store(i)
		node := redistest.ClientOf(t, servers[i])
		redistest.Eventually(t, "the master has a tracker", func() bool { return len(trackers(t, node)) == 1 })
		live(t, tracker)
		if _, resets := told.count(); i == 2 && resets == 0 {
			t.Error("another master without a reset")
		}
		must(t, node.Set(t.Context(), "k:1", "v", 0).Err())
		redistest.Eventually(t, "SET is told", func() bool { return told.told("k:1") })
	}
}
