package track

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// From before a SET is sent until OnKeys is called, with one writer and idle
// trackers, each of its own process's kind; and Live, which a cache may ask at
// each hit.
//
//	go test -run '^$' -bench . ./kit/internal/track
func BenchmarkPush(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("trackers=%d", n), func(b *testing.B) {
			writer := redistest.Client(b)
			key := redistest.Prefix(b)
			told := make(chan time.Time, 1)
			first := func([]string) { told <- time.Now() }
			for i := range n {
				o := Options{Prefix: key, OnKeys: func([]string) {}, OnReset: func() {}}
				if i == 0 {
					o.OnKeys = first
				}
				run(b, redistest.Client(b), o)
			}
			var took []time.Duration
			for b.Loop() {
				sent := time.Now()
				must(b, writer.Set(b.Context(), key, "v", 0).Err())
				took = append(took, (<-told).Sub(sent))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkLive(b *testing.B) {
	tracker, _, _ := run(b, redistest.Client(b), Options{})
	for b.Loop() {
		tracker.Live()
	}
}
