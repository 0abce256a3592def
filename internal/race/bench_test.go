package race

import (
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

// BenchmarkExplore tells how many schedules are played a second: of six steps
// each, set up and judged, without pictures.
func BenchmarkExplore(b *testing.B) {
	env := envOf(b, redistest.Addr(b))
	played := 0
	for b.Loop() {
		report, err := Explore(b.Context(), env, counter(3, getSet), Options{})
		if err != nil {
			b.Fatal(err)
		}
		played += report.Played
	}
	b.ReportMetric(float64(played)/b.Elapsed().Seconds(), "schedules/s")
}
