package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/internal/keys"
	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/internal/track"
)

// The decisions that a caller can make. All are matched with errors.Is.
var (
	// ErrNotFound: there is no such value. A loader returns it, or an error that
	// wraps it, and it is remembered for Options.NegativeTTL.
	ErrNotFound = errors.New("not found")

	// ErrOverloaded: Redis does not answer, and Options.OriginLimit loads are under
	// way. Nothing was loaded; try later, or do without.
	ErrOverloaded = errors.New("the origin is busy while Redis does not answer")

	// ErrNotTold: the function given to Write has run, and Redis could not be told
	// of its end. Call Invalidate until it succeeds; until then readers may get an
	// older value if the write took longer than its lease.
	ErrNotTold = errors.New("the write has run and the cache was not told")
)

// PanicError is what all who wait for a load get when its loader panics, or the
// TagFunc or codec that its value meets.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where
}

// Error tells the value. The stack is for logs.
func (e *PanicError) Error() string { return fmt.Sprintf("panicked: %v", e.Value) }

// Cache holds values of type V by keys of type K: in this process if
// Options.Local says so, and in Redis for all processes. Most callers use Fetch
// and Invalidate. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	options Options[K, V]
	client  redis.UniversalClient
	space   keys.Space
	remote  remote
	local   *local[K, V]
	flights flights[V]
	origin  bulkhead
	stats   counters
	tracker atomic.Pointer[track.Tracker] // while Run is at work
}

// New returns a cache over a client, which it neither dials nor closes. Bad
// options are an error that names the field.
//
// A client of kit/connect serves best: with one whose ContextTimeoutEnabled is
// false each step that goes alone costs a goroutine, which a hit by a single caller
// pays for with a third of its speed, since such a client does not heed deadlines.
func New[K comparable, V any](client redis.UniversalClient, o Options[K, V]) (*Cache[K, V], error) {
	if client == nil {
		return nil, errors.New("cache: the client must not be nil")
	}
	var over conn = client
	if !heedsDeadlines(client) {
		over = impatient{client}
	}
	c, err := newCache(over, o)
	if err != nil {
		return nil, err
	}
	c.client = client
	return c, nil
}

// newCache is New over whatever takes commands.
func newCache[K comparable, V any](over conn, o Options[K, V]) (*Cache[K, V], error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	space, err := keys.New(o.Name, DefaultName)
	if err != nil {
		return nil, fmt.Errorf("cache: Options.Name: %w", err)
	}
	l, err := newLocal[K, V](o.Local)
	if err != nil {
		return nil, err
	}
	c := &Cache[K, V]{options: o, space: space, local: l, origin: newBulkhead(o.OriginLimit)}
	c.remote = remote{
		conn:    over,
		pipe:    pipe.New(over, pipe.Options{}),
		timeout: o.RedisTimeout,
		lease:   o.LeaseTTL,
		lag:     o.ReplicaLag,
	}
	c.remote.breaker.start = time.Now()
	c.remote.window.start = c.remote.breaker.start
	c.remote.breaker.logger = o.Logger.With(slog.String("cache", space.Prefix()))
	return c, nil
}

// Source says where a value came from.
type Source uint8

// The sources.
const (
	Origin Source = iota // the loader was called, by this call or by one that it joined
	Redis                // Redis had it, or got it from another process meanwhile
	Memory               // Options.Local had it
)

// String is the source in small letters.
func (s Source) String() string {
	return [...]string{"origin", "redis", "memory"}[s]
}

// Result is a value with what is known of it.
type Result[V any] struct {
	Value  V
	Source Source

	// Stale says that the value is past its TTL: it is answered with while a newer
	// one is loaded, or because loading one failed.
	Stale bool

	// Age is how long ago the value's load began. Zero for one that is not stored.
	Age time.Duration

	// Fresh is for how long the value is fresh from now on; negative when it is
	// stale. Zero for one that is not stored.
	Fresh time.Duration
}

// Fetch returns the value of a key: from memory, from Redis, or from the origin
// by load.
//
// One load runs at a time, in all processes together; whoever else wants the
// key waits for it, at most Options.Wait. The load has a context of its own, with
// the values of this one and Options.LoadTimeout: when this context ends the
// call returns its error, and the load goes on for the others.
//
// When load returns ErrNotFound, so does Fetch, for Options.NegativeTTL without
// asking again. Any other error of load is returned and not stored, unless a
// stale value is at hand (Options.StaleIfError). When Redis does not answer, load
// is called, and its value not stored; see ErrOverloaded. An error of Redis is
// never taken for a miss that may be stored.
//
// Redis: a hit in memory none, a hit in Redis 1 round trip, GET; a load 3, with
// acquire.lua and store.lua, and 1 more for each tag; while another process
// loads, acquire.lua each 5 to 50 ms. The first hit and one each minute cost 1
// more, TIME. Keys <name>:{<key>}:v and :l.
func (c *Cache[K, V]) Fetch(ctx context.Context, key K, load func(ctx context.Context, key K) (V, error)) (V, error) {
	if l := c.local.get(key); l != nil {
		return l.value, l.err
	}
	a := c.ask(ctx, key)
	if a.age == fresh {
		return a.found.value, c.hit(a.name, &a.found)
	}
	r, err := c.settle(ctx, key, a, func(ctx context.Context, _ *Entry) (V, error) { return load(ctx, key) })
	return r.Value, err
}

// FetchWith is Fetch for loaders that give the entry tags or a TTL of its own,
// and for callers who want to know where a value came from.
//
// Redis: as Fetch.
func (c *Cache[K, V]) FetchWith(ctx context.Context, key K, load func(ctx context.Context, e *Entry) (V, error)) (Result[V], error) {
	if l := c.local.get(key); l != nil {
		return resultAt(l.value, l.header, Memory, c.remote.clock.ms()), l.err
	}
	a := c.ask(ctx, key)
	if a.age == fresh {
		return resultAt(a.found.value, a.found.header, Redis, a.now), c.hit(a.name, &a.found)
	}
	return c.settle(ctx, key, a, load)
}

// asked is what a read knows when it has asked Redis.
type asked[V any] struct {
	name  name
	found found[V]
	down  error // why Redis did not answer
	now   int64 // the time there
	age   freshness
}

// ask reads what Redis has for a key, and the time if that is not known. What
// is fresh goes to memory.
func (c *Cache[K, V]) ask(ctx context.Context, key K) (a asked[V]) {
	a.name = c.nameOf(key)
	epoch := c.local.epoch(a.name)
	data, err := c.remote.get(ctx, a.name)
	if err != nil || data == nil {
		a.down = err
		return a
	}
	if a.now, err = c.remote.now(ctx); err != nil {
		a.down = err
		return a
	}
	a.found = c.decode(a.name, data)
	a.age = c.ageOf(&a.found, a.now)
	if a.age == fresh || a.age == early {
		c.local.fill(key, a.name, &a.found, epoch, a.found.header.left(a.now))
	}
	return a
}

// settle ends a read that found nothing fresh, or something that is due to be
// loaded anew.
func (c *Cache[K, V]) settle(ctx context.Context, key K, a asked[V], load loader[V]) (Result[V], error) {
	switch a.age {
	case revalidate, early:
		if a.age == revalidate {
			c.stats.staleHits.Add(1)
		}
		c.refresh(ctx, key, a.name, a.found.id(), load)
		return resultAt(a.found.value, a.found.header, Redis, a.now), c.hit(a.name, &a.found)
	}
	if a.down != nil {
		if ctx.Err() != nil {
			return Result[V]{}, fmt.Errorf("cache: fetch %q: %w", a.name.text, ctx.Err())
		}
		c.failed(a.down)
	}
	c.stats.misses.Add(1)
	r, err := c.share(ctx, a.name, func(ctx context.Context) outcome[V] {
		switch {
		case a.down != nil:
			return c.offline(ctx, a.name, load, a.down)
		case a.found.newer:
			return c.unstored(ctx, a.name, load)
		}
		return c.lead(ctx, key, a.name, a.found.id(), load, false)
	})
	if err != nil && a.age == lastResort && ctx.Err() == nil && !errors.Is(err, ErrNotFound) {
		c.stats.staleOnError.Add(1)
		return resultAt(a.found.value, a.found.header, Redis, c.remote.clock.ms()), nil
	}
	return r, err
}

// Peek returns the value that Redis holds for a key, stale or not, and false
// where there is none, or only the note that there is none. It never loads and
// looks at nothing else.
//
// Redis: 1 round trip, GET; key <name>:{<key>}:v.
func (c *Cache[K, V]) Peek(ctx context.Context, key K) (value V, ok bool, err error) {
	n := c.nameOf(key)
	data, err := c.remote.get(ctx, n)
	if err != nil || data == nil {
		if err != nil {
			err = fmt.Errorf("cache: peek %q: %w", n.text, err)
		}
		return value, false, err
	}
	head, payload, ok := parseHeader(data)
	if !ok || head.negative {
		return value, false, nil
	}
	value, err = codec.Take(c.options.Codec, n.value, payload)
	if err != nil {
		return value, false, fmt.Errorf("cache: peek %q: %w", n.text, err)
	}
	return value, true, nil
}

// Invalidate removes values, so that the next reader loads. A load that is
// under way cannot store what it read before, in whatever process it runs. Call
// it after the origin has changed: after the commit.
//
// When it returns nil, no later call of this process returns an older value,
// and none of another process beyond what Options.Local says there. On an error
// the values may be gone or not, and it is safe to repeat. In this process they
// are gone from memory in any case.
//
// Redis: 1 round trip, invalidate.lua for each key, in a cluster 1 to each node;
// keys <name>:{<key>}:v and :l.
func (c *Cache[K, V]) Invalidate(ctx context.Context, ids ...K) error {
	if len(ids) == 0 {
		return nil
	}
	names := make([]name, len(ids))
	for i, key := range ids {
		names[i] = c.nameOf(key)
	}
	if err := c.invalidate(ctx, names); err != nil {
		return fmt.Errorf("cache: invalidate %d keys, %q first: %w", len(names), names[0].text, err)
	}
	return nil
}

// invalidate is Invalidate by names. What is here goes last: a reader that asked
// Redis before the value was removed would bring it back.
func (c *Cache[K, V]) invalidate(ctx context.Context, names []name) error {
	err := c.remote.invalidate(ctx, names...)
	c.local.drop(names...)
	c.flights.forget(names...)
	if err == nil {
		c.stats.invalidations.Add(int64(len(names)))
	}
	return err
}

// nameOf makes the keys of an entry. It is in the way of each hit, so numbers, which
// need no escapes, are written right where they are to stand.
func (c *Cache[K, V]) nameOf(key K) name {
	if c.options.numbers {
		var digits [20]byte
		switch key := any(key).(type) {
		case int:
			return numberedName(c.space, strconv.AppendInt(digits[:0], int64(key), 10))
		case int64:
			return numberedName(c.space, strconv.AppendInt(digits[:0], key, 10))
		}
	}
	return nameOf(c.space, c.options.KeyFunc(key))
}
