package writebehind

import (
	"errors"
	"fmt"
)

// The decisions a caller can make.
var (
	// ErrFull: MaxPending keys are pending or dead, and this one is not among
	// them. Nothing was accepted. Write to the database directly, shed the write,
	// or try again when Stats shows room.
	ErrFull = errors.New("writebehind: full")

	// ErrNotInvalidated: the write was accepted and will reach the database, but
	// the cached value could not be removed and may be read until the write is
	// flushed, when it is removed once more.
	ErrNotInvalidated = errors.New("writebehind: accepted, but the cached value is still there")

	// ErrDeleted is what a Loader's function returns for a key whose deletion is
	// pending, unless Options.NotFound names another.
	ErrDeleted = errors.New("writebehind: deleted")

	// ErrNoSink: Run and Drain need Options.Sink.
	ErrNoSink = errors.New("writebehind: no Options.Sink")

	// ErrShards: other processes run with another number of shards. Were both to
	// run, the order of a key's writes would be lost.
	ErrShards = errors.New("writebehind: Options.Shards differs from the number in use")

	// ErrReject, in the error of a sink for one write, says that no further try
	// can help: it becomes a dead letter at once.
	ErrReject = errors.New("writebehind: rejected")
)

// PartialError is what a sink returns when it knows which writes of a batch
// failed: all others are written.
type PartialError struct {
	// Failed holds the error of each write that failed, by its place in the batch.
	// Places that do not exist, and nil errors, are ignored.
	Failed map[int]error
}

// Error says how many failed, and one reason.
func (e *PartialError) Error() string {
	first := -1
	for i := range e.Failed {
		if first < 0 || i < first {
			first = i
		}
	}
	if first < 0 {
		return "writebehind: no write failed"
	}
	return fmt.Sprintf("writebehind: %d writes failed, of which number %d: %v", len(e.Failed), first, e.Failed[first])
}

// Unwrap returns the errors of all writes that failed.
func (e *PartialError) Unwrap() []error {
	errs := make([]error, 0, len(e.Failed))
	for _, err := range e.Failed {
		errs = append(errs, err)
	}
	return errs
}
