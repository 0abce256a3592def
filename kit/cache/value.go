package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/internal/fault"
)

// found is what stands in Redis for a key.
type found[V any] struct {
	ok     bool // it is a value, or the note that there is none
	newer  bool // a newer version of the program wrote it: it must stay
	header header
	junk   string // of what cannot be read: what acquire.lua takes for its id
	value  V
	size   int // encoded
}

// id is what acquire.lua knows the entry by; empty for none.
func (f *found[V]) id() string {
	if f.header.fresh == 0 {
		return f.junk
	}
	return string(f.header.id[:])
}

// decode reads an entry. What cannot be read is counted, and is a miss. The value
// may be a part of data, which must be nobody else's.
func (c *Cache[K, V]) decode(n name, data []byte) found[V] {
	f := found[V]{size: len(data)}
	head, payload, ok := parseHeader(data)
	if !ok {
		f.junk = idOf(data)
		f.newer = len(data) > 0 && data[0] > format && data[0] < formats
		c.undecodable(n, f.newer, fmt.Errorf("no entry of format %d", format))
		return f
	}
	f.header = head
	if head.negative {
		f.ok = true
		return f
	}
	var err error
	if f.value, err = codec.Take(c.options.Codec, n.value, payload); err != nil {
		f.junk = idOf(data)
		f.newer = errors.Is(err, codec.ErrNewer)
		c.undecodable(n, f.newer, err)
		return f
	}
	f.ok = true
	return f
}

// undecodable counts an entry that cannot be read.
func (c *Cache[K, V]) undecodable(n name, newer bool, err error) {
	if newer {
		c.stats.newer.Add(1)
		return
	}
	c.stats.undecodable.Add(1)
	c.options.Logger.Warn("cache: an entry cannot be read and is loaded anew", "key", n.value, "error", err)
}

// encode makes the entry of what was loaded under a lease, and says how long it
// may stand in Redis. The entry is nil where none is to be stored.
func (c *Cache[K, V]) encode(n name, l lease, loaded loaded[V]) (entry []byte, ttl time.Duration) {
	freshFor := c.options.TTL
	if loaded.negative {
		freshFor = c.options.NegativeTTL
	}
	if loaded.entry.ttl > 0 {
		freshFor = loaded.entry.ttl
	}
	if loaded.entry.noStore || freshFor <= 0 {
		return nil, 0
	}
	freshFor = c.jittered(freshFor)
	created := l.grant.now - max(l.grant.at.Sub(loaded.began), 0).Milliseconds() // earlier by Entry.Since alone
	head := header{
		id:       entryID([]byte(l.token)),
		negative: loaded.negative,
		created:  created,
		fresh:    created + max(freshFor.Milliseconds(), 1),
		took:     loaded.took,
	}
	entry = head.append(make([]byte, 0, headerSize))
	if !loaded.negative {
		var err error
		entry, err = codec.Append(entry, c.options.Codec, n.value, loaded.value)
		if err != nil {
			c.stats.unencodable.Add(1)
			c.options.Logger.Error("cache: a value cannot be encoded and is not stored", "key", n.value, "error", err)
			return nil, 0
		}
		if c.options.MaxBytes > 0 && len(entry)-headerSize > c.options.MaxBytes {
			c.stats.oversized.Add(1)
			return nil, 0
		}
		whileRevalidate, ifError := c.staleFor(loaded.value)
		freshFor += max(whileRevalidate, ifError, 0)
	}
	return entry, freshFor
}

// jittered spreads a TTL.
func (c *Cache[K, V]) jittered(ttl time.Duration) time.Duration {
	return ttl + time.Duration(float64(ttl)*c.options.Jitter*(2*rand.Float64()-1))
}

// put stores an entry with its tags; it may stand for ttl since its lease was
// granted. It reports false when an invalidation came since the load began.
func (c *Cache[K, V]) put(ctx context.Context, n name, l lease, began time.Time, tags []string, ttl time.Duration, entry []byte) (bool, error) {
	if ttl -= time.Since(l.grant.at); ttl <= 0 {
		return c.remote.release(ctx, n, l.token) // it is over before it began
	}
	stands, err := c.enter(ctx, tagging{n, tags, began, ttl})
	if err != nil || !stands {
		_, _ = c.remote.release(ctx, n, l.token) // for the next load
		return false, err
	}
	return c.remote.store(ctx, n, l.token, ttl, entry)
}

// hit counts an answer from Redis, and returns the error that belongs to it.
func (c *Cache[K, V]) hit(n name, f *found[V]) error {
	if f.header.negative {
		c.stats.negativeHits.Add(1)
		return notFound(n, f.header)
	}
	c.stats.hits.Add(1)
	return nil
}

// notFound is the error of an entry that says that there is no value.
func notFound(n name, h header) error {
	if !h.negative {
		return nil
	}
	return fmt.Errorf("cache: fetch %q: %w, as a load said before", n.text, ErrNotFound)
}

// resultAt is a value with its times, at a time at Redis.
func resultAt[V any](value V, h header, source Source, now int64) Result[V] {
	left := h.left(now)
	return Result[V]{
		Value:  value,
		Source: source,
		Stale:  left <= 0,
		Age:    max(time.Duration(now-h.created)*time.Millisecond, 0),
		Fresh:  left,
	}
}

// failed counts an error of Redis that a reader does not see.
func (c *Cache[K, V]) failed(err error) {
	switch {
	case errors.Is(err, errOutage):
	case outOfMemory(err):
		c.stats.outOfMemory.Add(1)
	default:
		c.stats.redisErrors.Add(1)
		if fault.Classify(err) == fault.Bug {
			c.options.Logger.Error("cache: Redis refuses a step", "error", err)
		}
	}
}

// outOfMemory reports whether Redis refused a write because it is full.
func outOfMemory(err error) bool {
	return err != nil && fault.Classify(err) == fault.Shed && strings.Contains(err.Error(), "OOM ")
}
