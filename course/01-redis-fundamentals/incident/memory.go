package shop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// memory follows what has no end: how many such keys there are, and how large
// those are that the shop works on.
type memory struct {
	looks []endlessLook
}

// endlessLook is one look at the keys without an end.
type endlessLook struct {
	at    time.Time
	keys  int64            // how many there are
	sizes map[string]int64 // bytes of those that were used lately
}

// memoryState is how it stands.
type memoryState struct {
	endless int64
	grows   bool
	text    string // what grows
	whole   bool   // the looks span a window
}

// What counts as growing: keys without an end that came in a window, and bytes
// that one of them grew by. A list that is trimmed varies by less.
const (
	growsKeys  = 3
	growsBytes = 1500
	// watchedKeys bounds the keys whose end is asked for at a look.
	watchedKeys = 400
)

// look asks for the ends of the keys that the program used in the last window,
// and for the sizes of those that have none.
//
// Redis: 3 round trips, O(keys used lately).
func (m *memory) look(ctx context.Context, scene unit.Scene) (memoryState, error) {
	now := endlessLook{at: time.Now(), sizes: map[string]int64{}}
	var err error
	if now.keys, err = keyspace(ctx, scene.Redis); err != nil {
		return memoryState{}, err
	}
	used := usedKeys(scene.Requests(now.at.Add(-window)))
	endless, err := withoutEnd(ctx, scene.Redis, used)
	if err != nil {
		return memoryState{}, err
	}
	if now.sizes, err = sizes(ctx, scene.Redis, endless[:min(20, len(endless))]); err != nil {
		return memoryState{}, err
	}
	m.looks = slices.DeleteFunc(m.looks, func(l endlessLook) bool { return now.at.Sub(l.at) > window })
	m.looks = append(m.looks, now)
	first := m.looks[0]
	state := memoryState{endless: now.keys, whole: now.at.Sub(first.at) >= window-time.Second}
	if came := now.keys - first.keys; came >= growsKeys {
		state.grows = true
		state.text = fmt.Sprintf("%s keys will never leave, %d of them came in the last %s", unit.Figure(float64(now.keys), ""), came, since(first.at, now.at))
		if len(endless) > 0 {
			state.text += "; one is " + endless[0]
		}
		return state, nil
	}
	for key, size := range now.sizes {
		if before, known := first.sizes[key]; known && size-before > growsBytes {
			state.grows = true
			state.text = fmt.Sprintf("%s never leaves and grew by %s in the last %s", key, unit.Figure(float64(size-before), "B"), since(first.at, now.at))
		}
	}
	return state, nil
}

func since(from, to time.Time) string {
	return unit.Figure(max(1, to.Sub(from).Round(time.Second).Seconds()), "s")
}

// usedKeys are the keys of the newest requests, each once, the newest first.
func usedKeys(requests []unit.WireRequest) []string {
	var keys []string
	seen := map[string]bool{}
	for _, r := range slices.Backward(requests) {
		for _, e := range r.Commands {
			for _, key := range keysOf(e) {
				if key != "" && !seen[key] && len(keys) < watchedKeys {
					seen[key] = true
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// keysOf are the keys that a command names: all those of a script, else the first.
func keysOf(e trace.Event) []string {
	switch e.Name {
	case "EVAL", "EVALSHA", "FCALL":
		if len(e.Args) < 2 {
			return nil
		}
		n, err := strconv.Atoi(e.Args[1])
		if err != nil || n < 0 {
			return nil
		}
		return e.Args[2:min(2+n, len(e.Args))]
	}
	return []string{e.Key()}
}

// withoutEnd are those of the keys that exist and have no end.
func withoutEnd(ctx context.Context, rdb *redis.Client, keys []string) ([]string, error) {
	ends := make([]*redis.DurationCmd, len(keys))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			ends[i] = p.PTTL(ctx, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for i, end := range ends {
		if end.Val() == -1 { // go-redis hands -1 and -2 on as they are
			out = append(out, keys[i])
		}
	}
	return out, nil
}

// sizes are the bytes that keys take.
func sizes(ctx context.Context, rdb *redis.Client, keys []string) (map[string]int64, error) {
	out := map[string]int64{}
	replies := make([]*redis.IntCmd, len(keys))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			replies[i] = p.MemoryUsage(ctx, key, 0)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) { // one may have gone meanwhile
		return nil, err
	}
	for i, reply := range replies {
		if reply.Err() == nil {
			out[keys[i]] = reply.Val()
		}
	}
	return out, nil
}
