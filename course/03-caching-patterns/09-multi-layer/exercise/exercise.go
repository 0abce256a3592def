//go:build !solution

// Package exercise is a memory in front of a cache in Redis: one lane of a toll plaza.
package exercise

import (
	"context"
	"errors"
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

// Cache is one lane. It is safe for concurrent use. Put into it what you need.
type Cache struct{}

// New returns a lane. It connects to nothing.
func New(rdb *redis.Client, shared *Shared, o Options) *Cache {
	return &Cache{}
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
	return "", cache.Origin, ErrNotImplemented
}

// Invalidate is called after a toll has changed at the office. When it returns nil, no
// later Fetch here returns an older value, whether Run runs or not; and none at a lane
// whose Run hears, as soon as it has been told: also none of a Fetch that was under way,
// but for its own answer. Other keys stay where they are.
func (c *Cache) Invalidate(ctx context.Context, key string) error {
	return ErrNotImplemented
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
	return ErrNotImplemented
}
