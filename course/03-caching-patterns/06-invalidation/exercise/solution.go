//go:build solution

// Package exercise is a cache whose entries are forgotten by what they are made of.
package exercise

import (
	"context"
	"crypto/rand"
	"errors"
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
	text, err := c.Redis.Get(ctx, c.entry(name)).Result()
	if !errors.Is(err, redis.Nil) {
		return text, err
	}
	// Listed before anything is read: whoever invalidates from now on finds the lease.
	token, keys := rand.Text(), []string{c.lease(name), c.entry(name)}
	for _, tag := range tags {
		keys = append(keys, c.index(tag))
	}
	if err := begin.Run(ctx, c.Redis, keys, token, name, c.Slow.Milliseconds()).Err(); err != nil {
		return "", err
	}
	text, err = load(ctx)
	if err != nil {
		_ = store.Run(ctx, c.Redis, keys, token, name, "", 0).Err() // or the next one may not store
		return "", err
	}
	// Refused, the caller has the answer all the same.
	return text, store.Run(ctx, c.Redis, keys, token, name, text, c.TTL.Milliseconds()).Err()
}

func (c Cache) entry(name string) string { return c.Prefix + "v:" + name }
func (c Cache) lease(name string) string { return c.Prefix + "l:" + name }
func (c Cache) index(tag string) string  { return c.Prefix + "t:" + tag }

// list puts a name into the indexes until a moment. An index lives for as long as the
// last name in it, and loses those whose time is over.
const list = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function list(life)
  for i = 3, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    redis.call('ZADD', KEYS[i], 'GT', now + life, ARGV[2])
    if redis.call('PTTL', KEYS[i]) < tonumber(life) then
      redis.call('PEXPIRE', KEYS[i], life)
    end
  end
end
`

// begin lists a name and takes its lease, if nobody has it. KEYS: lease, entry, indexes;
// ARGV: token, name, life of the lease in ms.
var begin = redis.NewScript(list + `
list(ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[3])
return 1`)

// store keeps a text if the lease still has this token, lists the name again for as long
// as the entry lives, and gives the lease back. With a life of 0 it does that alone. KEYS
// as begin; ARGV: token, name, text, life of the entry in ms.
var store = redis.NewScript(list + `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if tonumber(ARGV[4]) > 0 then
  list(ARGV[4])
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
end
redis.call('DEL', KEYS[1])
return 1`)

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
	names, err := c.Redis.ZRange(ctx, c.index(tag), 0, -1).Result()
	if err != nil || len(names) == 0 {
		return err
	}
	var keys []string
	for _, name := range names {
		keys = append(keys, c.entry(name), c.lease(name))
	}
	// The index stays: between the two commands somebody may have listed another entry.
	return c.Redis.Unlink(ctx, keys...).Err()
}
