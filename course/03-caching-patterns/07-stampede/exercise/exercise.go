//go:build !solution

// Package exercise is a cache that loads once, however many ask.
package exercise

import (
	"context"
	"errors"
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
type Cache struct{}

// New returns the cache of one process.
func New(rdb redis.UniversalClient, o Options) *Cache {
	return &Cache{}
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
	return "", ErrNotImplemented
}
