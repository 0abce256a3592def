package guard

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

var errOrigin = errors.New("the database is down too")

// What each policy makes of each end.
func TestPolicy(t *testing.T) {
	t.Parallel()
	fallback := Fallback(func(context.Context) (int, error) { return 8, nil })
	failing := Fallback(func(context.Context) (int, error) { return 9, errOrigin })
	for _, tt := range []struct {
		name     string
		err      error // of Redis, whose value is 1
		policy   Policy[int]
		want     int
		wantErrs []error
		degraded bool
	}{
		{"answer", nil, FailOpen(7), 1, nil, false},
		{"miss", redis.Nil, FailOpen(7), 1, []error{redis.Nil}, false},
		{"bug", answer("WRONGTYPE Operation"), FailOpen(7), 1, []error{answer("WRONGTYPE Operation")}, false},
		{"own", errOrigin, fallback, 1, []error{errOrigin}, false},
		{"closed", io.EOF, FailClosed[int](), 0, []error{ErrUnavailable, io.EOF}, false},
		{"zero", io.EOF, Policy[int]{}, 0, []error{ErrUnavailable, io.EOF}, false},
		{"open", io.EOF, FailOpen(7), 7, nil, true},
		{"fallback", io.EOF, fallback, 8, nil, true},
		{"fallback fails", io.EOF, failing, 0, []error{ErrUnavailable, io.EOF, errOrigin}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := must[*Guard](t)(New(Options{Name: "sessions"}))
			r, err := DoResult(t.Context(), g, said(tt.err), tt.policy)
			if r.Value != tt.want || (r.Degraded != nil) != tt.degraded || (err == nil) != (tt.wantErrs == nil) {
				t.Errorf("got %+v, %v", r, err)
			}
			if tt.degraded && !errors.Is(r.Degraded, tt.err) {
				t.Errorf("Degraded = %v, want %v", r.Degraded, tt.err)
			}
			for _, want := range tt.wantErrs {
				if !errors.Is(err, want) {
					t.Errorf("%v is not %v", err, want)
				}
			}
			if errors.Is(err, ErrUnavailable) && !strings.HasPrefix(err.Error(), "guard: sessions: redis unavailable: ") {
				t.Errorf("the error reads %q", err)
			}
		})
	}
}

// Fallbacks are limited, or an outage of Redis becomes one of what is behind it.
func TestFallback_limited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{MaxFallbacks: 2}))
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				_ = must[int](t)(Do(t.Context(), g, said(io.EOF), Fallback(func(context.Context) (int, error) { time.Sleep(time.Second); return 1, nil })))
			})
		}
		synctest.Wait()
		_, err := Do(t.Context(), g, said(io.EOF), Fallback(func(context.Context) (int, error) { return 1, nil }))
		if !errors.Is(err, ErrFull) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("a third fallback: %v, want ErrFull", err)
		}
		calls.Wait()
		_ = must[int](t)(Do(t.Context(), g, said(io.EOF), Fallback(func(context.Context) (int, error) { return 1, nil })))
	})
}

// Copies are served while they are young, each to its key, and none of what
// Redis has said is gone.
func TestStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{FailureRate: -1}))
		copies := must[*Copies[string, int]](t)(NewCopies[string, int](CopiesOptions{MaxAge: time.Minute, Entries: 2}))
		ask := func(key string, err error, next Policy[int]) Result[int] {
			t.Helper()
			r, _ := DoResult(t.Context(), g, said(err), Stale(copies, key, next))
			return r
		}
		ask("a", nil, FailClosed[int]())
		time.Sleep(time.Minute)
		if r := ask("a", io.EOF, FailClosed[int]()); r.Value != 1 || r.Age != time.Minute || r.Degraded == nil {
			t.Errorf("a copy of a minute: %+v", r)
		}
		if r := ask("b", io.EOF, FailOpen(7)); r.Value != 7 {
			t.Errorf("another key's: %+v, want the next policy's", r)
		}
		time.Sleep(time.Nanosecond)
		if _, err := Do(t.Context(), g, said(io.EOF), Stale(copies, "a", FailClosed[int]())); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no copy younger than 1m0s") {
			t.Errorf("a copy that is too old: %v", err)
		}
		ask("a", nil, FailClosed[int]())
		ask("a", redis.Nil, FailClosed[int]())
		if r := ask("a", io.EOF, FailOpen(7)); r.Value != 7 {
			t.Errorf("a copy of what is gone: %+v", r)
		}
		for _, key := range []string{"a", "b", "a", "c"} { // b is the oldest
			ask(key, nil, FailClosed[int]())
		}
		for key, want := range map[string]int{"a": 1, "b": 7, "c": 1} {
			if r := ask(key, io.EOF, FailOpen(7)); r.Value != want {
				t.Errorf("with room for two, %s: %d, want %d", key, r.Value, want)
			}
		}
		copies.Forget("a")
		copies.Forget("never seen")
		if r := ask("a", io.EOF, Stale(copies, "c", FailOpen(7))); r.Value != 1 {
			t.Errorf("forgotten, then another copy: %+v", r)
		}
	})
}

// Each bad option is named, with its rule and value.
func TestNew_options(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"Attempts must not be negative, got -1":                {Attempts: -1},
		"BackoffMin must not be negative, got -1ns":            {BackoffMin: -1},
		"BackoffMax must not be below BackoffMin, 1s, got 1ms": {BackoffMin: time.Second, BackoffMax: time.Millisecond},
		"Window must be at least 10ms, got 1ms":                {Window: time.Millisecond},
		"Window must not be negative, got -1ns":                {Window: -1},
		"OpenFor must not be negative, got -1ns":               {OpenFor: -1},
		"MinCalls must not be negative, got -1":                {MinCalls: -1},
		"Probes must not be negative, got -1":                  {Probes: -1},
		"MaxFallbacks must not be negative, got -1":            {MaxFallbacks: -1},
		"FailureRate must be at most 1, got 1.5":               {FailureRate: 1.5},
		"FailureRate must be at most 1, got NaN":               {FailureRate: math.NaN()},
		"RetryRatio must be at most 1, got 2":                  {RetryRatio: 2},
	} {
		if g, err := New(o); err == nil || err.Error() != "guard: Options."+want || g != nil {
			t.Errorf("New = %v, %v; want %s", g, err, want)
		}
	}
	for want, o := range map[string]CopiesOptions{
		"MaxAge must not be negative, got -1ns": {MaxAge: -1},
		"Entries must not be negative, got -1":  {Entries: -1},
	} {
		if c, err := NewCopies[int, int](o); err == nil || err.Error() != "guard: CopiesOptions."+want || c != nil {
			t.Errorf("NewCopies = %v, %v; want %s", c, err, want)
		}
	}
	off := must[*Guard](t)(New(Options{Timeout: -1, SlowAfter: -1, MaxConcurrent: -1, MaxWait: -1, RetryRatio: -1, RetryMin: -1, FailureRate: -1}))
	for range 100 {
		_, _ = Do(t.Context(), off, said(errLoading), FailOpen(0))
	}
	if s := off.Stats(); s.Retries != 0 || s.State != Closed || s.Failed != 100 {
		t.Errorf("with everything off: %+v", s)
	}
	for state, want := range map[State]string{Closed: "closed", HalfOpen: "half-open", Open: "open", 9: "state 9"} {
		if state.String() != want {
			t.Errorf("%d is %q", state, state)
		}
	}
}
