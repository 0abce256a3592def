package pipe

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Answered reports whether err is the server's own answer to a command
// (redis.Nil included): it is reachable, and it decided. Any other error is one
// of the way there and back.
func Answered(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// Refresh asks a cluster client to look at the topology again, after an error
// that is not the server's answer: the node may be gone, and go-redis itself
// looks only once per reload interval. It does not wait. Other clients and nil
// errors are ignored, and so is a context that ended, which says nothing about
// the server.
func Refresh(ctx context.Context, client any, err error) {
	if err == nil || Answered(err) || ctx.Err() != nil {
		return
	}
	if cluster, ok := client.(interface{ ReloadState(context.Context) }); ok {
		cluster.ReloadState(ctx)
	}
}

// repeatable reports whether a command that may be repeated should be, after
// err in a batch: the way to the server failed, or the server cannot serve now.
// These are the errors after which go-redis repeats a single command.
func repeatable(err error) bool {
	if !Answered(err) {
		return !errors.Is(err, redis.ErrClosed) && !errors.Is(err, redis.ErrAutoPipelineQueueFull)
	}
	for _, prefix := range []string{"LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "NOREPLICAS "} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
