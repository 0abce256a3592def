package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// ErrRunning is what Run answers while it runs already.
var ErrRunning = errors.New("health: running already")

// Options of a Health. Zero Options work: ready while Run runs.
type Options struct {
	// Checks are what readiness depends on.
	Checks []Check
	// Interval is how often each check runs. Zero is 1 s; negative is an error.
	Interval time.Duration
	// Timeout ends a run of a check. Zero is 500 ms; negative is an error.
	Timeout time.Duration
	// Down is how many failures in a row make a check down. Zero is 3, as in
	// Kubernetes: one lost packet takes no instance out. Negative is an error.
	Down int
	// Up is how many successes in a row make it up, at the start too. Zero is 2:
	// one may be luck, and with the other defaults it is back within 2 s. Negative
	// is an error.
	Up int
	// MaxAge is how old the latest result of a check may be; past it nobody knows,
	// so the check counts as down. Zero is three intervals and a timeout; negative
	// is an error.
	MaxAge time.Duration
	// Logger is told when a check goes down or comes up, with its error. Nil is
	// nobody.
	Logger *slog.Logger
}

// Health knows whether a program is alive, started and ready. Run it, and mount
// Live, Ready and Startup. It is safe for concurrent use.
type Health struct {
	o Options

	mu       sync.Mutex
	states   []state // of o.Checks
	hearts   map[*Heartbeat]struct{}
	running  bool
	started  bool // was ready once
	draining bool
}

// New returns a Health that is alive, and neither started nor ready until Run
// has seen that all checks work. Nothing is asked yet.
func New(o Options) (*Health, error) {
	for _, d := range []struct {
		field string
		value *time.Duration
		zero  time.Duration
	}{
		{"Interval", &o.Interval, time.Second},
		{"Timeout", &o.Timeout, 500 * time.Millisecond},
		{"MaxAge", &o.MaxAge, 0},
	} {
		if *d.value < 0 {
			return nil, fmt.Errorf("health: Options.%s must not be negative, got %v", d.field, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if o.Down < 0 || o.Up < 0 {
		return nil, fmt.Errorf("health: Options.Down and Up must not be negative, got %d and %d", o.Down, o.Up)
	}
	if o.Down == 0 {
		o.Down = 3
	}
	if o.Up == 0 {
		o.Up = 2
	}
	if o.MaxAge == 0 {
		o.MaxAge = 3*o.Interval + o.Timeout
	}
	if o.MaxAge < o.Interval {
		return nil, fmt.Errorf("health: Options.MaxAge must not be below Interval, %v, got %v", o.Interval, o.MaxAge)
	}
	names := map[string]bool{}
	for i, c := range o.Checks {
		switch {
		case c.err != nil:
			return nil, fmt.Errorf("health: Options.Checks[%d]: %w", i, c.err)
		case c.Name == "" || names[c.Name]:
			return nil, fmt.Errorf("health: Options.Checks[%d].Name must be unique and not empty, got %q", i, c.Name)
		case c.Func == nil:
			return nil, fmt.Errorf("health: Options.Checks[%d].Func of %q must not be nil", i, c.Name)
		}
		names[c.Name] = true
	}
	o.Checks = slices.Clone(o.Checks)
	return &Health{o: o, states: make([]state, len(o.Checks)), hearts: map[*Heartbeat]struct{}{}}, nil
}

// Run runs the checks until ctx ends, and returns nil when the last of them has
// returned. Without it the program is not ready.
//
// Redis: what the checks send, each once in an Interval.
func (h *Health) Run(ctx context.Context) error {
	h.mu.Lock()
	if h.running {
		h.mu.Unlock()
		return ErrRunning
	}
	h.running = true
	h.note()
	h.mu.Unlock()
	// What was known before is not known now.
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.running = false
		clear(h.states)
	}()
	var checks sync.WaitGroup
	for i := range h.o.Checks {
		checks.Go(func() { h.repeat(ctx, i) })
	}
	<-ctx.Done()
	checks.Wait()
	return nil
}

// repeat runs one check again and again. One that hangs, in spite of its
// context, delays nothing but itself, and its age tells.
func (h *Health) repeat(ctx context.Context, i int) {
	tick := time.NewTicker(h.o.Interval)
	defer tick.Stop()
	for {
		err := h.o.Checks[i].run(ctx, h.o.Timeout)
		if ctx.Err() != nil {
			return // whatever it says, it may say so because of that
		}
		h.record(i, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// note notes that the program was ready, for who holds mu.
func (h *Health) note() { h.started = h.started || h.report().Ready }

func (h *Health) record(i int, err error) {
	h.mu.Lock()
	changed := h.states[i].record(err, time.Now(), h.o.Down, h.o.Up)
	h.note()
	h.mu.Unlock()
	if !changed || h.o.Logger == nil {
		return
	}
	if name := h.o.Checks[i].Name; err != nil {
		h.o.Logger.Warn("health: down", "check", name, "error", err)
	} else {
		h.o.Logger.Info("health: up", "check", name)
	}
}

// Drain makes readiness fail from now on, so that a load balancer sends no more
// requests; liveness and startup stay as they are. Call it first in a shutdown,
// then wait for as long as the balancer takes to notice, then close the server.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// Report is what is known at a moment. It asks nobody.
type Report struct {
	Ready    bool // all checks that are not optional are up and fresh, and nobody called Drain
	Started  bool // it was ready once
	Draining bool
	Checks   []Status // in the order of Options.Checks
}

// Status is what is known of a check.
type Status struct {
	Name     string
	Optional bool
	Up       bool          // it works, and that is not older than Options.MaxAge
	Detail   string        // a few words on the latest result, or "stale", "unknown"; empty if it was good
	Age      time.Duration // of the latest result; negative before the first
}

// Report returns what is known now.
//
// Redis: none.
func (h *Health) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.report()
}

// report is Report for who holds mu.
func (h *Health) report() Report {
	r := Report{Ready: h.running && !h.draining, Started: h.started, Draining: h.draining}
	now := time.Now()
	for i, c := range h.o.Checks {
		known := h.states[i]
		s := Status{Name: c.Name, Optional: c.Optional, Up: known.up, Detail: detailOf(known.err), Age: now.Sub(known.at)}
		switch {
		case known.at.IsZero():
			s.Detail, s.Age = "unknown", -1
		case s.Age > h.o.MaxAge:
			s.Up, s.Detail = false, "stale"
		}
		r.Ready = r.Ready && (s.Up || s.Optional)
		r.Checks = append(r.Checks, s)
	}
	return r
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
