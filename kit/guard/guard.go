package guard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"github.com/redis-grind/grind/kit/internal/fault"
)

// The decisions a caller can make.
var (
	// ErrUnavailable: Redis could not serve the call, and the policy had nothing
	// in its place. What happened is wrapped beside it; Classify reads it.
	ErrUnavailable = errors.New("redis unavailable")
	// ErrOpen: the circuit is open, so nothing was sent. It comes within
	// ErrUnavailable.
	ErrOpen = errors.New("circuit open")
	// ErrFull: as many operations are under way as may be, so this one was not
	// sent, or as many fallbacks. It comes within ErrUnavailable.
	ErrFull = errors.New("too many at once")
)

// Guard stands between a program and its Redis. Make one for each Redis, and
// let all callers share it; use it by Do. It is safe for concurrent use and
// starts no goroutine.
type Guard struct {
	o         Options
	breaker   *breaker
	places    bulkhead.Bulkhead[any] // nil: no limit
	fallbacks bulkhead.Bulkhead[any]
	budget    budget
	random    func() float64 // in [0, 1); tests replace it
	counts    counts
}

// New returns a guard whose circuit is closed. Nothing is sent.
func New(o Options) (*Guard, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	g := &Guard{
		o:         o,
		breaker:   newBreaker(o),
		fallbacks: bulkhead.New[any](uint(o.MaxFallbacks)),
		budget:    budget{ratio: max(o.RetryRatio, 0), least: max(o.RetryMin, 0)},
		random:    rand.Float64,
	}
	if o.MaxConcurrent > 0 {
		g.places = bulkhead.New[any](uint(o.MaxConcurrent))
	}
	return g, nil
}

// Option changes one call.
type Option func(*call)

type call struct{ idempotent bool }

// Idempotent declares that the operation may run twice and leave what it leaves
// when it runs once: it only reads, sets what does not depend on what was there,
// or carries an id that Redis checks. Then it is repeated too when nobody knows
// whether it ran. INCR, LPUSH and XADD are not idempotent.
func Idempotent() Option { return func(c *call) { c.idempotent = true } }

// Result is what a call came to.
type Result[T any] struct {
	// Value is Redis's, or the policy's.
	Value T
	// Degraded is why Redis could not serve, when Value is the policy's; nil when
	// it is Redis's.
	Degraded error
	// Age is how old a copy of Stale is; zero for all other values.
	Age time.Duration
}

// Do runs an operation against Redis under the guard; when Redis is down, the
// policy answers:
//
//	page, err := guard.Do(ctx, g, func(ctx context.Context) (string, error) {
//		return client.Get(ctx, "page").Result()
//	}, guard.FailOpen(""), guard.Idempotent())
//
// The operation must use the context that it is given, which ends after
// Options.Timeout, and return Redis's errors, wrapped or not; after Exec of a
// pipeline, Cause's. It runs in the caller's goroutine, once for each attempt.
//
// Its error is returned as it is when Redis is not what failed: a miss
// (redis.Nil), a bug, an error of the caller's own, a caller who left. Else the
// policy decides; what it has nothing for is ErrUnavailable. Then Classify says
// whether the operation ran: with Ambiguous it did or did not, with any other it
// did not. Repeating it is safe if it is idempotent or the class is Unexecuted.
//
// Redis: what the operation sends, up to Options.Attempts times; nothing while
// the circuit is open.
func Do[T any](ctx context.Context, g *Guard, op func(context.Context) (T, error), p Policy[T], opts ...Option) (T, error) {
	r, err := DoResult(ctx, g, op, p, opts...)
	return r.Value, err
}

// DoResult is Do for who must tell a degraded answer from Redis's own.
func DoResult[T any](ctx context.Context, g *Guard, op func(context.Context) (T, error), p Policy[T], opts ...Option) (Result[T], error) {
	var c call
	for _, opt := range opts {
		opt(&c)
	}
	v, class, err := run(ctx, g, op, c)
	if !class.Down() || ctx.Err() != nil {
		if class == fault.None && p.answered != nil {
			p.answered(v, err)
		}
		return Result[T]{Value: v}, err
	}
	if p.serve == nil {
		return Result[T]{}, g.unavailable(err)
	}
	v, age, serveErr := p.serve(ctx, g, err)
	if serveErr != nil {
		return Result[T]{}, g.unavailable(errors.Join(err, serveErr))
	}
	g.counts.degraded.Add(1)
	return Result[T]{Value: v, Degraded: err, Age: age}, nil
}

func (g *Guard) unavailable(cause error) error {
	return fmt.Errorf("guard: %s: %w: %w", g.o.Name, ErrUnavailable, cause)
}

// run makes the attempts that one call may have. Its error is the last one that
// says what became of the operation.
func run[T any](ctx context.Context, g *Guard, op func(context.Context) (T, error), c call) (v T, class Class, err error) {
	g.counts.calls.Add(1)
	g.budget.called(time.Now())
	v, class, err = attempt(ctx, g, op)
	last := class
	for n := 1; g.again(ctx, n, last, c); n++ {
		var nextV T
		var nextErr error
		nextV, last, nextErr = attempt(ctx, g, op)
		if errors.Is(nextErr, ErrOpen) || errors.Is(nextErr, ErrFull) {
			break // the guard held it back
		}
		// One that did not run takes nothing from an earlier one that may have.
		if class != fault.Ambiguous || !last.Unexecuted() {
			v, class, err = nextV, last, nextErr
		}
	}
	return v, class, err
}

// again reports whether another attempt is to be made, after it has waited.
func (g *Guard) again(ctx context.Context, n int, class Class, c call) bool {
	if n >= g.o.Attempts || !repeatable(class, c.idempotent) {
		return false
	}
	wait := g.backoff(n)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false // the caller would be gone
	}
	if !g.budget.spend(time.Now()) {
		g.counts.overBudget.Add(1)
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		g.counts.retries.Add(1)
		return true
	}
}

// repeatable reports whether an error of the class may be followed by another
// attempt. A server that sheds load gets none: it has said that it is too much.
func repeatable(class Class, idempotent bool) bool {
	switch class {
	case fault.Later, fault.Unreachable, fault.Redirect:
		return true
	case fault.Ambiguous:
		return idempotent
	default:
		return false
	}
}

// backoff is the wait after attempt n: anything from nothing to a bound that
// doubles. Brooker 2015 calls it full jitter: it spreads callers who failed
// together over the whole interval.
func (g *Guard) backoff(n int) time.Duration {
	bound := g.o.BackoffMax
	if n < 32 {
		bound = min(bound, g.o.BackoffMin<<(n-1))
	}
	return time.Duration(g.random() * float64(bound))
}

// attempt runs the operation once, if there is room and the circuit lets it
// through, and tells the circuit what came of it.
func attempt[T any](ctx context.Context, g *Guard, op func(context.Context) (T, error)) (v T, class Class, err error) {
	if err := ctx.Err(); err != nil {
		return v, fault.Caller, fmt.Errorf("guard: %s: not sent: %w", g.o.Name, err)
	}
	if class, err := g.enter(ctx); err != nil {
		return v, class, err
	}
	defer g.leave()
	pass, ok := g.breaker.admit()
	if !ok {
		g.counts.rejected.Add(1)
		return v, fault.Shed, ErrOpen
	}
	verdict := ignored // also of an operation that panics
	defer func() { g.breaker.done(pass, verdict, err) }()

	step := ctx
	if g.o.Timeout > 0 {
		var cancel context.CancelFunc
		step, cancel = context.WithTimeout(ctx, g.o.Timeout)
		defer cancel()
	}
	start := time.Now()
	v, err = op(step)
	class = Classify(ctx, err)
	verdict = g.judge(class, err, time.Since(start))
	g.counts.verdicts[verdict].Add(1)
	return v, class, err
}

// enter takes a place in the bulkhead.
func (g *Guard) enter(ctx context.Context) (Class, error) {
	if g.places == nil {
		g.counts.inFlight.Add(1)
		return fault.None, nil
	}
	err := g.places.AcquirePermitWithMaxWait(ctx, g.o.MaxWait)
	switch {
	case err == nil:
		g.counts.inFlight.Add(1)
		return fault.None, nil
	case errors.Is(err, bulkhead.ErrFull):
		g.counts.full.Add(1)
		return fault.Shed, ErrFull
	default:
		return fault.Caller, fmt.Errorf("guard: %s: not sent: %w", g.o.Name, err)
	}
}

func (g *Guard) leave() {
	g.counts.inFlight.Add(-1)
	if g.places != nil {
		g.places.ReleasePermit()
	}
}

// verdict is what an operation says about Redis.
type verdict int

const (
	ignored verdict = iota // nothing
	success
	failure
)

// judge decides what counts. An answer is a success of Redis, whatever it says
// about the program. A caller who left says nothing, but for one: whose own
// deadline ended a wait that was long for Redis. Else a server that hangs would
// never open the circuit for callers less patient than the guard.
func (g *Guard) judge(class Class, err error, took time.Duration) verdict {
	switch {
	case class.Down():
		return failure
	case class == fault.Caller && g.o.SlowAfter > 0 && took >= g.o.SlowAfter && !errors.Is(err, context.Canceled):
		return failure
	case class == fault.None, class == fault.Bug, class == fault.Redirect:
		return success
	default:
		return ignored
	}
}

// counts is what Stats reads.
type counts struct {
	calls, retries, overBudget, rejected, full, degraded atomic.Uint64
	verdicts                                             [failure + 1]atomic.Uint64
	inFlight                                             atomic.Int64
}

// Stats is what a guard did since it was made.
type Stats struct {
	State      State
	RetryAfter time.Duration // until the circuit lets a probe through; zero unless it is open
	InFlight   int           // operations under way
	Calls      uint64        // of Do
	Answered   uint64        // attempts that Redis answered, with a miss or a refusal too
	Failed     uint64        // attempts that count against Redis
	Ignored    uint64        // attempts that say nothing about it: the caller left, or its own code failed
	Retries    uint64        // attempts after the first
	OverBudget uint64        // attempts that were due and not made, since the budget was spent
	Rejected   uint64        // attempts that the open circuit kept back
	Full       uint64        // attempts and fallbacks for which there was no room
	Degraded   uint64        // calls that a policy answered
}

// Stats returns the counts so far.
//
// Redis: none.
func (g *Guard) Stats() Stats {
	c := &g.counts
	state, wait := g.breaker.state()
	return Stats{
		State: state, RetryAfter: wait, InFlight: int(c.inFlight.Load()),
		Calls: c.calls.Load(), Answered: c.verdicts[success].Load(), Failed: c.verdicts[failure].Load(), Ignored: c.verdicts[ignored].Load(),
		Retries: c.retries.Load(), OverBudget: c.overBudget.Load(),
		Rejected: c.rejected.Load(), Full: c.full.Load(), Degraded: c.degraded.Load(),
	}
}
