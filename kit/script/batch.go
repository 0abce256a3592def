package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
)

// PipelineClient is what a batch needs of a client: every client of go-redis
// and *redis.Tx have it.
type PipelineClient interface {
	Pipeline() redis.Pipeliner
	TxPipeline() redis.Pipeliner
}

// Batch collects scripts and other commands that travel together. Its embedded
// commands queue themselves, as those of a redis.Pipeliner do; scripts are
// added with Queue. It is for one goroutine, inside the function that Pipelined
// or TxPipelined calls.
type Batch struct {
	redis.Cmdable
	pipe   redis.Pipeliner
	tx     bool
	queued []*queued
}

// queued is one script of a batch.
type queued struct {
	script *Script
	keys   []string
	args   []any
	cmd    *redis.Cmd
	result *Result
}

// Queue adds a run of the script to the batch; keys and arguments are as in
// Run, and must not be changed until the batch is done. The result is filled
// when the function given to Pipelined or TxPipelined has returned. A bad
// argument is in the result at once, and keeps the batch from being sent.
func (s *Script) Queue(ctx context.Context, b *Batch, keys []string, args ...any) *Result {
	q := &queued{script: s, keys: keys, args: args, result: &Result{name: s.header.Name, err: ErrNotExecuted}}
	b.queued = append(b.queued, q)
	b.send(ctx, b.pipe, q, b.tx)
	return q.result
}

// send puts a script into a pipeline, with its source or with its digest.
func (b *Batch) send(ctx context.Context, p redis.Pipeliner, q *queued, source bool) {
	s, name, body := q.script, "evalsha", q.script.sha
	if source {
		name, body = "eval", s.src
	}
	argv, err := s.argv(name, body, q.keys, q.args)
	if err != nil {
		*q.result = s.failed(q.keys, err)
		return
	}
	cmd, sent := newCommand(ctx, !s.idempotent, argv)
	q.cmd = cmd
	_ = p.Process(ctx, sent) // of a pipeline: it queues, and cannot fail
}

// settle takes the outcome of a script over into its result. A command without
// a value and without an error was not sent (a script that returns nil has
// redis.Nil): its connection was refused at its beginning, by AUTH or SELECT,
// and go-redis tells that by the error of the whole pipeline only.
func (q *queued) settle(execErr error) {
	val, err := q.cmd.Result()
	if val == nil && err == nil {
		err = execErr
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		err = describe(q.script.header.Name, q.keys, classify(err, !q.script.idempotent))
	}
	*q.result = newResult(q.script.header.Name, val, err)
}

// Pipelined calls fn to fill a batch, and sends it in one round trip. It
// returns the error of fn (then nothing was sent), else the first error among
// the scripts and commands; redis.Nil is none. Each result holds its own.
//
// Scripts go by their digest. Those that the server does not know are sent
// again, with their source, when the others have run: a batch is a way to save
// round trips and keeps no order among its members. Where order matters use
// TxPipelined, or one script.
//
// go-redis repeats a batch as a whole on a network error, unless one of its
// scripts is not Idempotent; then nothing in it is repeated. A script whose
// reply was lost is ErrUnknown.
//
// Redis: 1 round trip (in a cluster 1 a node, at the same time); 1 more when
// scripts were unknown.
func Pipelined(ctx context.Context, c PipelineClient, fn func(*Batch) error) error {
	return run(ctx, c, c.Pipeline(), false, fn)
}

// TxPipelined is Pipelined in MULTI and EXEC: the scripts and commands run in
// their order, with nothing between them. All keys must be in one slot.
//
// Scripts travel with their source, since an unknown digest would fail inside
// EXEC while the commands around it take effect. Nothing rolls back: a script
// that raises an error leaves the effects of the others.
//
// Redis: 1 round trip, MULTI, EVAL …, EXEC.
func TxPipelined(ctx context.Context, c PipelineClient, fn func(*Batch) error) error {
	return run(ctx, c, c.TxPipeline(), true, fn)
}

func run(ctx context.Context, c PipelineClient, p redis.Pipeliner, tx bool, fn func(*Batch) error) error {
	b := &Batch{Cmdable: p, pipe: p, tx: tx}
	if err := fn(b); err != nil {
		p.Discard()
		return err
	}
	for _, q := range b.queued {
		if q.cmd == nil { // its arguments were refused
			p.Discard()
			return q.result.err
		}
	}
	if err := notSent(ctx); err != nil {
		p.Discard()
		return fmt.Errorf("script: batch of %d scripts: %w", len(b.queued), err)
	}
	cmds, execErr := p.Exec(ctx)
	pipe.Refresh(ctx, c, execErr)
	repeatErr := b.repeatUnknown(ctx, p)
	for _, q := range b.queued {
		q.settle(cmp.Or(repeatErr, execErr))
	}
	return b.firstError(cmds, execErr)
}

// repeatUnknown sends the scripts again that the server did not know. That
// answer proves that they did not run.
func (b *Batch) repeatUnknown(ctx context.Context, p redis.Pipeliner) (err error) {
	if b.tx {
		return nil
	}
	unknown := 0
	for _, q := range b.queued {
		if unknownScript(q.cmd.Err()) {
			b.send(ctx, p, q, true)
			unknown++
		}
	}
	if unknown > 0 {
		_, err = p.Exec(ctx)
	}
	return err
}

// firstError returns the first error in a batch: of a script, else of another
// command, else of the sending itself.
func (b *Batch) firstError(cmds []redis.Cmder, execErr error) error {
	for _, q := range b.queued {
		if q.result.err != nil {
			return q.result.err
		}
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) && !unknownScript(err) {
			return fmt.Errorf("script: %s in a batch: %w", cmd.Name(), err)
		}
	}
	if execErr != nil && !errors.Is(execErr, redis.Nil) && !unknownScript(execErr) {
		return fmt.Errorf("script: batch of %d scripts: %w", len(b.queued), execErr)
	}
	return nil
}
