package keys

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// A real cluster node is the judge of Slot, and of "one entity, one slot".
func TestSlot_asRedisSays(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
	client := redistest.ClientOf(t, server)
	space := mustSpace(t, "cache")
	rapid.Check(t, func(rt *rapid.T) {
		a, b := anyPair().Draw(rt, "a"), anyPair().Draw(rt, "b")
		keys := []string{a.entity, a.part, space.Key(a.entity, a.part), space.Key(a.entity, b.part)}
		cmds, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.ClusterKeySlot(t.Context(), key)
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		var slots []int64
		for i, key := range keys {
			slots = append(slots, cmds[i].(*redis.IntCmd).Val())
			if got := int64(Slot(key)); got != slots[i] {
				rt.Errorf("Slot(%q) = %d, Redis says %d", key, got, slots[i])
			}
		}
		if slots[2] != slots[3] {
			rt.Errorf("Redis puts %q into slot %d, %q into slot %d", keys[2], slots[2], keys[3], slots[3])
		}
	})
}
