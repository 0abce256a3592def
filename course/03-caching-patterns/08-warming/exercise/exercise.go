//go:build !solution

// Package exercise fills a cache before the readers come.
package exercise

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Options of a Warm.
type Options struct {
	// Batch is the most keys that one load may be asked for.
	Batch int
	// Loads is the most loads that may be under way at a time.
	Loads int
	// TTL is how long a value lives.
	TTL time.Duration
	// Progress is told how many of the keys are dealt with; never two calls at a time,
	// the number never falls, and the last is all of them.
	Progress func(done, total int)
}

// Result says what came of it. Together they are all keys.
type Result struct {
	Stored  int // loaded and stored
	Present int // there already, or stored by somebody else meanwhile
	Missing int // load did not return a value for them
	Failed  int // of batches whose load, or whose commands, failed
}

// Load reads values from the origin. A key that is not in the map has none.
type Load func(ctx context.Context, keys []string) (map[string]string, error)

// Warm stores what load returns for the keys that are not in Redis. What is there is
// neither loaded nor changed, also if it came there while load was under way. A batch
// that fails does not keep the others from being warmed; the error then holds the
// errors of all of them. A batch costs at most two round trips.
func Warm(ctx context.Context, rdb redis.Cmdable, keys []string, load Load, o Options) (Result, error) {
	return Result{}, ErrNotImplemented
}
