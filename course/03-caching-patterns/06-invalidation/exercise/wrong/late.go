//go:build ignore

// Package exercise is a cache whose entries are forgotten by what they are made of.
package exercise

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Client is what you work with. *redis.Client is one. While Watch runs your
// function, use its tx alone.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Load asks the database for what Fetch was called for.
type Load func(ctx context.Context) (string, error)

// Cache is the same in all processes.
type Cache struct {
	Redis  Client
	Prefix string        // all keys begin with it; it ends in a colon
	TTL    time.Duration // how long an entry is kept
	Slow   time.Duration // no load takes longer than this
}

// Fetch returns the entry of this name: from Redis, or from the database by load. It
// bears these tags, one at least, which are the same each time. Names and tags may be
// any text: "nut", "nut:shell", "*".
//
// What load returned is kept for TTL: any text, the empty one too. An error of load is
// returned and kept nowhere. Fetch does not wait for another Fetch.
//
// A Fetch that Redis can answer costs 2 round trips at most, any other 6 at most.
func (c Cache) Fetch(ctx context.Context, name string, tags []string, load Load) (string, error) {
	keys := []string{c.Prefix + "v:" + name}
	for _, tag := range tags {
		keys = append(keys, c.version(tag))
	}
	found, err := c.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		return "", err
	}
	versions := fmt.Sprintf("%q ", found[1:])
	if kept, ok := found[0].(string); ok {
		if text, ok := strings.CutPrefix(kept, versions); ok {
			return text, nil
		}
	}
	text, err := load(ctx)
	if err != nil {
		return "", err
	}
	if found, err = c.Redis.MGet(ctx, keys...).Result(); err != nil {
		return "", err
	}
	versions = fmt.Sprintf("%q ", found[1:])
	return text, c.Redis.Set(ctx, keys[0], versions+text, c.TTL).Err()
}

func (c Cache) version(tag string) string { return c.Prefix + "t:" + tag }

// Invalidate is called after something has changed in the database. When it has returned
// nil, no later Fetch of an entry that bears the tag returns what a load read before:
// also not if that load is still under way and ends later, and whichever process has
// died at whatever moment. The caller of that load may get what it loaded. Entries
// that do not bear the tag stay.
//
// If it returns an error, or its process dies, old entries may still be there, and it
// can be called again, by any process.
//
// Invalidate costs 4 round trips at most for 300 entries, however many others lie in
// Redis: it walks over no keys (KEYS, SCAN).
//
// None of your keys is ever without an end, also if a process dies between two
// commands. And none of them lists, for longer than TTL and Slow together, what is not
// there any more: a tag may be in use for ever, and its entries come and go.
func (c Cache) Invalidate(ctx context.Context, tag string) error {
	// Random, so that none comes back; and it outlives all entries that have another one.
	return c.Redis.Set(ctx, c.version(tag), rand.Text(), c.TTL+c.Slow).Err()
}
