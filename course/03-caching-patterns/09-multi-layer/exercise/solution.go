//go:build solution

// Package exercise is a memory in front of a cache in Redis: one lane of a toll plaza.
package exercise

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Shared is the second layer, which all lanes share: kit/cache without a memory of its
// own. Its FetchWith says of a value where it came from and how long it is still fresh.
type Shared = cache.Cache[string, string]

// Load asks the office for the toll of one key.
type Load func(ctx context.Context, key string) (string, error)

// Options are the same at all lanes.
type Options struct {
	Name    string           // of the cache in Redis: its values lie at <Name>:{<key>}:v
	Entries int              // how many values memory holds at most
	TTL     time.Duration    // how long a value is answered from memory at most
	Now     func() time.Time // the clock of memory
	OnReady func()           // see Run
}

// Cache is one lane. It is safe for concurrent use.
type Cache struct {
	rdb    *redis.Client
	shared *Shared
	o      Options

	mu     sync.Mutex
	heard  uint64                   // how many times something was to be forgotten
	values map[string]*list.Element // of *value
	order  *list.List               // the one that was read last is in front
	once   map[string]struct{}      // keys that were read once lately
}

// value is what memory holds.
type value struct {
	key, text string
	until     time.Time
}

// New returns a lane. It connects to nothing.
func New(rdb *redis.Client, shared *Shared, o Options) *Cache {
	return &Cache{rdb: rdb, shared: shared, o: o, values: map[string]*list.Element{}, order: list.New(), once: map[string]struct{}{}}
}

// Fetch returns the value of a key: from memory, from Redis, or from the office by load,
// which it hands to shared. The source says which. A key that was read twice lately is
// answered from memory from then on, with no command to Redis.
//
// Memory answers no longer than Options.TTL, and never longer than the value is fresh in
// Redis. What Redis does not hold, memory does not hold. Reading makes nothing live longer.
// Errors are returned (errors.Is finds them) and kept nowhere.
//
// Memory holds Options.Entries values at most, whatever is read. Values that are read
// often stay when very many others are read once.
//
// No Fetch waits for another one of another key.
func (c *Cache) Fetch(ctx context.Context, key string, load Load) (string, cache.Source, error) {
	if text, ok := c.get(key); ok {
		return text, cache.Memory, nil
	}
	began, heard := c.begin()
	got, err := c.shared.FetchWith(ctx, key, func(ctx context.Context, _ *cache.Entry) (string, error) { return load(ctx, key) })
	if err != nil {
		return "", got.Source, err
	}
	c.keep(key, got.Value, began.Add(min(c.o.TTL, got.Fresh)), heard)
	return got.Value, got.Source, nil
}

// Invalidate is called after a toll has changed at the office. When it returns nil, no
// later Fetch here returns an older value, whether Run runs or not; and none at a lane
// whose Run hears, as soon as it has been told: also none of a Fetch that was under way,
// but for its own answer. Other keys stay where they are.
func (c *Cache) Invalidate(ctx context.Context, key string) error {
	if err := c.shared.Invalidate(ctx, key); err != nil {
		return err
	}
	c.forget(key)
	return c.rdb.Publish(ctx, c.channel(), key).Err()
}

// Run hears what other lanes invalidate, until ctx ends; then it returns nil. Whether
// they tell by Pub/Sub or Redis tells by CLIENT TRACKING is yours to choose; names of
// channels begin with Options.Name.
//
// It calls Options.OnReady each time from which on it hears everything: at first, and when
// it has lost its connection and got another one. What was said before that, it has
// missed: then no value that was read before it is answered any more. Run does not give
// up while Redis is away.
func (c *Cache) Run(ctx context.Context) error {
	sub := c.rdb.Subscribe(ctx, c.channel())
	defer sub.Close()
	for messages := sub.ChannelWithSubscriptions(); ; {
		select {
		case <-ctx.Done():
			return nil
		case message := <-messages:
			switch message := message.(type) {
			case *redis.Subscription: // also after each break: it subscribes again by itself
				c.forgetAll()
				c.o.OnReady()
			case *redis.Message:
				c.forget(message.Payload)
			}
		}
	}
}

// channel is where lanes tell each other what to forget.
func (c *Cache) channel() string { return c.o.Name + ":forget" }

// get returns what memory may still answer with.
func (c *Cache) get(key string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.values[key]
	if !ok {
		return "", false
	}
	v := at.Value.(*value)
	if !c.o.Now().Before(v.until) {
		c.remove(at)
		return "", false
	}
	c.order.MoveToFront(at)
	return v.text, true
}

// begin is to be called before Redis is asked for what will be kept.
func (c *Cache) begin() (time.Time, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.Now(), c.heard
}

// keep keeps a value, unless something was to be forgotten since the read began: it might
// have been this one.
func (c *Cache) keep(key, text string, until time.Time, heard uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if heard != c.heard || !c.o.Now().Before(until) || !c.wanted(key) {
		return
	}
	if at, ok := c.values[key]; ok {
		c.remove(at)
	}
	c.values[key] = c.order.PushFront(&value{key, text, until})
	if len(c.values) > c.o.Entries {
		c.remove(c.order.Back())
	}
}

// wanted says whether a key may take another's place: at its second reading.
func (c *Cache) wanted(key string) bool {
	if _, again := c.once[key]; again {
		delete(c.once, key)
		return true
	}
	if len(c.once) >= 4*c.o.Entries {
		clear(c.once)
	}
	c.once[key] = struct{}{}
	return false
}

// forget drops a key, and what is on its way.
func (c *Cache) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	if at, ok := c.values[key]; ok {
		c.remove(at)
	}
}

// forgetAll drops everything, and what is on its way.
func (c *Cache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	clear(c.values)
	c.order.Init()
}

func (c *Cache) remove(at *list.Element) {
	delete(c.values, at.Value.(*value).key)
	c.order.Remove(at)
}
