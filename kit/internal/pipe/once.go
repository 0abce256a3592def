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

// The following give the commands of other types the same answer while they are
// in a batch; see batched.
type (
	onceBool        struct{ *redis.BoolCmd }
	onceFloat       struct{ *redis.FloatCmd }
	onceInt         struct{ *redis.IntCmd }
	onceMap         struct{ *redis.MapStringStringCmd }
	onceSlice       struct{ *redis.SliceCmd }
	onceStatus      struct{ *redis.StatusCmd }
	onceString      struct{ *redis.StringCmd }
	onceStringSlice struct{ *redis.StringSliceCmd }
)

func (onceBool) NoRetry() bool        { return true }
func (onceFloat) NoRetry() bool       { return true }
func (onceInt) NoRetry() bool         { return true }
func (onceMap) NoRetry() bool         { return true }
func (onceSlice) NoRetry() bool       { return true }
func (onceStatus) NoRetry() bool      { return true }
func (onceString) NoRetry() bool      { return true }
func (onceStringSlice) NoRetry() bool { return true }

// batched returns cmd in a form that go-redis does not repeat.
//
// A batch is repeated as a whole or not at all, so go-redis cuts it wherever the
// answer to NoRetry changes, and sends the pieces one after the other. With a
// script here and a GET there it would end up slower than without batches. So
// in a batch nobody asks to be repeated, and Pipe repeats a call by itself.
//
// The types are spelled out because the wrapper has to embed the command itself:
// one around the interface would hide methods by which go-redis keeps a hook on
// a node of a cluster from waiting for the batch that it is in. A command of
// another type is batched as it is; it only costs a cut.
func batched(cmd redis.Cmder) redis.Cmder {
	switch c := cmd.(type) {
	case *redis.Cmd:
		return Once{c}
	case *redis.BoolCmd:
		return onceBool{c}
	case *redis.FloatCmd:
		return onceFloat{c}
	case *redis.IntCmd:
		return onceInt{c}
	case *redis.MapStringStringCmd:
		return onceMap{c}
	case *redis.SliceCmd:
		return onceSlice{c}
	case *redis.StatusCmd:
		return onceStatus{c}
	case *redis.StringCmd:
		return onceString{c}
	case *redis.StringSliceCmd:
		return onceStringSlice{c}
	}
	return cmd
}
