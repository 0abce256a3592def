package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// The exit codes of the contract.
const (
	exitDone  = 0
	exitNo    = 1 // a check failed, a claim did not hold, the run was stopped
	exitUsage = 2
	exitLacks = 3 // the environment lacks something
)

// usageError is a mistake in the call.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// answerNo ends a command whose output has said everything.
type answerNo struct{} //nolint:errname // it is an answer; nothing went wrong

func (*answerNo) Error() string { return "the answer is no" }

// toldError is what went wrong beside a report that is printed: with --json the
// standard output has its one document, so this goes to the standard error.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// exitCode classifies an error. What is neither wrong usage nor a "no" is taken
// for something that the environment lacks: no server, no source tree, no port.
func exitCode(err error) int {
	var (
		usage   usageError
		param   *unit.ParamError
		unknown *unit.NotFoundError
		steps   *race.ScheduleError
		no      *answerNo
	)
	switch {
	case errors.As(err, &no), errors.Is(err, context.Canceled):
		return exitNo
	case errors.As(err, &usage), errors.As(err, &param), errors.As(err, &unknown), errors.As(err, &steps):
		return exitUsage
	}
	return exitLacks
}
