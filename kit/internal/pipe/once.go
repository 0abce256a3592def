package pipe

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Once is a command that go-redis sends at most once. It repeats every other
// command on a network error, writes too; for one that is not idempotent that
// would be a second execution whenever only the reply was lost.
//
// In a pipeline, a transaction or a batch one such command keeps all of it from
// being repeated.
type Once struct{ *redis.Cmd }

// NewOnce returns the command of args, of the form that redis.NewCmd takes.
func NewOnce(ctx context.Context, args ...any) Once {
	return Once{redis.NewCmd(ctx, args...)}
}

// NoRetry is what go-redis asks of each command before it repeats it.
func (Once) NoRetry() bool { return true }

// Clone keeps a copy from losing what makes it a Once.
func (c Once) Clone() redis.Cmder { return Once{c.Cmd.Clone().(*redis.Cmd)} }
