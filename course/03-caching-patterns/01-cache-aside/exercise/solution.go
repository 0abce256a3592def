//go:build solution

// Package exercise is a cache beside a pharmacy's database.
package exercise

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// ErrUnknown says that the database has no such product. A load returns it, or an
// error that wraps it, and so does Fetch.
var ErrUnknown = errors.New("no such product")

// Client is what you work with. *redis.Client is one. While Watch runs your
// function, use its tx alone.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Source says where an answer came from: the dashboard shows them apart.
type Source int

// The sources of an answer.
const (
	Hit  Source = iota // Redis had it, or a note that there is no such product
	Miss               // Redis had nothing, and load was called
	Down               // a command to Redis failed, and load was called
)

// Load asks the database for the product that Fetch was called for.
type Load func(ctx context.Context) (string, error)

// Fetch returns a product: from Redis, or from the database by load.
//
// A code is as people type it: spaces and hyphens do not count, and small letters are
// large ones. "0716-4a" and " 07164A" are one product, which is loaded once.
//
// What load returned is kept for 5 minutes: any text, the empty one too. ErrUnknown is
// kept for 30 seconds, and until then Fetch returns it without a load. Any other error
// of load is returned (errors.Is finds it) and kept nowhere: the next Fetch loads, and
// keeps what it gets.
//
// When Invalidate has returned nil, no later Fetch returns what a load read before:
// also not if that load is still under way and ends later. The caller of that load may
// get what it loaded. Fetch does not wait for another Fetch.
//
// When Redis fails, Fetch is not an error: load is called, and the source is Down. If it
// was the first command that failed, no second one is sent: each would cost a
// timeout.
//
// A Fetch that Redis can answer costs 1 round trip, any other 5 at most. Everything
// lies at keys that begin with prefix, which ends in a colon, and none of them is ever
// without an end, also if the program dies between two commands.
func Fetch(ctx context.Context, rdb Client, prefix, code string, load Load) (string, Source, error) {
	entry, lease := keys(prefix, code)
	note, err := rdb.Get(ctx, entry).Result()
	if err == nil {
		text, err := read(note)
		return text, Hit, err
	}
	if !errors.Is(err, redis.Nil) {
		text, err := load(ctx)
		return text, Down, err
	}
	token := rand.Text()
	mine, err := rdb.SetNX(ctx, lease, token, leaseLife).Result()
	source := Miss
	if err != nil {
		source = Down
	}
	text, loadErr := load(ctx)
	note, life := found+text, valueLife
	if errors.Is(loadErr, ErrUnknown) {
		note, life = nothing, unknownLife
	} else if loadErr != nil {
		life = 0 // nothing is kept, and the lease is given back
	}
	if mine {
		if err := store.Run(ctx, rdb, []string{entry, lease}, token, note, life.Milliseconds()).Err(); err != nil {
			source = Down
		}
	}
	if loadErr != nil {
		text = ""
	}
	return text, source, loadErr
}

// How long things live. A load that takes longer than its lease is not kept.
const (
	valueLife   = 5 * time.Minute
	unknownLife = 30 * time.Second
	leaseLife   = 10 * time.Second
)

// The first byte of what is kept.
const (
	found   = "+" // the product follows
	nothing = "-" // there is none
)

// store keeps a note if the lease still has this token, and gives the lease back. With
// a life of 0 it does that alone.
var store = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.call('DEL', KEYS[2])
return 1`)

// read is the other end of it.
func read(note string) (string, error) {
	if note == nothing {
		return "", ErrUnknown
	}
	return strings.TrimPrefix(note, found), nil
}

// spelling takes away what does not count.
var spelling = strings.NewReplacer(" ", "", "-", "")

// keys are the keys of a product, for all who need one.
func keys(prefix, code string) (entry, lease string) {
	code = strings.ToUpper(spelling.Replace(code))
	return prefix + "v:" + code, prefix + "l:" + code
}

// Invalidate is called after a product has changed in the database, with a code that
// may be spelt otherwise than Fetch's. If it returns an error, the old value may still
// be there, and it can be called again.
//
// Invalidate costs 2 round trips at most.
func Invalidate(ctx context.Context, rdb Client, prefix, code string) error {
	entry, lease := keys(prefix, code)
	return rdb.Del(ctx, entry, lease).Err()
}
