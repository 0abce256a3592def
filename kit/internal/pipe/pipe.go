package pipe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// batchFrom is the number of calls in flight from which they are batched. See
// the package's design for the measurement.
const batchFrom = 8

// maxQueued bounds the memory that calls can take which nobody waits for any
// more, while a server stands still.
const maxQueued = 1 << 16

// Client is what a Pipe needs. One that has AsyncAutoPipelineWithOptions
// besides, as *redis.Client and *redis.ClusterClient have, is batched; with any
// other a Pipe changes nothing.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

// batcher is a client that can batch. A *redis.Ring has the method and answers
// an error.
type batcher interface {
	AsyncAutoPipelineWithOptions(*redis.AutoPipelineOptions) (*redis.AutoPipeliner, error)
}

// Options of a Pipe. Zero Options work.
type Options struct {
	// Off sends every call to the client as it is.
	Off bool

	// Observe is told of each call when it has returned. It is called from many
	// goroutines and must not block. Nil is nobody.
	Observe func(context.Context, Call)
}

// Call is what an observer learns.
type Call struct {
	Name    string        // of the command, in small letters
	Batched bool          // it travelled with others, or could have, and was not repeated alone
	Took    time.Duration // until its caller went on
	Err     error         // redis.Nil included
}

// Pipe batches calls to a client. Most callers use Do. It is safe for
// concurrent use; share one among all callers, for it batches what it sees.
type Pipe struct {
	client   Client
	observe  func(context.Context, Call)
	from     int64                       // calls in flight that make a batch
	auto     func() *redis.AutoPipeliner // nil result: never batch
	inFlight atomic.Int64
}

// New returns a Pipe for a client, which it neither dials nor closes.
func New(client Client, o Options) *Pipe {
	return &Pipe{
		client:  client,
		observe: o.Observe,
		from:    batchFrom,
		auto: sync.OnceValue(func() *redis.AutoPipeliner {
			b, ok := client.(batcher)
			if !ok || o.Off {
				return nil
			}
			options := redis.DefaultAutoPipelineOptions()
			options.MaxQueuedCommands = maxQueued
			auto, err := b.AsyncAutoPipelineWithOptions(options)
			if err != nil {
				return nil // a Ring, or a closed client, which says so itself
			}
			return auto
		}),
	}
}

// Do sends a command and reads its result, only if it succeeded. Make the
// command in the call, so that nobody else holds it; read is usually the
// command's own Result:
//
//	n, err := pipe.Do(ctx, p, redis.NewIntCmd(ctx, "incr", key), (*redis.IntCmd).Result)
//
// The error is the command's, redis.Nil for a nil reply, or the context's. If
// it is not the server's answer (see Answered), the command was executed or
// not; unless it is a Once, it may be repeated by go-redis.
//
// Redis: the command; its round trip is shared with other callers'.
func Do[C redis.Cmder, T any](ctx context.Context, p *Pipe, cmd C, read func(C) (T, error)) (T, error) {
	if err := p.Process(ctx, cmd); err != nil {
		var zero T
		return zero, err
	}
	return read(cmd)
}

// Process is Do for callers that are given a client and do not keep the
// command, such as kit/script: after an error that is not the server's answer
// the command must not be looked at.
func (p *Pipe) Process(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	batch := p.inFlight.Add(1) >= p.from && !keepsConnection(cmd)
	defer p.inFlight.Add(-1)
	if p.observe == nil {
		_, err := p.send(ctx, cmd, batch)
		return err
	}
	name, start := cmd.Name(), time.Now()
	isBatched, err := p.send(ctx, cmd, batch)
	p.observe(ctx, Call{Name: name, Batched: isBatched, Took: time.Since(start), Err: err})
	return err
}

// send takes one of the two ways and says which. What failed in a batch and may
// be repeated goes the other way, where go-redis repeats it with its backoff.
func (p *Pipe) send(ctx context.Context, cmd redis.Cmder, batch bool) (isBatched bool, err error) {
	if batch {
		if auto := p.auto(); auto != nil {
			err := auto.Submit(ctx, batched(cmd)).WaitContext(ctx)
			Refresh(ctx, p.client, err)
			if err == nil || ctx.Err() != nil || cmd.NoRetry() || !repeatable(err) {
				return true, err
			}
		}
	}
	err = p.client.Process(ctx, cmd)
	Refresh(ctx, p.client, err)
	return false, err
}

// keepsConnection reports whether a command must have a connection to itself:
// it blocks, or it changes the state of the connection. go-redis would not
// batch these either, but it would let a caller give up a BLPOP which then
// takes an element for nobody.
func keepsConnection(cmd redis.Cmder) bool {
	switch cmd.Name() {
	case "blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop",
		"xread", "xreadgroup", "wait", "waitaof", "migrate",
		"multi", "exec", "discard", "watch", "unwatch",
		"subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe",
		"auth", "hello", "select", "client", "reset", "quit", "monitor", "shutdown", "readonly", "readwrite", "asking":
		return true
	}
	return false
}
