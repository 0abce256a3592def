package guard

import (
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// State is that of the circuit.
type State uint8

// The states.
const (
	Closed   State = iota // everything passes
	HalfOpen              // probes pass
	Open                  // nothing passes
)

// String is the state in small letters.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case HalfOpen:
		return "half-open"
	case Open:
		return "open"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Change is one of the circuit's. Two that follow each other closely may be told
// in either order; At is theirs.
type Change struct {
	From, To State
	At       time.Time
	Cause    error // the failure that opened it; nil otherwise
}

// breaker is failsafe-go's circuit breaker, which keeps the window and the
// state, with the bookkeeping of probes that Redis needs. On its own it counts a
// result in the state that it finds, so that a call from before an outage would
// pass for a probe; and a probe that comes to no result, since its caller left,
// would hold its permit for ever: after a few of them nothing passes any more.
type breaker struct {
	mu      sync.Mutex
	circuit circuitbreaker.CircuitBreaker[any]
	never   bool // opens
	probes  int
	probing int    // probes under way
	epoch   uint64 // number of the current state
	cause   error  // of the result being recorded
	changes []Change
	tell    func(Change)
}

// pass is the right to one attempt.
type pass struct {
	epoch uint64
	probe bool
}

func newBreaker(o Options) *breaker {
	b := &breaker{never: o.FailureRate < 0, probes: o.Probes, tell: o.OnStateChange}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(max(o.FailureRate, 0), uint(o.MinCalls), o.Window).
		WithSuccessThreshold(uint(o.Probes)).
		WithDelay(o.OpenFor).WithJitterFactor(0.2).
		OnStateChanged(b.changed).
		Build()
	return b
}

// changed is called by the circuit, within a method of ours that holds mu.
func (b *breaker) changed(e circuitbreaker.StateChangedEvent) {
	b.epoch++
	b.probing = 0
	if b.tell != nil {
		b.changes = append(b.changes, Change{From: stateOf(e.OldState), To: stateOf(e.NewState), At: time.Now(), Cause: b.cause})
	}
}

func stateOf(s circuitbreaker.State) State {
	switch s {
	case circuitbreaker.OpenState:
		return Open
	case circuitbreaker.HalfOpenState:
		return HalfOpen
	default:
		return Closed
	}
}

// unlock tells of what changed, when mu is free.
func (b *breaker) unlock() {
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	for _, c := range changes {
		b.tell(c)
	}
}

// admit lets an attempt through, or does not. Each pass ends with done.
func (b *breaker) admit() (pass, bool) {
	if b.never {
		return pass{}, true
	}
	b.mu.Lock()
	defer b.unlock()
	if b.circuit.IsOpen() {
		if b.circuit.RemainingDelay() > 0 {
			return pass{}, false
		}
		b.circuit.HalfOpen()
	}
	half := b.circuit.IsHalfOpen()
	if half {
		if b.probing >= b.probes {
			return pass{}, false
		}
		b.probing++
	}
	return pass{epoch: b.epoch, probe: half}, true
}

// done records what came of an attempt. One that began in a state that is over
// is not recorded: it says how Redis was then.
func (b *breaker) done(p pass, v verdict, err error) {
	if b.never {
		return
	}
	b.mu.Lock()
	defer b.unlock()
	if p.epoch != b.epoch {
		return
	}
	if p.probe {
		b.probing--
	}
	switch v {
	case success:
		b.circuit.RecordSuccess()
	case failure:
		b.cause = err
		b.circuit.RecordFailure()
		b.cause = nil
	}
}

// state returns the state, and how long it stays open.
func (b *breaker) state() (State, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return stateOf(b.circuit.State()), b.circuit.RemainingDelay()
}
