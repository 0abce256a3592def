package script

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
)

// Client is what a script needs of a client. Every client of go-redis has it:
// *redis.Client, *redis.ClusterClient, *redis.Conn, *redis.Tx and
// redis.UniversalClient.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

// Script is a Lua script with its header. Most callers make one with Must from
// an embedded file, and call Run. It is immutable and safe for concurrent use.
type Script struct {
	src        string
	sha        string
	header     Header
	idempotent bool
}

// Option changes what New makes.
type Option func(*config)

type config struct{ idempotent bool }

// Idempotent declares that running a script twice leaves what running it once
// does: because of an owner token, a version or a request id among its
// arguments, or because it only reads. Then go-redis repeats it on a network
// error, as it repeats every command. Without this option a script is sent at
// most once.
func Idempotent() Option { return func(c *config) { c.idempotent = true } }

func configOf(opts []Option) config {
	var c config
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// New returns the script whose source is src. The source begins with the header
// that the package describes; without one the error wraps ErrHeader and names
// the line. Nothing is sent: the server learns the script at its first run.
func New(src string, opts ...Option) (*Script, error) {
	header, err := parse(src)
	if err != nil {
		return nil, err
	}
	// Redis names scripts by their SHA-1; nothing secret depends on it.
	sum := sha1.Sum([]byte(src))
	return &Script{
		src:        src,
		sha:        hex.EncodeToString(sum[:]),
		header:     header,
		idempotent: configOf(opts).idempotent,
	}, nil
}

// Must is New for sources that are part of the program. It panics where New
// returns an error.
//
//	//go:embed acquire.lua
//	var acquireSource string
//
//	var acquire = script.Must(acquireSource, script.Idempotent())
func Must(src string, opts ...Option) *Script {
	s, err := New(src, opts...)
	if err != nil {
		panic(err)
	}
	return s
}

// Header returns what the script says about itself.
func (s *Script) Header() Header { return s.header }

// Run runs the script and returns its answer.
//
// Keys and arguments must be as many as the header declares. An argument is a
// string, a []byte, an integer, a finite float, a bool (sent as 1 or 0) or a
// Millis; anything else is ErrArgument, a time.Duration too, because it has no
// unit on the wire. Keys of different slots are ErrCrossSlot.
//
// The error says whether the script ran. ErrArgument, ErrCrossSlot and errors
// that are not ErrUnknown come from before the run, or are the server's own
// answer (a redis.Error: it refused the script, or the script raised it; what
// the script wrote before that stays written). ErrUnknown, which a timeout
// usually is, means that it ran once or not at all; after Idempotent, any
// number of times, which is the same. A run is repeated safely if the script is
// idempotent or the error is not ErrUnknown.
//
// Redis: 1 round trip, EVALSHA; one more, EVAL, when the server does not know
// the script yet (first run, restart, failover, SCRIPT FLUSH). O(script).
func (s *Script) Run(ctx context.Context, c Client, keys []string, args ...any) Result {
	argv, err := s.argv("evalsha", s.sha, keys, args)
	if err != nil {
		return s.failed(keys, err)
	}
	val, err := process(ctx, c, !s.idempotent, argv)
	if unknownScript(err) {
		argv, _ = s.argv("eval", s.src, keys, args)
		val, err = process(ctx, c, !s.idempotent, argv)
	}
	if err != nil {
		return s.failed(keys, err)
	}
	return Result{name: s.header.Name, val: val}
}

// argv builds the command, or says why it can not be sent.
func (s *Script) argv(name, body string, keys []string, args []any) ([]any, error) {
	if err := s.header.check(len(keys), len(args)); err != nil {
		return nil, err
	}
	return command(name, body, keys, args)
}

// failed is a Result that holds an error, with the script and its first key.
func (s *Script) failed(keys []string, err error) Result {
	return Result{name: s.header.Name, err: describe(s.header.Name, keys, err)}
}

func describe(name string, keys []string, err error) error {
	if len(keys) == 0 {
		return fmt.Errorf("script: run %s: %w", name, err)
	}
	return fmt.Errorf("script: run %s on %q: %w", name, keys[0], err)
}

// newCommand makes the go-redis command of argv, which has its first key, if
// any, at the fourth place. A client is given sent; the result is read from cmd.
func newCommand(ctx context.Context, once bool, argv []any) (cmd *redis.Cmd, sent redis.Cmder) {
	cmd = redis.NewCmd(ctx, argv...)
	if argv[2] != 0 {
		cmd.SetFirstKeyPos(3)
	}
	if once {
		return cmd, pipe.Once{Cmd: cmd}
	}
	return cmd, cmd
}

// process sends one command and returns its reply; nil for no reply.
func process(ctx context.Context, c Client, once bool, argv []any) (any, error) {
	if _, ok := c.(redis.Pipeliner); ok {
		return nil, fmt.Errorf("%w: a pipeline has no answer yet: use Pipelined or TxPipelined", ErrArgument)
	}
	if err := notSent(ctx); err != nil {
		return nil, err
	}
	cmd, sent := newCommand(ctx, once, argv)
	// The result is read only after Process succeeded: a client that batches
	// may still be writing to a command that its caller gave up.
	err := c.Process(ctx, sent)
	if err == nil {
		return cmd.Result()
	}
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	pipe.Refresh(ctx, c, err)
	return nil, classify(err, once)
}
