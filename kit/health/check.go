package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Check is a thing that readiness depends on.
type Check struct {
	// Name stands in the answer and in the log. It must be unique, and not empty.
	Name string
	// Func returns nil when the thing works. It must end with its context. It runs
	// in the background, one call at a time, such as (*sql.DB).PingContext.
	Func func(ctx context.Context) error
	// Optional means that the answer tells of the check and does not depend on it:
	// for what the program can do without. If all instances leave the load balancer
	// because a cache is down, the outage is yours.
	Optional bool

	err error // why it could not be made
}

// Fail is an error of a check with the few words that the answer may show. The
// error itself is only logged: it may name hosts, users and tables.
func Fail(detail string, err error) error { return &failed{detail, err} }

type failed struct {
	detail string
	err    error
}

func (f *failed) Error() string { return fmt.Sprintf("%s: %v", f.detail, f.err) }
func (f *failed) Unwrap() error { return f.err }

// detailOf is what the answer shows of an error.
func detailOf(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*failed](err); ok {
		return f.detail
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "failed"
}

// run makes one call, bounded by the time limit. A panic is an error: one check
// must not end the program. An answer that came too late is none, for a check
// that does not look at its context.
func (c *Check) run(ctx context.Context, limit time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if took := time.Since(start); err == nil && took > limit {
			err = Fail("timeout", fmt.Errorf("it took %v", took))
		}
	}()
	return c.Func(ctx)
}

// state is what is known of a check. It is up or down, and only some results in
// a row that say otherwise change that.
type state struct {
	up     bool
	streak int       // results in a row that contradict up
	at     time.Time // of the latest result; zero before the first
	err    error     // of the latest result
}

// record takes a result and reports whether it changed up.
func (s *state) record(err error, at time.Time, down, up int) bool {
	s.at, s.err = at, err
	if (err == nil) == s.up {
		s.streak = 0
		return false
	}
	s.streak++
	if s.up && s.streak < down || !s.up && s.streak < up {
		return false
	}
	s.up, s.streak = !s.up, 0
	return true
}
