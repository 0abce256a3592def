//go:build !solution

// Package exercise tries again, where that can help.
package exercise

import (
	"context"
	"errors"
	"time"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Policy says how often, and how long to wait in between.
type Policy struct {
	// Attempts is the most, the first included.
	Attempts int
	// Base and Max bound the waits: the one after the n-th attempt, from 0, is random
	// between zero and Base doubled n times, and never longer than Max.
	Base, Max time.Duration
	// Rand returns a random number between 0 and 1; the wait is that part of its bound.
	Rand func() float64
	// Sleep waits, and returns ctx's error if that ends before.
	Sleep func(ctx context.Context, d time.Duration) error
	// Idempotent says that the operation may run twice.
	Idempotent bool
}

// Do calls op, at most p.Attempts times, until it succeeds or trying again cannot
// help, and returns op's last error. op sends one command with a client that does not
// retry by itself.
//
// Tried again is what was surely not executed: LOADING, READONLY, CLUSTERDOWN,
// MASTERDOWN, OOM, a connection that was refused (syscall.ECONNREFUSED), and no free
// connection (redis.ErrPoolTimeout). What may have been executed, since the connection
// broke or stayed silent, is tried again only if p.Idempotent. Nothing else is: not a
// miss (redis.Nil), not WRONGTYPE or another refusal, not an error that is not Redis's.
//
// When ctx has ended, or would end before the wait is over, Do returns at once. If ctx
// is over before the first attempt, op is not called, and the error is ctx's.
func Do(ctx context.Context, p Policy, op func(context.Context) error) error {
	return ErrNotImplemented
}
