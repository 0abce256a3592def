package script_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

// twoMasters starts a cluster whose slots are shared by two servers.
func twoMasters(t *testing.T) *redis.ClusterClient {
	t.Helper()
	half := [2][2]int{{0, 8191}, {8192, 16383}}
	var nodes [2]*redis.Client
	var addrs []string
	for i := range nodes {
		server := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
		addrs = append(addrs, server.Addr())
		nodes[i] = redistest.ClientOf(t, server)
		if err := nodes[i].ClusterAddSlotsRange(t.Context(), half[i][0], half[i][1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	host, port, _ := net.SplitHostPort(addrs[1])
	if err := nodes[0].ClusterMeet(t.Context(), host, port).Err(); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		redistest.Eventually(t, "both nodes know all slots", func() bool {
			return strings.Contains(node.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
		})
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	t.Cleanup(func() { c.Close() })
	return c
}

// Everything works in a cluster, where each master knows its own scripts.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := twoMasters(t)
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	add := library(t).Function("add")
	var results []*script.Result
	err := script.Pipelined(t.Context(), c, func(b *script.Batch) error {
		for i := range 20 {
			results = append(results, incr.Queue(t.Context(), b, []string{fmt.Sprint("key:", i)}))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		key := fmt.Sprint("key:", i)
		if got, _, err := results[i].Int64(); got != 1 || err != nil {
			t.Errorf("%s in a batch = %d, %v; want 1", key, got, err)
		}
		if got, _, err := incr.Run(t.Context(), c, []string{key}).Int64(); got != 2 || err != nil {
			t.Errorf("Run on %s = %d, %v; want 2", key, got, err)
		}
		if got, _, err := add.Run(t.Context(), c, []string{key}, 10).Int64(); got != 12 || err != nil {
			t.Errorf("function on %s = %d, %v; want 12", key, got, err)
		}
	}
	err = script.TxPipelined(t.Context(), c, func(b *script.Batch) error {
		incr.Queue(t.Context(), b, []string{"key:0"})
		incr.Queue(t.Context(), b, []string{"key:1"})
		return nil
	})
	if !errors.Is(err, script.ErrCrossSlot) {
		t.Errorf("a transaction over two slots = %v, want ErrCrossSlot", err)
	}
}
