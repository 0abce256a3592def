//go:build !solution

// Package exercise is a cache beside a pharmacy's database.
package exercise

import (
	"context"
	"errors"

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
	return "", Miss, ErrNotImplemented
}

// Invalidate is called after a product has changed in the database, with a code that
// may be spelt otherwise than Fetch's. If it returns an error, the old value may still
// be there, and it can be called again.
//
// Invalidate costs 2 round trips at most.
func Invalidate(ctx context.Context, rdb Client, prefix, code string) error {
	return ErrNotImplemented
}
