package guard

import (
	"fmt"
	"time"
)

// Options of a Guard. Zero Options work.
type Options struct {
	// Name is used in errors. Empty is "redis".
	Name string

	// Timeout ends an attempt. Zero is 250 ms, some hundred times what an answer
	// takes within a data centre; negative is none but the caller's own. It counts
	// on the wire only where the client's contexts do (ContextTimeoutEnabled, which
	// kit/connect sets).
	Timeout time.Duration
	// SlowAfter is how long a call must have waited in vain for its caller's own
	// deadline to count against Redis. Zero is a fifth of Timeout, 50 ms where
	// that is negative; negative means that no caller's deadline counts.
	SlowAfter time.Duration

	// MaxConcurrent is how many operations may be under way. Zero is 256, the
	// number of callers at which batching pays best in kit/internal/pipe's
	// measurement; negative is no limit.
	MaxConcurrent int
	// MaxWait is how long a call waits for its place among them. Zero, and
	// negative, is not at all: ErrFull.
	MaxWait time.Duration

	// Attempts is the most that a call may have, the first included. Zero is 3;
	// 1 means no retries; negative is an error.
	Attempts int
	// BackoffMin and BackoffMax bound the wait before an attempt: it is random
	// between zero and BackoffMin after the first, and that bound doubles up to
	// BackoffMax. Zero is 8 ms and 512 ms, as in go-redis; negative is an error.
	BackoffMin, BackoffMax time.Duration
	// RetryRatio is how many retries may be made for each call, all calls of ten
	// seconds taken together. Zero is 0.1, as in Google's "Site Reliability
	// Engineering", chapter 21; negative is none but RetryMin.
	RetryRatio float64
	// RetryMin is how many more may be made in ten seconds, for programs with few
	// calls. Zero is 10, a tenth of what Finagle gives; negative is none.
	RetryMin int

	// FailureRate opens the circuit: the share of attempts within Window that
	// failed. Zero is 0.5, as in Hystrix and resilience4j; it is at most 1;
	// negative means that the circuit never opens.
	FailureRate float64
	// MinCalls is how many attempts Window must hold for that. Zero is 10;
	// negative is an error.
	MinCalls int
	// Window is how far back attempts count. Zero is 2 s: callers who wait for a
	// Redis that hangs make few attempts, so the successes before must be
	// forgotten before the rate can rise. Hystrix's 10 s would let them wait five
	// times as long. Less than 10 ms is an error.
	Window time.Duration
	// OpenFor is how long an open circuit keeps everything back before it lets
	// probes through, give or take a fifth so that many programs do not probe in
	// step. Zero is 1 s: recovery is promised within 5 s, and one command a second
	// is nothing to Redis. Negative is an error.
	OpenFor time.Duration
	// Probes is how many operations may be under way while the circuit is half
	// open, and how many must succeed to close it; one that fails opens it again.
	// Zero is 3; negative is an error.
	Probes int

	// MaxFallbacks is how many functions of Fallback may be under way, so that
	// what stands behind them is not overrun. Zero is 10, as in Hystrix; negative
	// is an error.
	MaxFallbacks int

	// OnStateChange is told of each change of the circuit, in the goroutine of the
	// call that caused it. It must not block. Nil is nobody.
	OnStateChange func(Change)
}

// resolve fills in the defaults and refuses what makes no sense.
func (o Options) resolve() (Options, error) {
	for _, d := range []struct {
		field string
		value *time.Duration
		zero  time.Duration
		off   bool // negative has a meaning
	}{
		{"Timeout", &o.Timeout, 250 * time.Millisecond, true},
		{"MaxWait", &o.MaxWait, 0, true},
		{"BackoffMin", &o.BackoffMin, 8 * time.Millisecond, false},
		{"BackoffMax", &o.BackoffMax, 512 * time.Millisecond, false},
		{"Window", &o.Window, 2 * time.Second, false},
		{"OpenFor", &o.OpenFor, time.Second, false},
	} {
		if *d.value < 0 && !d.off {
			return o, fmt.Errorf("guard: Options.%s must not be negative, got %v", d.field, *d.value)
		}
		orZero(d.value, d.zero)
	}
	for _, n := range []struct {
		field string
		value *int
		zero  int
		off   bool
	}{
		{"MaxConcurrent", &o.MaxConcurrent, 256, true},
		{"Attempts", &o.Attempts, 3, false},
		{"RetryMin", &o.RetryMin, 10, true},
		{"MinCalls", &o.MinCalls, 10, false},
		{"Probes", &o.Probes, 3, false},
		{"MaxFallbacks", &o.MaxFallbacks, 10, false},
	} {
		if *n.value < 0 && !n.off {
			return o, fmt.Errorf("guard: Options.%s must not be negative, got %d", n.field, *n.value)
		}
		orZero(n.value, n.zero)
	}
	orZero(&o.Name, "redis")
	orZero(&o.RetryRatio, 0.1)
	orZero(&o.FailureRate, 0.5)
	slow := 50 * time.Millisecond
	if o.Timeout > 0 {
		slow = o.Timeout / 5
	}
	orZero(&o.SlowAfter, slow)
	o.MaxWait = max(o.MaxWait, 0)
	if o.Window < 10*time.Millisecond {
		return o, fmt.Errorf("guard: Options.Window must be at least 10ms, got %v", o.Window)
	}
	// "Not <=" is true of NaN.
	if !(o.FailureRate <= 1) {
		return o, fmt.Errorf("guard: Options.FailureRate must be at most 1, got %v", o.FailureRate)
	}
	if !(o.RetryRatio <= 1) {
		return o, fmt.Errorf("guard: Options.RetryRatio must be at most 1, got %v", o.RetryRatio)
	}
	if o.BackoffMax < o.BackoffMin {
		return o, fmt.Errorf("guard: Options.BackoffMax must not be below BackoffMin, %v, got %v", o.BackoffMin, o.BackoffMax)
	}
	return o, nil
}

func orZero[T comparable](value *T, zero T) {
	var none T
	if *value == none {
		*value = zero
	}
}
