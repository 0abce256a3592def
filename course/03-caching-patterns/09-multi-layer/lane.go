package plaza

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// shared is what all lanes share: kit/cache without a memory of its own, as 3.01 and
// 3.07 built it.
type shared = cache.Cache[string, string]

// loader asks the office's database for the toll of one tariff.
type loader = func(ctx context.Context, key string) (string, error)

// lane is one process of the plaza.
type lane interface {
	toll(ctx context.Context, key string, load loader) (string, cache.Source, error)
	size() int // values in memory
}

// direct is a lane without a memory.
type direct struct{ tariffs *shared }

func (c *direct) toll(ctx context.Context, key string, load loader) (string, cache.Source, error) {
	got, err := c.tariffs.FetchWith(ctx, key, func(ctx context.Context, _ *cache.Entry) (string, error) { return load(ctx, key) })
	return got.Value, got.Source, err
}

func (c *direct) size() int { return 0 }

// naive is a lane with a map.
type naive struct {
	direct
	mu     sync.RWMutex
	memory map[string]string
}

// region: naive

// toll asks the map, and what was there before where the map has nothing.
func (c *naive) toll(ctx context.Context, key string, load loader) (string, cache.Source, error) {
	c.mu.RLock()
	text, ok := c.memory[key]
	c.mu.RUnlock()
	if ok {
		return text, cache.Memory, nil
	}
	text, from, err := c.direct.toll(ctx, key, load)
	if err == nil {
		c.mu.Lock()
		c.memory[key] = text
		c.mu.Unlock()
	}
	return text, from, err
}

// endregion

func (c *naive) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.memory)
}

// layered is a lane with a bounded memory.
type layered struct {
	tariffs *shared
	memory  *memory
}

// region: layered

func (c *layered) toll(ctx context.Context, key string, load loader) (string, cache.Source, error) {
	if text, ok := c.memory.get(key); ok {
		return text, cache.Memory, nil
	}
	asked := c.memory.begin(key) // before Redis is asked
	got, err := c.tariffs.FetchWith(ctx, key, func(ctx context.Context, _ *cache.Entry) (string, error) { return load(ctx, key) })
	if err == nil {
		c.memory.keep(key, got.Value, got.Fresh, asked)
	}
	return got.Value, got.Source, err
}

// endregion

func (c *layered) size() int { return c.memory.size() }

// local is a lane with the toolkit's memory.
type local struct {
	direct
	room int
}

// size gives the eviction, which works in the background, a moment.
func (c *local) size() int {
	for end := time.Now().Add(time.Second); c.tariffs.Stats().LocalEntries > c.room && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return c.tariffs.Stats().LocalEntries
}

// patient waits for Redis on a machine that has other things to do: nothing fails here,
// and a slow answer is no outage. Ends are exact, so that they can be looked at.
func patient(name string, ttl time.Duration) cache.Options[string, string] {
	return cache.Options[string, string]{
		Name: name, TTL: ttl, Jitter: -1, EarlyRefresh: -1,
		RedisTimeout: 10 * time.Second, LeaseTTL: 30 * time.Second, OriginLimit: -1,
	}
}

// region: kit

// openLocal opens a cache with both layers. While its Run works it hears of every change.
func openLocal(rdb *redis.Client, name string, ttl time.Duration, most int, life time.Duration) (*shared, error) {
	o := patient(name, ttl)
	o.Local = cache.Local{Entries: most, TTL: life}
	return cache.New(rdb, o)
}

// endregion

// way is one way to build a lane.
type way struct {
	name, label string
	open        func(rdb *redis.Client, name string, ttl time.Duration, most int, life time.Duration) (lane, error)
}

// The ways that parts of the run compare.
var (
	noMemory = way{"none", "no memory", func(rdb *redis.Client, name string, ttl time.Duration, _ int, _ time.Duration) (lane, error) {
		tariffs, err := cache.New(rdb, patient(name, ttl))
		return &direct{tariffs}, err
	}}
	aMap = way{"map", "a map", func(rdb *redis.Client, name string, ttl time.Duration, _ int, _ time.Duration) (lane, error) {
		tariffs, err := cache.New(rdb, patient(name, ttl))
		return &naive{direct: direct{tariffs}, memory: map[string]string{}}, err
	}}
	lru     = bounded("lru", "bounded, LRU", false)
	twice   = bounded("twice", "bounded, kept at the second reading", true)
	library = way{"kit", "kit/cache with Local", func(rdb *redis.Client, name string, ttl time.Duration, most int, life time.Duration) (lane, error) {
		tariffs, err := openLocal(rdb, name, ttl, most, life)
		return &local{direct{tariffs}, most}, err
	}}
)

func bounded(name, label string, atSecond bool) way {
	return way{name, label, func(rdb *redis.Client, name string, ttl time.Duration, most int, life time.Duration) (lane, error) {
		tariffs, err := cache.New(rdb, patient(name, ttl))
		return &layered{tariffs, newMemory(most, life, atSecond)}, err
	}}
}
