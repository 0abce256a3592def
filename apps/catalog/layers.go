package catalog

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// Layers are switches, which a person may flip while the application runs.
// Changes invalidate in any case: other instances have caches too.
type Layers struct {
	Memory    atomic.Bool // what is kept in this process; it needs Redis, which feeds it
	Redis     atomic.Bool // products and lists in Redis; without it their reads ask the store
	Lists     atomic.Bool // whether lists are among them
	Responses atomic.Bool // whole answers, before the others
}

// All switches all layers.
func (l *Layers) All(on bool) {
	for _, layer := range l.named() {
		layer.Store(on)
	}
}

// named are all of them, as the page names them.
func (l *Layers) named() map[string]*atomic.Bool {
	return map[string]*atomic.Bool{"memory": &l.Memory, "redis": &l.Redis, "lists": &l.Lists, "responses": &l.Responses}
}

// Answer is a value and where it came from.
type Answer[V any] struct {
	Value V
	From  cache.Source
	// Memory and Redis say which layers were asked.
	Memory, Redis bool
	Stale         bool          // past its time, and the store does not answer or is being asked
	Age           time.Duration // since it was read from the store; 0 for now
	Fresh         time.Duration // how long it may be answered from now on; 0 if it was not kept
}

// and is an answer that was made of this one and another: as old as the older, fresh
// for as long as both, from as near to the store.
func (a Answer[V]) and(b Answer[V]) Answer[V] {
	a.From, a.Age, a.Stale = min(a.From, b.From), max(a.Age, b.Age), a.Stale || b.Stale
	if a.Fresh == 0 || b.Fresh != 0 && b.Fresh < a.Fresh {
		a.Fresh = b.Fresh
	}
	return a
}

// layered is a cache whose layers can be switched off. Both caches work on the
// same keys of Redis, and invalidation goes to the one with a memory.
type layered[K comparable, V any] struct {
	full    *cache.Cache[K, V] // memory and Redis
	shallow *cache.Cache[K, V] // Redis alone
	layers  *Layers
}

func newLayered[K comparable, V any](client redis.UniversalClient, layers *Layers, o cache.Options[K, V]) (*layered[K, V], error) {
	o.StaleWhileRevalidate, o.StaleIfError, o.LoadTimeout, o.OriginLimit = staleTTL, lastResort, loadTimeout, originLimit
	o.Local.TTL = memoryTTL
	full, err := cache.New(client, o)
	if err != nil {
		return nil, err
	}
	o.Local = cache.Local{}
	shallow, err := cache.New(client, o)
	if err != nil {
		return nil, err
	}
	return &layered[K, V]{full, shallow, layers}, nil
}

// fetch reads through the layers that are on. If the caches are not to be
// trusted, it asks the store.
func (l *layered[K, V]) fetch(ctx context.Context, key K, trust bool, load func(context.Context, K) (V, error)) (Answer[V], error) {
	if !trust || !l.layers.Redis.Load() {
		ctx, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		v, err := load(ctx, key)
		return Answer[V]{Value: v, From: cache.Origin}, err
	}
	through, memory := l.full, l.layers.Memory.Load() && !isForAll(ctx)
	if !memory {
		through = l.shallow
	}
	r, err := through.FetchWith(ctx, key, func(ctx context.Context, _ *cache.Entry) (V, error) { return load(ctx, key) })
	return Answer[V]{
		Value: r.Value, From: r.Source, Memory: memory, Redis: r.Source != cache.Memory,
		Stale: r.Stale, Age: r.Age, Fresh: r.Fresh,
	}, err
}

// Layers are the switches of this catalog.
func (c *Catalog) Layers() *Layers { return &c.layers }

// counts are how reads were answered since the start.
type counts struct {
	bySource [3]atomic.Int64 // of the answers, by cache.Source
	ready    atomic.Int64    // of these, by responses that stood ready
	failed   atomic.Int64    // refused; that there is no such product is an answer
	asked    atomic.Int64    // calls of the store
}

// note counts an answer.
func (c *counts) note(from cache.Source, err error) {
	if err != nil && !errors.Is(err, ErrNoProduct) {
		c.failed.Add(1)
		return
	}
	c.bySource[from].Add(1)
}

// readReady counts a read that was answered with a response that stood ready, of a
// product if id says so.
func (c *Catalog) readReady(id int, from cache.Source) {
	if id > 0 {
		c.hot.seen(id)
	}
	c.counts.bySource[from].Add(1)
	c.counts.ready.Add(1)
}

// Counts are how an instance answered reads since it started.
type Counts struct {
	Memory int64 `json:"memory"`
	Redis  int64 `json:"redis"` // also by what another reader loaded meanwhile
	Store  int64 `json:"store"` // all who waited for a load of this process count
	Ready  int64 `json:"ready"` // of memory and Redis: whole responses
	Failed int64 `json:"failed"`
	Asked  int64 `json:"asked"`  // calls of the store for that
	Outage bool  `json:"outage"` // Redis does not answer and is not asked
	Pushed bool  `json:"pushed"` // memory hears of every change at once
	Untold int64 `json:"untold"` // changes of which the caches could not be told yet
}

// Counts returns what was counted so far.
func (c *Catalog) Counts() Counts {
	full, shallow := c.products.full.Stats(), c.products.shallow.Stats()
	return Counts{
		Memory: c.counts.bySource[cache.Memory].Load(),
		Redis:  c.counts.bySource[cache.Redis].Load(),
		Store:  c.counts.bySource[cache.Origin].Load(),
		Ready:  c.counts.ready.Load(),
		Failed: c.counts.failed.Load(),
		Asked:  c.counts.asked.Load(),
		Outage: full.Outage || shallow.Outage,
		Pushed: full.Pushed,
		Untold: c.untold.count.Load(),
	}
}
