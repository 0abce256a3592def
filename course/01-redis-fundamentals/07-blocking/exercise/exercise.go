//go:build !solution

// Package exercise is a worker that stops cleanly.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the function returns until you write it.
var ErrNotImplemented = errors.New("not written yet")

// Work hands the jobs of the list at queue to do, one after the other and the
// oldest first, until ctx ends. Jobs come in at the left of queue. Then it returns
// nil: after the job that do is at, and within two seconds if there is none.
//
// From the moment a job leaves queue until do has returned nil for it, it stands in
// the list at hand. What stands there when Work begins was left by a worker that
// died, and is done first. While there is no job, Work waits in Redis: it sends
// about one command a second, and a job that comes is begun at once.
//
// A job that was begun is finished: the context that do gets does not end with ctx.
// A job that comes while Work stops is done, or is in queue again. So when Work
// returns nil, nothing that it took is left in hand. An error of do or of Redis ends Work and is returned;
// the job stays in hand.
func Work(ctx context.Context, rdb redis.Cmdable, queue, hand string, do func(ctx context.Context, job string) error) error {
	return ErrNotImplemented
}
