package race

import (
	"context"
	"errors"
	"net"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// The errors that an actor's commands return.
var (
	// ErrCrashed is what every command of an actor gets from its crash on. Nothing
	// reaches Redis any more.
	ErrCrashed = errors.New("race: the process has crashed")
	// ErrReplyLost is what a command gets whose reply is lost, and every further
	// command on the connection of its Watch. It is a net.Error that is a timeout,
	// as the real one is.
	ErrReplyLost net.Error = lostReplyError{}

	errOver   = errors.New("race: this run is over")
	errAtOnce = errors.New("race: another command of this actor is under way")
)

type lostReplyError struct{}

func (lostReplyError) Error() string   { return "i/o timeout: the reply was lost" }
func (lostReplyError) Timeout() bool   { return true }
func (lostReplyError) Temporary() bool { return true }

// seat is the client of an actor. It is kept from run to run, for connecting
// takes longer than a run; the gate is that of the run.
type seat struct {
	client *redis.Client
	id     int64 // of its connection, at the server; 0 if the server does not tell
	hooked bool  // client has its hook; go-redis builds another chain of hooks for each Tx
	gate   atomic.Pointer[gate]
}

// gate stands between an actor and Redis: each command waits there for its move.
type gate struct {
	actor  int
	prefix string
	keys   *keyring
	events chan<- event
	moves  chan Fault      // the next move of this actor
	stop   chan struct{}   // closed by the scheduler when the actor may send no more
	why    error           // set before stop is closed
	ctx    context.Context // the actor's, cancelled after stop is closed

	// busy is held while a command is under way; what follows belongs to the actor.
	busy     sync.Mutex
	fault    Fault  // of the step that is under way
	half     *event // the reply of a script that must be sent again in full
	watching bool   // within Watch, which holds on to one connection
	broken   bool   // that connection was lost with a reply
}

// event is what an actor does, as the scheduler learns of it.
type event struct {
	actor  int
	kind   eventKind
	text   string // the command, or its reply
	failed bool   // the reply is an error
	waits  waits  // how the command may wait in Redis
	err    error  // what Do returned
}

type eventKind int

const (
	parked  eventKind = iota // a command waits at the gate
	replied                  // its reply was handed to the actor
	ended                    // Do returned
	clashed                  // a second command came while one was under way
	outside                  // a command came by the client within Watch
)

// throughKey marks the context of what has passed the gate: the commands that
// go-redis itself sends meanwhile, for a new connection, are no steps.
type throughKey struct{}

// gateKey finds the gate of a run in its contexts: a goroutine that Do left behind
// must not take part in the next run.
type gateKey struct{}

func through(ctx context.Context) context.Context {
	return context.WithValue(ctx, throughKey{}, true)
}

// DialHook leaves connecting as it is.
func (s *seat) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook makes a step of each command.
func (s *seat) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	tx := s.hooked
	return func(ctx context.Context, cmd redis.Cmder) error {
		return s.pass(ctx, []redis.Cmder{cmd}, tx, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook makes one step of a pipeline, and of a MULTI … EXEC.
func (s *seat) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	tx := s.hooked
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return s.pass(ctx, cmds, tx, func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

// pass finds the gate for commands of the client, or of a Tx.
func (s *seat) pass(ctx context.Context, cmds []redis.Cmder, tx bool, send func(context.Context) error) error {
	g := s.gate.Load()
	if own, ok := ctx.Value(gateKey{}).(*gate); ok {
		g = own
	}
	if g == nil || ctx.Value(throughKey{}) != nil {
		return send(ctx)
	}
	return g.pass(ctx, cmds, tx, send)
}

// pass holds the commands of one step until it is their turn, sends them and
// tells the scheduler what came back.
func (g *gate) pass(ctx context.Context, cmds []redis.Cmder, tx bool, send func(context.Context) error) error {
	if !g.busy.TryLock() {
		select {
		case g.events <- event{actor: g.actor, kind: clashed}:
		default: // the scheduler has enough to read and will stop anyway
		}
		return fail(cmds, errAtOnce)
	}
	defer g.busy.Unlock()
	if err := g.refusal(); err != nil {
		return fail(cmds, err)
	}
	if g.watching && !tx {
		return fail(cmds, g.outsideTx(commandText(cmds, g.prefix)))
	}
	if cmds[0].Name() == "unwatch" {
		return send(through(ctx)) // nobody else can tell, and go-redis sends it unasked
	}
	if err := g.wait(cmds); err != nil {
		return fail(cmds, err)
	}
	g.keys.see(cmds)

	heard := func() {}
	if g.fault == LostReply {
		heard = forget(cmds)
	}
	err := send(through(ctx))
	reply := event{actor: g.actor, kind: replied}
	reply.text, reply.failed = replyText(cmds, err, g.prefix)
	if cmds[0].Name() == "evalsha" && redis.HasErrorPrefix(err, "NOSCRIPT") {
		g.half = &reply
		return err
	}
	if g.fault == LostReply {
		heard()
		err = fail(cmds, ErrReplyLost)
		g.broken = g.watching
	}
	g.events <- reply
	return err
}

// outsideTx tells the scheduler of a command that Watch leaves no connection for.
func (g *gate) outsideTx(command string) error {
	g.events <- event{actor: g.actor, kind: outside, text: command}
	return ErrOutsideTx
}

// refusal says why nothing may pass, if so.
func (g *gate) refusal() error {
	select {
	case <-g.stop:
		return g.why
	default:
	}
	if g.broken {
		return ErrReplyLost
	}
	return nil
}

// wait parks the commands until the actor's next move. A script that the server
// did not have yet is sent again, in full, within the step of its EVALSHA: that
// had no effect, and whether the server knows a script is no part of the race.
func (g *gate) wait(cmds []redis.Cmder) error {
	if g.half != nil {
		if cmds[0].Name() == "eval" {
			g.half = nil
			return nil
		}
		g.flush()
	}
	g.events <- event{actor: g.actor, kind: parked, text: commandText(cmds, g.prefix), waits: waitsOf(cmds)}
	select {
	case g.fault = <-g.moves:
		return nil
	case <-g.ctx.Done():
		<-g.stop
		return g.why
	}
}

// flush tells of the step whose script was not sent again.
func (g *gate) flush() {
	if g.half != nil {
		g.events <- *g.half
		g.half = nil
	}
}

// close refuses everything from now on. It is for the scheduler alone.
func (g *gate) close(why error) {
	select {
	case <-g.stop:
	default:
		g.why = why
		close(g.stop)
	}
}

// fail gives each command the error, as go-redis does when a connection breaks.
func fail(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}

// forget remembers the commands as they are before they have replies. What it
// returns puts them back: a lost reply leaves no value behind.
func forget(cmds []redis.Cmder) func() {
	before := make([]reflect.Value, len(cmds))
	for i, cmd := range cmds {
		v := reflect.ValueOf(cmd).Elem()
		before[i] = reflect.New(v.Type()).Elem()
		before[i].Set(v)
	}
	return func() {
		for i, cmd := range cmds {
			reflect.ValueOf(cmd).Elem().Set(before[i])
		}
	}
}
