package script

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/internal/pipe"
)

// The decisions a caller can make. All are matched with errors.Is.
var (
	// ErrUnknown: the connection failed, or the context ended, after the script
	// may have been sent. It ran once or not at all, and only its effects can
	// tell. Repeat it if a second run does no harm; else read the state first.
	ErrUnknown = errors.New("outcome unknown")

	// ErrCrossSlot: the keys do not share a hash slot. Nothing was sent. In a
	// cluster a script can use only keys of one slot, so this is refused on a
	// single server too: give the keys a common {tag}.
	ErrCrossSlot = errors.New("keys in different slots")

	// ErrArgument: the number or type of keys and arguments is not what the
	// script's header declares. Nothing was sent.
	ErrArgument = errors.New("bad argument")

	// ErrReply: the script answered with another type than the caller asked for.
	// It has run.
	ErrReply = errors.New("unexpected reply")

	// ErrHeader: the source has no valid header, so that New refuses it.
	ErrHeader = errors.New("script: bad header")

	// ErrNotExecuted: the result of a batch was read before the batch was sent.
	ErrNotExecuted = errors.New("script: batch not executed yet")
)

// refused reports whether an error that is not the server's answer proves that
// the command did not run: it was never sent. All others leave the question open.
func refused(err error) bool {
	class := fault.Classify(err)
	return class.Unexecuted() || class == fault.Bug // of the client: it was closed
}

// classify adds ErrUnknown to an error of Process where it belongs.
//
// A command that go-redis may repeat can have run in an earlier attempt than
// the one whose error we see, so for it no connection error proves anything.
func classify(err error, once bool) error {
	if errors.Is(err, redis.ErrCrossSlot) { // the keys of a whole transaction
		return fmt.Errorf("%w: %w", ErrCrossSlot, err)
	}
	if pipe.Answered(err) {
		return err
	}
	if once && refused(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// notSent is the context's error, before anything was sent.
func notSent(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not sent: %w", err)
	}
	return nil
}

// unknownScript reports whether the server refused to run a script because it
// does not have it: the proof that it did not run.
func unknownScript(err error) bool {
	return redis.HasErrorPrefix(err, "NOSCRIPT")
}

// unknownFunction is the same for FCALL.
func unknownFunction(err error) bool {
	return pipe.Answered(err) && strings.HasSuffix(err.Error(), "Function not found")
}
