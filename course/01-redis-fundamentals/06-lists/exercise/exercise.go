//go:build !solution

// Package exercise is an activity feed of the newest hundred events.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Newest is how many events a feed keeps.
const Newest = 100

// Add puts an event into the feed, a list at key, as its newest. Of more than
// Newest events the oldest are dropped. One round trip.
func Add(ctx context.Context, rdb redis.Cmdable, key, event string) error {
	return ErrNotImplemented
}

// Page returns one page of the feed, the newest event first. Pages count from 0
// and have room for size events, which is at least 1. The last page may hold
// fewer; a page behind it, or of a feed that is not there, holds none, which is no
// error. more says whether the next page holds any. One round trip, which brings
// one event more than the page has room for, at most.
func Page(ctx context.Context, rdb redis.Cmdable, key string, page, size int64) (events []string, more bool, err error) {
	return nil, false, ErrNotImplemented
}
