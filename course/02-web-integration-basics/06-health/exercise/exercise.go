//go:build !solution

// Package exercise answers an orchestrator.
package exercise

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Options of Probes. All of them are set.
type Options struct {
	// Check says whether the program can serve. It may hang, and look at no context.
	Check func(ctx context.Context) error
	// Timeout is the longest that one look may take.
	Timeout time.Duration
	// Down failures in a row make the program not ready, Up successes in a row ready.
	Down, Up int
	// MaxAge is how old the latest result may be; what is older is not believed.
	MaxAge time.Duration
	// Now is the time.
	Now func() time.Time
}

// Probes know whether a program is alive, started and ready.
type Probes struct{}

// New returns Probes of a program that has not started yet.
func New(o Options) (*Probes, error) { return nil, ErrNotImplemented }

// Look calls Check once and notes what came of it, with the time at which it came.
// A loop calls it again and again, one call at a time. It returns within Timeout,
// also if Check does not; such a check has failed, and what it says later is not
// looked at.
func (p *Probes) Look(ctx context.Context) {}

// Drain makes the program not ready for good.
func (p *Probes) Drain() {}

// Handler answers with 200 or 503, at once, from what is known; it never calls Check.
//
//	GET /livez     200: nothing that a restart would not mend is looked at
//	GET /readyz    200 while up, with a result not older than MaxAge, and not drained
//	GET /startupz  200 from when Up successes in a row were seen for the first time,
//	               and ever after
func (p *Probes) Handler() http.Handler { return nil }

// Works is a Check of a Redis that the program writes to: nil only if it takes what
// is written now. It leaves nothing behind, or at most key, for a minute at most, and
// costs two round trips at most. Several instances may use the same key at once.
func Works(rdb redis.UniversalClient, key string) func(ctx context.Context) error {
	return func(context.Context) error { return ErrNotImplemented }
}
