package guard

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// In any ten seconds no more is retried than the ratio of their calls, and the
// minimum.
func TestBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := budget{ratio: rapid.Float64Range(0, 1).Draw(t, "ratio"), least: rapid.IntRange(0, 20).Draw(t, "least")}
		now := time.Unix(rapid.Int64Range(0, 1e9).Draw(t, "start"), 0)
		var calls, retries []int64 // the second of each
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			b.called(now)
			calls = append(calls, now.Unix())
			recent := func(at []int64) (n int) {
				for _, s := range at {
					if now.Unix()-s < budgetSeconds {
						n++
					}
				}
				return n
			}
			for range rapid.IntRange(0, 5).Draw(t, "wanted") {
				allowed := float64(recent(retries)+1) <= b.ratio*float64(recent(calls))+float64(b.least)
				if got := b.spend(now); got != allowed {
					t.Fatalf("spend = %v with %d calls and %d retries in ten seconds, ratio %v, least %d",
						got, recent(calls), recent(retries), b.ratio, b.least)
				}
				if allowed {
					retries = append(retries, now.Unix())
				}
			}
		}
	})
}

// An outage costs Redis a tenth more attempts, not three times as many.
func TestDo_budget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := must[*Guard](t)(New(Options{FailureRate: -1}))
		var calls sync.WaitGroup
		for range 1000 {
			calls.Go(func() { _, _ = Do(t.Context(), g, said(errLoading), FailOpen(0)) })
		}
		calls.Wait()
		s := g.Stats()
		if s.Retries > 110 || s.Retries < 100 || s.Failed != 1000+s.Retries || s.OverBudget == 0 {
			t.Errorf("%+v; want 100 retries of 1,000 calls, and at most 10 more", s)
		}
	})
}
