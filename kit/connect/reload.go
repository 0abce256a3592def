package connect

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// reloadHook makes a cluster client look anew for who serves which slots, when a
// call got no answer. go-redis does so when a node sends it elsewhere, but a dead
// primary sends it nowhere: it went on dialling it until its picture was a
// second old, and that picture may have been taken just before the failover. It
// takes at most five new ones a second, whatever the number of failing calls.
type reloadHook struct{ client *redis.ClusterClient }

func (h reloadHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h reloadHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.look(ctx, err)
		return err
	}
}

func (h reloadHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		h.look(ctx, err)
		return err
	}
}

// look asks for a new picture unless a server has answered, with an error or
// without.
func (h reloadHook) look(ctx context.Context, err error) {
	if _, answered := errors.AsType[redis.Error](err); err == nil || answered || errors.Is(err, redis.ErrClosed) {
		return
	}
	h.client.ReloadState(ctx)
}
