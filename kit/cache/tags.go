package cache

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/script"
)

var (
	//go:embed tag.lua
	tagSource string
	//go:embed stamp.lua
	stampSource string
	//go:embed untag.lua
	untagSource string

	tagScript   = script.Must(tagSource, script.Idempotent())
	stampScript = script.Must(stampSource, script.Idempotent())
	untagScript = script.Must(untagSource, script.Idempotent())
)

// A tag has an index, a sorted set of the keys that bear it, each until its
// value is surely gone; and for a while after InvalidateTag a stamp, the time of
// that call. Who stores a value first enters its key into the index and is told
// the stamp in the same script. If it is from after the beginning of the load,
// the value is refused; if InvalidateTag comes later, it finds the key in the
// index and kills value and lease. There is no third case.
const (
	tagEntity = "tag:"
	partIndex = "i"
	partStamp = "s"
	walkBatch = 500 // keys of a tag that are invalidated in one round trip
)

func (c *Cache[K, V]) tagKeys(tag string) (index, stamp string) {
	return c.space.Key(tagEntity+tag, partIndex), c.space.Key(tagEntity+tag, partStamp)
}

// stampTTL is how long a stamp is kept: it matters to loads that began before
// it. Loads that took half as long are refused, for they might have missed one.
func (c *Cache[K, V]) stampTTL() time.Duration { return 4*c.options.LoadTimeout + time.Minute }

// indexSlack is how long a key stays in the index after its value is surely
// gone: between reckoning the value's time to live and storing it there can be
// no more than the lease allows.
func (c *Cache[K, V]) indexSlack() time.Duration {
	return 2*c.options.LeaseTTL + c.options.RedisTimeout
}

// tagsOf returns the tags of what was loaded, each once.
func (c *Cache[K, V]) tagsOf(key K, l loaded[V]) []string {
	tags := l.entry.tags
	if c.options.TagFunc != nil && !l.negative {
		tags = append(tags, c.options.TagFunc(key, l.value)...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// tagging is what is to be entered into the indexes of tags.
type tagging struct {
	n     name
	tags  []string
	began time.Time     // of the load
	ttl   time.Duration // of the value
}

// enter puts keys into the indexes of their tags. It reports false when one of
// the tags was invalidated since the load began: then nothing may be stored.
func (c *Cache[K, V]) enter(ctx context.Context, entries ...tagging) (stands bool, err error) {
	type question struct {
		began  time.Time
		answer *script.Result
	}
	var asked []question
	if !slices.ContainsFunc(entries, func(t tagging) bool { return len(t.tags) > 0 }) {
		return true, nil
	}
	err = c.remote.batch(ctx, func(ctx context.Context, b *script.Batch) {
		for _, t := range entries {
			for _, tag := range t.tags {
				index, stamp := c.tagKeys(tag)
				answer := tagScript.Queue(ctx, b, []string{index, stamp}, t.n.text, script.Millis(t.ttl+c.indexSlack()))
				asked = append(asked, question{t.began, answer})
			}
		}
	})
	if err != nil {
		return false, err
	}
	for _, q := range asked {
		var now, stamp int64
		if _, err := q.answer.Scan(&now, &stamp); err != nil {
			return false, err
		}
		// Measured after the answer, so a pause anywhere makes this longer, never
		// shorter, and the two clocks need not agree.
		since := time.Since(q.began)
		if since > c.stampTTL()/2 || stamp >= now-since.Microseconds() {
			return false, nil
		}
	}
	return true, nil
}

// InvalidateTag invalidates all keys that bear one of these tags, as Invalidate
// does: after it, no value is answered with that was loaded before it, not even
// one whose load is under way now.
//
// On an error some of the keys are invalidated, and it is safe to repeat.
//
// Redis: for each tag 1 round trip, stamp.lua, and 3 for each 500 keys that bear
// it: ZSCAN, invalidate.lua, untag.lua. O(n log n) for n keys. Keys
// <name>:{tag:<tag>}:i and :s, and those of the values.
func (c *Cache[K, V]) InvalidateTag(ctx context.Context, tags ...string) error {
	for _, tag := range tags {
		if err := c.invalidateTag(ctx, tag); err != nil {
			return fmt.Errorf("cache: invalidate tag %q: %w", tag, err)
		}
	}
	return nil
}

func (c *Cache[K, V]) invalidateTag(ctx context.Context, tag string) error {
	index, stamp := c.tagKeys(tag)
	if err := stampScript.Run(ctx, c.remote.pipe, []string{stamp}, script.Millis(c.stampTTL())).Err(); err != nil {
		return err
	}
	for cursor := uint64(0); ; {
		members, next, err := c.scanIndex(ctx, index, cursor)
		if err != nil {
			return err
		}
		var names []name
		var pairs []any
		for i := 0; i+1 < len(members); i += 2 {
			names = append(names, nameOf(c.space, members[i]))
			pairs = append(pairs, members[i], members[i+1])
		}
		if len(names) > 0 {
			if err := c.invalidate(ctx, names); err != nil {
				return err
			}
			if err := untagScript.Run(ctx, c.remote.pipe, []string{index}, pairs...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// scanIndex reads some keys of a tag, each followed by its score.
func (c *Cache[K, V]) scanIndex(ctx context.Context, index string, cursor uint64) (members []string, next uint64, err error) {
	cmd := redis.NewScanCmd(ctx, nil, "zscan", index, cursor, "count", walkBatch)
	_, err = pipe.Do(ctx, c.remote.pipe, cmd, func(cmd *redis.ScanCmd) (any, error) {
		members, next, err = cmd.Result()
		return nil, err
	})
	return members, next, err
}

// Clear invalidates everything in this cache, in Redis and in this process; in
// other processes' memory it is gone as after Invalidate. It walks over all keys
// of the server, and of each master of a cluster, and is for operators and
// tests. Nothing of other names is touched.
//
// A load that was under way when Clear was called stores nothing. On an error
// part of the cache is gone, and it is safe to repeat.
//
// Redis: 1 round trip for each 1000 keys of the server, SCAN, and 1 for each of
// these with keys of the cache, invalidate.lua.
func (c *Cache[K, V]) Clear(ctx context.Context) error {
	defer c.local.reset()
	clear := func(ctx context.Context, node *redis.Client) error { return c.clearNode(ctx, node) }
	var err error
	switch client := c.client.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(ctx, clear)
	case *redis.Client:
		err = clear(ctx, client)
	case *redis.Ring:
		err = client.ForEachShard(ctx, clear)
	default:
		err = fmt.Errorf("clients of type %T cannot be walked", c.client)
	}
	if err != nil {
		return fmt.Errorf("cache: clear: %w", err)
	}
	return nil
}

// clearNode invalidates what one node has.
func (c *Cache[K, V]) clearNode(ctx context.Context, node *redis.Client) error {
	const count = 1000
	for cursor := uint64(0); ; {
		found, next, err := node.Scan(ctx, cursor, c.space.Prefix()+":{*", count).Result()
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		var names []name
		for _, key := range found {
			text, part, ok := c.space.Entity(key)
			if ok && (part == partValue || part == partLease) && !seen[text] {
				seen[text] = true
				names = append(names, nameOf(c.space, text))
			}
		}
		if len(names) > 0 {
			if err := c.invalidate(ctx, names); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
