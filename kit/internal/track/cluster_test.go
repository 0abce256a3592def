package track

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Every master pushes, and all are needed for Live.
func TestCluster(t *testing.T) {
	t.Parallel()
	c, servers := masters(t, 3)
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
	c, servers := masters(t, 2)
	tracker, told, _ := run(t, c, Options{Prefix: "k:"})
	added := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes", "cluster-node-timeout": "2000"}})
	nodes := []*redis.Client{redistest.ClientOf(t, servers[0]), redistest.ClientOf(t, servers[1]), redistest.ClientOf(t, added)}
	meet(t, nodes[0], added)
	id, err := nodes[2].Do(t.Context(), "cluster", "myid").Text()
	must(t, err)
	redistest.Eventually(t, "all know the new node", func() bool {
		return strings.Contains(nodes[0].ClusterNodes(t.Context()).Val(), id) && strings.Contains(nodes[1].ClusterNodes(t.Context()).Val(), id)
	})

	for step, slot := range []int{0, 1} { // "k:{...}" of the slot is found below
		told.forget()
		for _, n := range []*redis.Client{nodes[2], nodes[0], nodes[1]} { // the new owner first
			must(t, n.Do(t.Context(), "cluster", "setslot", slot, "node", id).Err())
		}
		agree(t, nodes)
		redistest.Eventually(t, fmt.Sprintf("move %d is a reset", step), func() bool { _, n := told.count(); return n > 0 })
		redistest.Eventually(t, "the new master has a tracker", func() bool { return len(trackers(t, nodes[2])) == 1 })
		live(t, tracker)
		key := keyIn(t, nodes[0], int64(slot))
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
