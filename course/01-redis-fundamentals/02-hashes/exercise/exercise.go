//go:build !solution

// Package exercise is a store of customer profiles, one hash each.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// ErrNoProfile says that there is no profile at a key.
var ErrNoProfile = errors.New("no such profile")

// Profile is what Load returns. A field that was never set is nil.
type Profile struct {
	Name       *string
	Street     *string
	City       *string
	Points     *int64
	Newsletter *bool
}

// Change says what to change: what is nil stays as it is. A pointer to 0, to ""
// or to false is a change like any other.
type Change struct {
	Name       *string
	Street     *string
	City       *string
	Newsletter *bool
}

// Update changes the profile at key, which is a hash with the fields name,
// street, city, points and newsletter (1 or 0). Other programs keep fields of
// their own in the same hash. A profile that is not there is created. One command
// of Redis for all that changes; a change of nothing sends none.
func Update(ctx context.Context, rdb redis.Cmdable, key string, change Change) error {
	return ErrNotImplemented
}

// AddPoints adds n, which may be negative, to the points and returns the new
// number. Points that were never set count as 0. One command.
func AddPoints(ctx context.Context, rdb redis.Cmdable, key string, n int64) (int64, error) {
	return 0, ErrNotImplemented
}

// Load reads the profile at key. It returns ErrNoProfile when there is none, and
// an error when points or newsletter hold what is no number or no 1 and 0. One
// command.
func Load(ctx context.Context, rdb redis.Cmdable, key string) (Profile, error) {
	return Profile{}, ErrNotImplemented
}
