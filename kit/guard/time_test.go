package guard

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// These tests are about when, so Redis is a function and the clock is synctest's.

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// said is an operation that ends at once with an error.
func said(err error) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return 1, err }
}

// answer is an error of the server.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

const errLoading = answer("LOADING Redis is loading the dataset in memory")

// open makes failures until the circuit opens, which is at the tenth.
func open(t *testing.T, g *Guard) {
	t.Helper()
	for n := 1; n <= 10; n++ {
		if got := g.Stats().State; got != Closed {
			t.Fatalf("%v before failure %d, want closed", got, n)
		}
		_, err := Do(t.Context(), g, said(io.EOF), FailClosed[int]())
		if !errors.Is(err, io.EOF) || !errors.Is(err, ErrUnavailable) {
			t.Fatalf("failure %d: %v", n, err)
		}
	}
	if got := g.Stats().State; got != Open {
		t.Fatalf("%v after ten failures, want open", got)
	}
}

// The life of a circuit, with its times.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		g := must[*Guard](t)(New(Options{OnStateChange: func(c Change) { changes = append(changes, c) }}))
		open(t, g)
		ran := 0
		op := func(context.Context) (int, error) { ran++; return 7, nil }
		wait := g.Stats().RetryAfter
		if wait < 800*time.Millisecond || wait > 1200*time.Millisecond {
			t.Errorf("open for %v, want 1 s give or take a fifth", wait)
		}
		time.Sleep(wait - 1)
		if _, err := Do(t.Context(), g, op, FailClosed[int]()); !errors.Is(err, ErrOpen) || !Classify(t.Context(), err).Unexecuted() || ran != 0 {
			t.Errorf("while open: %v, ran %d times; want ErrOpen and unexecuted", err, ran)
		}
		time.Sleep(time.Nanosecond)
		for n := 1; n <= 3; n++ {
			if v, err := Do(t.Context(), g, op, FailClosed[int]()); v != 7 || err != nil {
				t.Errorf("probe %d: %d, %v", n, v, err)
			}
			if want := map[bool]State{true: HalfOpen, false: Closed}[n < 3]; g.Stats().State != want {
				t.Errorf("after probe %d: %v, want %v", n, g.Stats().State, want)
			}
		}
		var got []State
		for _, c := range changes {
			got = append(got, c.From, c.To)
			if failed := errors.Is(c.Cause, io.EOF); failed != (c.To == Open) {
				t.Errorf("the cause of %v is %v", c.To, c.Cause)
			}
		}
		if want := []State{Closed, Open, Open, HalfOpen, HalfOpen, Closed}; !slices.Equal(got, want) {
			t.Errorf("changes %v, want %v", got, want)
		}
	})
}

// A probe that fails opens the circuit again, for its full time.
func TestBreaker_probeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{}))
		open(t, g)
		for range 20 {
			time.Sleep(g.Stats().RetryAfter)
			_, _ = Do(t.Context(), g, said(nil), FailClosed[int]())
			_, err := Do(t.Context(), g, said(errLoading), FailClosed[int]())
			if s := g.Stats(); !errors.Is(err, errLoading) || s.State != Open || s.RetryAfter < 792*time.Millisecond { // 8 ms of it may be the wait for a retry
				t.Fatalf("after a probe that failed: %v, %+v", err, s)
			}
		}
	})
}

// While probes are under way no more than three pass. Their callers leave, and
// the next three pass all the same: a probe without a result holds nothing.
func TestBreaker_probesLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{}))
		open(t, g)
		time.Sleep(2 * time.Second)
		for round := range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			var probes sync.WaitGroup
			for range 3 {
				probes.Go(func() {
					_, err := Do(ctx, g, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, FailClosed[int]())
					if !errors.Is(err, context.Canceled) {
						t.Errorf("a probe whose caller left: %v", err)
					}
				})
			}
			synctest.Wait()
			if _, err := Do(t.Context(), g, said(nil), FailClosed[int]()); !errors.Is(err, ErrOpen) {
				t.Errorf("round %d: a fourth probe: %v, want ErrOpen", round, err)
			}
			cancel()
			probes.Wait()
			if got := g.Stats().State; got != HalfOpen {
				t.Fatalf("round %d: %v after the callers left, want half-open", round, got)
			}
		}
		for range 3 {
			_ = must[int](t)(Do(t.Context(), g, said(nil), FailClosed[int]()))
		}
		if got := g.Stats().State; got != Closed {
			t.Errorf("%v after three good probes, want closed", got)
		}
	})
}

// A panic passes, and holds neither place nor probe.
func TestDo_panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{MaxConcurrent: 1}))
		open(t, g)
		time.Sleep(2 * time.Second)
		for range 5 {
			func() {
				defer func() {
					if recover() != "mine" {
						t.Error("the panic did not pass")
					}
				}()
				_, _ = Do(t.Context(), g, func(context.Context) (int, error) { panic("mine") }, FailClosed[int]())
			}()
		}
		if s := g.Stats(); s.InFlight != 0 || s.State != HalfOpen {
			t.Errorf("after panics: %+v", s)
		}
		_ = must[int](t)(Do(t.Context(), g, said(nil), FailClosed[int]()))
	})
}

// An answer to a call from before the outage is no probe, nor is a late failure.
func TestBreaker_late(t *testing.T) {
	t.Parallel()
	for _, result := range []error{nil, io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			g := must[*Guard](t)(New(Options{Timeout: -1}))
			late := make(chan struct{})
			var calls sync.WaitGroup
			for range 5 {
				calls.Go(func() {
					_, _ = Do(t.Context(), g, func(context.Context) (int, error) { <-late; return 0, result }, FailClosed[int]())
				})
			}
			synctest.Wait()
			open(t, g)
			time.Sleep(2 * time.Second)
			_ = must[int](t)(Do(t.Context(), g, said(nil), FailClosed[int]())) // the first probe
			close(late)
			calls.Wait()
			if got := g.Stats().State; got != HalfOpen {
				t.Errorf("after late results (%v): %v, want half-open", result, got)
			}
		})
	}
}

// What never opens a circuit, however often it comes.
func TestBreaker_ignores(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]func(context.Context) (int, error){
		"answer":        said(nil),
		"miss":          said(redis.Nil),
		"lost WATCH":    said(redis.TxFailedErr),
		"WRONGTYPE":     said(answer("WRONGTYPE Operation against a key holding the wrong kind of value")),
		"MOVED":         said(answer("MOVED 1 127.0.0.1:1")),
		"own code":      said(errors.New("cannot decode")),
		"cancelled":     said(context.Canceled),
		"closed":        said(redis.ErrClosed),
		"a third fails": nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := must[*Guard](t)(New(Options{Attempts: 1}))
			for n := range 1000 {
				do := op
				if op == nil && n%3 == 2 {
					do = said(io.EOF)
				} else if op == nil {
					do = said(nil)
				}
				_, err := Do(t.Context(), g, do, FailOpen(0))
				if op != nil && errors.Is(err, ErrUnavailable) {
					t.Fatalf("%s: %v", name, err)
				}
				time.Sleep(time.Millisecond)
			}
			if got := g.Stats().State; got != Closed {
				t.Errorf("%s: %v, want closed", name, got)
			}
		})
	}
}

// A Redis that hangs, for callers with other patience than the guard.
func TestDo_hangs(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	for _, tt := range []struct {
		name     string
		patience time.Duration // the caller's deadline; negative: cancels after so long
		took     time.Duration
		want     State
	}{
		{"the guard's timeout", time.Hour, 250 * time.Millisecond, Open},
		{"a caller's deadline, long for Redis", 50 * time.Millisecond, 50 * time.Millisecond, Open},
		{"a caller's deadline, short for Redis", 49 * time.Millisecond, 49 * time.Millisecond, Closed},
		{"a caller who cancels", -200 * time.Millisecond, 200 * time.Millisecond, Closed},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := must[*Guard](t)(New(Options{Window: time.Hour}))
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				if tt.patience < 0 {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(-tt.patience, cancel)
				}
				start := time.Now()
				_, err := Do(ctx, g, hang, FailClosed[int]())
				if err == nil || time.Since(start) != tt.took {
					t.Errorf("%s: %v after %v, want %v", tt.name, err, time.Since(start), tt.took)
				}
				cancel()
			}
			if got := g.Stats().State; got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

// After a long rest the circuit starts from nothing.
func TestBreaker_rest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{Attempts: 1}))
		for range 5 {
			for range 9 {
				_, _ = Do(t.Context(), g, said(io.EOF), FailOpen(0))
			}
			if got := g.Stats().State; got != Closed {
				t.Fatalf("%v after nine failures, want closed", got)
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// The bulkhead: who finds no place is refused at once, or after MaxWait.
func TestDo_bulkhead(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, 30 * time.Millisecond, 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			g := must[*Guard](t)(New(Options{MaxConcurrent: 4, MaxWait: wait, Timeout: -1}))
			var calls sync.WaitGroup
			for range 4 {
				calls.Go(func() {
					_ = must[int](t)(Do(t.Context(), g, func(context.Context) (int, error) { time.Sleep(50 * time.Millisecond); return 0, nil }, FailClosed[int]()))
				})
			}
			synctest.Wait()
			start := time.Now()
			_, err := Do(t.Context(), g, said(nil), FailClosed[int]())
			took := time.Since(start)
			if full := errors.Is(err, ErrFull); full != (wait < 50*time.Millisecond) || took != min(wait, 50*time.Millisecond) {
				t.Errorf("MaxWait %v: %v after %v", wait, err, took)
			}
			calls.Wait()
			if s := g.Stats(); s.Failed != 0 || s.State != Closed {
				t.Errorf("being full counted against Redis: %+v", s)
			}
		})
	}
}

// Who leaves while it waits for its place is not sent, and counts for nothing.
func TestDo_leavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{MaxConcurrent: 1, MaxWait: time.Hour, Timeout: -1}))
		held := make(chan struct{})
		var calls sync.WaitGroup
		calls.Go(func() {
			_ = must[int](t)(Do(t.Context(), g, func(context.Context) (int, error) { <-held; return 0, nil }, FailClosed[int]()))
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := Do(ctx, g, func(context.Context) (int, error) { t.Error("it was sent"); return 0, nil }, FailOpen(1))
		if !errors.Is(err, context.Canceled) || Classify(ctx, err) != Caller {
			t.Errorf("got %v", err)
		}
		close(held)
		calls.Wait()
		if s := g.Stats(); s.Full != 0 || s.Answered != 1 || s.Failed+s.Ignored != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// How often each class is repeated.
func TestDo_retries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err        error
		attempts   int
		idempotent int // attempts of a call that says so
	}{
		{nil, 1, 1},
		{redis.Nil, 1, 1},
		{errors.New("mine"), 1, 1},
		{context.Canceled, 1, 1},
		{answer("WRONGTYPE Operation"), 1, 1},
		{answer("OOM command not allowed"), 1, 1},
		{redis.ErrPoolTimeout, 1, 1},
		{answer("TRYAGAIN Multiple keys"), 3, 3},
		{errLoading, 3, 3},
		{answer("READONLY You can't write"), 3, 3},
		{io.EOF, 1, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := must[*Guard](t)(New(Options{}))
			for _, call := range []struct {
				opts []Option
				want int
			}{{nil, tt.attempts}, {[]Option{Idempotent()}, tt.idempotent}} {
				got := 0
				_, err := Do(t.Context(), g, func(context.Context) (int, error) { got++; return 0, tt.err }, FailClosed[int](), call.opts...)
				if got != call.want || !errors.Is(err, tt.err) {
					t.Errorf("%v: %d attempts, %v; want %d", tt.err, got, err, call.want)
				}
			}
		})
	}
}

// An earlier attempt may have run, whatever became of the later ones.
func TestDo_ambiguousStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{}))
		errs := []error{io.EOF, errLoading, errLoading}
		_, err := Do(t.Context(), g, func(context.Context) (int, error) {
			err := errs[0]
			errs = errs[1:]
			return 0, err
		}, FailClosed[int](), Idempotent())
		if got := Classify(t.Context(), err); got != Ambiguous || len(errs) != 0 {
			t.Errorf("%v is %v with %d attempts left, want ambiguous and none", err, got, len(errs))
		}
	})
}

// Waits are random up to a bound that doubles, and no caller waits for an
// attempt that could not be made in its time.
func TestDo_backoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{Attempts: 12, BackoffMin: 8 * time.Millisecond, BackoffMax: 500 * time.Millisecond, FailureRate: -1, RetryMin: 1000}))
		for _, random := range []float64{0, 0.25, 1} {
			g.random = func() float64 { return random }
			var at []time.Time
			_, _ = Do(t.Context(), g, func(context.Context) (int, error) { at = append(at, time.Now()); return 0, errLoading }, FailClosed[int]())
			for i, bound := range []int{8, 16, 32, 64, 128, 256, 500, 500, 500, 500, 500} {
				if got, want := at[i+1].Sub(at[i]), time.Duration(random*float64(bound)*1e6); got != want {
					t.Errorf("random %v: wait %d is %v, want %v", random, i, got, want)
				}
			}
		}
		g.random = func() float64 { return 1 }
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // 8 ms, and 16 too many
		defer cancel()
		start, n := time.Now(), 0
		_, err := Do(ctx, g, func(context.Context) (int, error) { n++; return 0, errLoading }, FailOpen(5))
		if took := time.Since(start); took != 8*time.Millisecond || n != 2 || err != nil {
			t.Errorf("with 20 ms: %d attempts in %v, %v; want 2 in 8ms, and the policy's value", n, took, err)
		}
		if again := g.backoff(1000); again != 500*time.Millisecond {
			t.Errorf("the thousandth wait is %v", again)
		}
	})
}

// A caller who leaves while it waits for its turn gets its error at once, and no
// fallback is run for it.
func TestDo_leavesWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{BackoffMin: time.Second, BackoffMax: time.Second}))
		g.random = func() float64 { return 1 }
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		start := time.Now()
		_, err := Do(ctx, g, said(errLoading), Fallback(func(context.Context) (int, error) { t.Error("the fallback ran"); return 0, nil }))
		if took := time.Since(start); !errors.Is(err, errLoading) || took != 10*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		sent := false
		_, err = Do(ctx, g, func(context.Context) (int, error) { sent = true; return 0, nil }, FailOpen(1))
		if !errors.Is(err, context.Canceled) || sent {
			t.Errorf("a call that was over: %v, sent %v", err, sent)
		}
	})
}
