package fault

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
)

// Class is what an error means. The order is that of Cause: a greater one says
// more about a batch that has several.
type Class uint8

// The classes.
const (
	// None: nothing went wrong. nil, redis.Nil, and redis.TxFailedErr, by which a
	// watched transaction is told that somebody else was first.
	None Class = iota
	// Other: neither the server nor the way to it, but the caller's own code.
	Other
	// Caller: its context was cancelled or its deadline passed. If the command
	// was sent before that, it was executed or not.
	Caller
	// Bug: the server refused, and will refuse again: WRONGTYPE, NOPERM, NOAUTH,
	// CROSSSLOT, syntax, an error that a script raised; also a client that was
	// closed. A script may have written before it stopped.
	Bug
	// Redirect: the slot is, or moves, elsewhere: MOVED, ASK, TRYAGAIN. The client
	// follows by itself; what is seen here is what it could not resolve in time.
	// Not executed.
	Redirect
	// Shed: there is no room: OOM, MISCONF, maxclients, no free connection in the
	// pool. Not executed; another try at once makes it worse.
	Shed
	// Later: the server cannot serve this now and will: LOADING, READONLY,
	// CLUSTERDOWN, MASTERDOWN, NOREPLICAS, UNBLOCKED, BUSY. Not executed.
	Later
	// Unreachable: no connection could be made. Not executed.
	Unreachable
	// Ambiguous: the connection broke or stayed silent once the command may have
	// been written. Executed or not; only the data can tell.
	Ambiguous
)

// String is the class in small letters, for logs and labels.
func (c Class) String() string {
	names := [...]string{"none", "other", "caller", "bug", "redirect", "shed", "later", "unreachable", "ambiguous"}
	if int(c) >= len(names) {
		return "unknown"
	}
	return names[c]
}

// Down reports whether Redis, or the way to it, fails: what a circuit breaker
// counts. A miss, a caller who left, a bug and a slot on the move are none of
// that.
func (c Class) Down() bool { return c >= Shed }

// Unexecuted reports whether the command is known not to have run, so that
// another try cannot make it run twice. See the package's caveat.
func (c Class) Unexecuted() bool { return c >= Redirect && c <= Unreachable }

// In is Classify for who has the context of the call: what ended because the
// context did is Caller, and what ended by a nearer deadline, of a step within
// the call, is Ambiguous.
func In(ctx context.Context, err error) Class {
	switch c := Classify(err); {
	case (c == Ambiguous || c == Unreachable || c == Shed && !pipe.Answered(err)) && over(ctx):
		return Caller
	case c == Caller && errors.Is(err, context.DeadlineExceeded) && !over(ctx):
		return Ambiguous
	default:
		return c
	}
}

// over reports whether a context has ended, or would have if its timer were as
// quick as that of the connection, which has the same deadline.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// Classify returns the class of an error, however it is wrapped.
func Classify(err error) Class {
	if err == nil {
		return None
	}
	if answer, ok := errors.AsType[redis.Error](err); ok {
		return answered(answer)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Caller
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, redis.ErrAutoPipelineQueueFull):
		return Shed
	case errors.Is(err, redis.ErrClosed):
		return Bug
	case unconnected(err):
		return Unreachable
	case errors.Is(err, context.DeadlineExceeded): // after dialling, whose own timeout looks the same
		return Caller
	case broken(err):
		return Ambiguous
	}
	return Other
}

// answered reads the server's answer.
func answered(answer redis.Error) Class {
	if errors.Is(answer, redis.Nil) || errors.Is(answer, redis.TxFailedErr) {
		return None
	}
	switch Code(answer) {
	case "MOVED", "ASK", "TRYAGAIN":
		return Redirect
	case "OOM", "MISCONF", maxClients:
		return Shed
	case "LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "UNBLOCKED", "BUSY":
		return Later
	}
	return Bug
}

// maxClients is the answer of a full server, the one without a code of its own.
const maxClients = "ERR max number of clients reached"

// Code returns the code that the server's answer begins with, such as LOADING;
// empty if the error is none. A transaction that was discarded for a reason that
// the answer names has the code of that.
func Code(err error) string {
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return ""
	}
	text := strings.TrimPrefix(answer.Error(), "EXECABORT Transaction discarded because of: ")
	if strings.HasPrefix(text, maxClients) {
		return maxClients
	}
	code, _, _ := strings.Cut(text, " ")
	return code
}

// unconnected reports whether there never was a connection to write to.
func unconnected(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || strings.HasSuffix(err.Error(), "redis: cluster has no nodes") // a text only, in go-redis
}

// broken reports whether an error is one of a connection in use. What answers
// but does not speak the protocol counts: it was given the command.
func broken(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "redis: can't parse") // a text only, in go-redis
}

// Cause returns the error of a pipeline or transaction that says most: of those
// of its commands and err, which Exec returned, the first of the greatest class.
// Exec itself returns that of its first command, and of a transaction that was
// discarded nothing but the fact.
func Cause(cmds []redis.Cmder, err error) error {
	cause, class := err, Classify(err)
	if aborted(err) {
		class = None // any other error knows more
	}
	for _, cmd := range cmds {
		if c := Classify(cmd.Err()); c > class && !aborted(cmd.Err()) {
			cause, class = cmd.Err(), c
		}
	}
	return cause
}

func aborted(err error) bool { return redis.HasErrorPrefix(err, "EXECABORT") }
