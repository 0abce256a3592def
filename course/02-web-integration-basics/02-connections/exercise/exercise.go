//go:build !solution

// Package exercise is the life of a server: from its first connection to its last.
package exercise

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Life is what a server of gates is given.
type Life struct {
	// Redis are the options of its client. Set more of them as you need, in a copy.
	Redis *redis.Options
	// Key is the key of a gate's counter.
	Key func(gate string) string
	// Request is how long a request may wait for Redis.
	Request time.Duration
	// Header is how long a client may take to send the header of a request.
	Header time.Duration
	// Noticed returns when the balancer has noticed that /readyz says 503. It is to
	// be called once, when /readyz says so.
	Noticed func()
	// Grace is how long requests under way may take when the server ends.
	Grace time.Duration
}

// Serve serves the gates on l until ctx ends:
//
//	POST /open/{gate}   counts a car: 200 and the gate's new count as text;
//	                    503 if Redis fails, or does not answer within Request
//	GET  /readyz        200, and 503 as soon as ctx has ended
//
// It uses one client for all requests, and no more connections than its pool is
// large. When ctx ends, requests are still taken, on new connections too, until
// Noticed has returned; then no more are taken, those under way are finished, the
// client is closed, and Serve returns nil. A request that takes longer than Grace
// is cut off, and Serve returns an error. When Serve returns, in whatever way, no
// connection to Redis is left.
//
// A client that has not sent its header after the time Header is hung up on.
func Serve(ctx context.Context, l net.Listener, life Life) error {
	return ErrNotImplemented
}
