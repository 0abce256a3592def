package guard

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
)

// Class is what an error means: whose fault it is, whether the command was
// executed, and whether another try can help. Its methods Down and Unexecuted
// answer the last two.
type Class = fault.Class

// The classes. Down are Shed, Later, Unreachable and Ambiguous; Unexecuted are
// Redirect, Shed, Later and Unreachable.
const (
	None        = fault.None        // nothing went wrong: nil, a miss, a lost WATCH
	Other       = fault.Other       // the caller's own code, not Redis
	Caller      = fault.Caller      // its context was cancelled, or its deadline passed
	Bug         = fault.Bug         // refused, and will be refused again: WRONGTYPE, NOPERM, NOAUTH, CROSSSLOT, syntax
	Redirect    = fault.Redirect    // the slot moves: MOVED, ASK, TRYAGAIN; not executed
	Shed        = fault.Shed        // no room: OOM, MISCONF, maxclients, no free connection, ErrOpen, ErrFull; not executed
	Later       = fault.Later       // not now: LOADING, READONLY, CLUSTERDOWN, MASTERDOWN, NOREPLICAS, BUSY; not executed
	Unreachable = fault.Unreachable // no connection; not executed
	Ambiguous   = fault.Ambiguous   // the connection broke or stayed silent: executed or not
)

// Classify returns the class of an error of Redis or of Do. The context is the
// caller's: it tells its own deadline from all others.
func Classify(ctx context.Context, err error) Class {
	if c := fault.In(ctx, err); c != Other {
		return c
	}
	if errors.Is(err, ErrOpen) || errors.Is(err, ErrFull) {
		return Shed
	}
	return Other
}

// Cause returns the error of a pipeline or transaction that says most, for an
// operation to return. Exec returns the first, and of a transaction that was
// discarded, because of OOM or READONLY too, nothing but the fact.
func Cause(cmds []redis.Cmder, err error) error { return fault.Cause(cmds, err) }
