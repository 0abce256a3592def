package incident1

import (
	"context"
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
	at   time.Time
	keys int64 // how many there are
	// most is the largest size so far of those that were used lately. A stream that
	// is trimmed now and then grows and shrinks, and ends as large as it was.
	most map[string]int64
}

// memoryState is how it stands.
type memoryState struct {
	endless int64
	grows   bool
	text    string // what grows
	whole   bool   // the looks span a window
}

// What counts as growing: keys without an end that came in a window, and elements
// by which one of them became larger than it ever was.
const (
	growsKeys     = 3
	growsElements = 15
	// watchedKeys bounds the keys whose end is asked for at a look.
	watchedKeys = 400
	// watchedSizes bounds those whose size is asked for; where there are more, keys
	// without an end come anyway.
	watchedSizes = 20
)

// look asks for the ends of the keys that the program used in the last window,
// and for the sizes of those that have none.
//
// Redis: 4 round trips, O(keys used lately).
func (m *memory) look(ctx context.Context, scene unit.Scene) (memoryState, error) {
	now := endlessLook{at: time.Now()}
	var err error
	if now.keys, err = keyspace(ctx, scene.Redis); err != nil {
		return memoryState{}, err
	}
	used := usedKeys(scene.Requests(now.at.Add(-window)))
	endless, err := withoutEnd(ctx, scene.Redis, used)
	if err != nil {
		return memoryState{}, err
	}
	if now.most, err = sizes(ctx, scene.Redis, endless[:min(watchedSizes, len(endless))]); err != nil {
		return memoryState{}, err
	}
	if n := len(m.looks); n > 0 {
		for key, size := range now.most {
			now.most[key] = max(size, m.looks[n-1].most[key])
		}
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
	for key, size := range now.most {
		if before, known := first.most[key]; known && size-before > growsElements {
			state.grows = true
			state.text = fmt.Sprintf("%s never leaves, and %d elements came to it in the last %s", key, size-before, since(first.at, now.at))
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

// sizes are how many elements keys have; of a string, a piece of 32 bytes is one.
func sizes(ctx context.Context, rdb *redis.Client, keys []string) (map[string]int64, error) {
	out := map[string]int64{}
	types := make([]*redis.StatusCmd, len(keys))
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			types[i] = p.Type(ctx, key)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	counts := map[string]*redis.IntCmd{}
	strs := map[string]bool{}
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			switch types[i].Val() {
			case "string":
				counts[key], strs[key] = p.StrLen(ctx, key), true
			case "list":
				counts[key] = p.LLen(ctx, key)
			case "hash":
				counts[key] = p.HLen(ctx, key)
			case "set":
				counts[key] = p.SCard(ctx, key)
			case "zset":
				counts[key] = p.ZCard(ctx, key)
			case "stream":
				counts[key] = p.XLen(ctx, key)
			}
		}
		return nil
	})
	if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") { // one may have changed meanwhile
		return nil, err
	}
	for key, n := range counts {
		out[key] = n.Val()
		if strs[key] {
			out[key] /= 32
		}
	}
	return out, nil
}
