//go:build !solution

// Package exercise is a repository that writes through.
package exercise

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Row is what the database has for a lift. Version is above 0 and grows with each
// write of the row.
type Row struct {
	State   string
	Version int64
}

// Load reads the row from the database.
type Load func(ctx context.Context) (Row, error)

// Save writes a state to the database, and returns the row as it is then. With an
// error the row is as it was.
type Save func(ctx context.Context, state string) (Row, error)

const (
	life = 5 * time.Minute // of an entry
	hold = 5 * time.Second // longer than any save takes
)

// Read reads through: it returns the state that the cache has at key, in 1 round trip,
// or else that of load, which is asked once, and which is stored for life. Nothing is
// stored that load may have read before a Write, or while one was at work; in that time
// Read answers from load. An error of load or of Redis is returned, and nothing is stored.
//
// Whatever Read and Write keep lies at key, or at keys that begin with it and a colon,
// and ends by itself: after life at most.
func Read(ctx context.Context, rdb redis.Cmdable, key string, load Load) (string, error) {
	return "", ErrNotImplemented
}

// Write writes through: it calls save once, and after that the cache has the new state,
// so that the next Read is a hit.
//
// If save fails, its error is returned, and Read goes on with what the database has.
// From the moment that save has committed no Read that begins then returns an older
// state, also if this process dies right after it. If Redis cannot be told before save,
// nothing is written, and the error is returned; if it cannot be told afterwards, the
// error is returned too, and for hold at most the cache has nothing.
//
// Of two Writes at the same time the cache has in the end that with the larger Version,
// or nothing. Write costs 2 round trips besides the first use of a script.
func Write(ctx context.Context, rdb redis.Cmdable, key, state string, save Save) error {
	return ErrNotImplemented
}
