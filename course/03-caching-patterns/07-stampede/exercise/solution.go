//go:build solution

// Package exercise is a cache that loads once, however many ask.
package exercise

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// ErrBusy says that the caller has waited for as long as it was told to.
var ErrBusy = errors.New("somebody is loading, for too long")

// Options are the same in all processes.
type Options struct {
	TTL   time.Duration // how long a value is kept
	Lease time.Duration // how long a load may take: see Fetch
	Wait  time.Duration // how long a Fetch waits for a load at most
}

// Load makes a value. It is slow.
type Load func(ctx context.Context) (string, error)

// Cache is one process's. It is safe for concurrent use. Put into it what you need.
type Cache struct {
	rdb     redis.UniversalClient
	options Options

	mu      sync.Mutex
	flights map[string]*flight
}

// flight is a load of this process, or its waiting for one elsewhere.
type flight struct {
	done  chan struct{} // closed when value and err are there
	value string
	err   error
}

// New returns the cache of one process.
func New(rdb redis.UniversalClient, o Options) *Cache {
	return &Cache{rdb: rdb, options: o, flights: map[string]*flight{}}
}

// Fetch returns the value at key, and has it made by load if there is none. All keys
// begin with key.
//
// One load of a key runs at a time, in all processes together; everybody else who wants
// the value waits for it. The load has a context of its own, with the values of the
// caller's: it ends after Options.Lease, and not when a caller leaves. A caller whose
// context ends gets its error at once, and one who has waited for Options.Wait gets
// ErrBusy, whoever is loading. The load goes on for the others.
//
// If the process that loads dies, another one loads, after Options.Lease at the
// latest. A process that comes back late must not end the lease of another.
//
// An error of load is returned to all in this process who waited for it (errors.Is finds
// it), and not kept: the next Fetch, here or in another process, loads at once.
//
// A Fetch that finds a value costs 1 round trip; one that loads, with nobody else there, 5
// at most. While it waits for another process, a process asks Redis at most 200
// times a second for a key, however many of its callers wait.
func (c *Cache) Fetch(ctx context.Context, key string, load Load) (string, error) {
	value, err := c.rdb.Get(ctx, key).Result()
	if !errors.Is(err, redis.Nil) {
		return value, err
	}
	f := c.join(ctx, key, load)
	patience := time.NewTimer(c.options.Wait)
	defer patience.Stop()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	case <-patience.C:
		return "", ErrBusy
	}
}

// join returns the flight that is under way, or begins one.
func (c *Cache) join(ctx context.Context, key string, load Load) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[key]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	c.flights[key] = f
	go func() {
		f.value, f.err = c.fly(context.WithoutCancel(ctx), key, load)
		c.mu.Lock()
		delete(c.flights, key)
		c.mu.Unlock()
		close(f.done)
	}()
	return f
}

// pause is between two looks for what another process loads.
const pause = 20 * time.Millisecond

// fly loads, or waits until another process has loaded.
func (c *Cache) fly(ctx context.Context, key string, load Load) (string, error) {
	token := rand.Text()
	for begun := time.Now(); time.Since(begun) < c.options.Wait; time.Sleep(pause) {
		mine, err := c.rdb.SetNX(ctx, key+":lease", token, c.options.Lease).Result()
		if err != nil {
			return "", err
		}
		if value, err := c.rdb.Get(ctx, key).Result(); !errors.Is(err, redis.Nil) {
			if mine {
				_ = release.Run(ctx, c.rdb, []string{key + ":lease"}, token).Err()
			}
			return value, err
		}
		if mine {
			return c.make(ctx, key, token, load)
		}
	}
	return "", ErrBusy
}

// make loads under a lease, keeps the value and gives the lease back.
func (c *Cache) make(ctx context.Context, key, token string, load Load) (string, error) {
	defer func() { _ = release.Run(ctx, c.rdb, []string{key + ":lease"}, token).Err() }()
	loading, cancel := context.WithTimeout(ctx, c.options.Lease)
	defer cancel()
	value, err := load(loading)
	if err != nil {
		return "", err
	}
	return value, c.rdb.Set(ctx, key, value, c.options.TTL).Err()
}

// release gives a lease back that still has this token.
var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`)
