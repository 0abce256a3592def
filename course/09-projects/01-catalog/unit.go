package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "9.01",
	Title:    "Build a catalog",
	Lead:     "The radio said: the kettle, half price, from nine o'clock. At nine the warehouse was asked for one kettle, nine hundred times.",
	Minutes:  170,
	After:    []string{"1.01", "1.03", "1.04", "1.05"},
	Packages: []string{"cache"},
	Params: []unit.Param{
		{Name: "readers", Label: "readers at the same time", Kind: unit.IntParam, Min: "100", Max: "1000", Default: "200", Quick: "100"},
		{Name: "slow", Label: "how long the warehouse takes", Kind: unit.DurationParam, Min: "100ms", Max: "1s", Default: "250ms", Quick: "150ms"},
	},
	Predict: unit.Prediction{
		Question: "Two instances; in each of them only one reader at a time may load a product, the others wait for what it brings. 200 readers come at once for a product that nobody has read. How often is the warehouse asked?",
		Choices:  []string{"once", "twice", "200 times"},
		Answer:   answerCalls,
	},
	Claims: []unit.Claim{
		{Text: "where nobody agrees with anybody, more than every second reader asks the warehouse", Metric: "calls_aside", Op: ">", Bound: 0.5, Other: "readers"},
		{Text: "one load in each process is one for each instance", Metric: "calls_process", Op: "==", Bound: 2},
		{Text: "a lease in Redis is one over both", Metric: "calls_lease", Op: "==", Bound: 1},
		{Text: "a memory that is never told answers the old price as long as anybody looks", Metric: "stale_never", Op: "==", Bound: looks},
		{Text: "one that Redis tells follows", Metric: "stale_told", Op: "<", Bound: 0.5, Other: "stale_never", Need: unit.NeedRedis},
		{Text: "where an error of Redis is an error, every reader sees it", Metric: "errors_plain", Op: "==", Other: "readers"},
		{Text: "where it is a miss, nobody sees it", Metric: "errors_miss", Op: "==", Bound: 0},
		{Text: "but the warehouse has more at once than it can bear", Metric: "flight_miss", Op: ">", Bound: atOnce},
		{Text: "with places in a line nobody sees an error either", Metric: "errors_line", Op: "==", Bound: 0},
		{Text: "and the warehouse has what it can bear", Metric: "flight_line", Op: "<=", Bound: 2 * atOnce},
		{Text: "Redis is used again within five seconds", Metric: "recovery", Op: "<", Bound: 5, Timing: true},
		{Text: "Redis answers more than twice as often as the warehouse", Metric: "rate_redis", Op: ">", Bound: 2, Other: "rate_warehouse", Timing: true},
		{Text: "and the process's own memory more than twice as often as Redis", Metric: "rate_memory", Op: ">", Bound: 2, Other: "rate_redis", Timing: true},
	},
	Terms: []unit.Term{
		{Word: "origin", Means: "Where the truth comes from that a cache holds copies of: a database, or another service."},
		{Word: "milestone", Means: "One thing that a project must do, checked from outside while it runs.", Also: []string{"milestones"}},
	},
	Run: run,
}

// answerCalls looks at what the two instances asked for.
func answerCalls(m unit.Metrics) (int, string) {
	n := m["calls_process"]
	because := fmt.Sprintf("It was asked %.0f times: what one process knows of its own loads, the other does not.", n)
	switch n {
	case 1:
		return 0, because
	case 2:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	r.Metric(unit.Metric{Name: "readers", Label: "readers", Value: float64(r.Int("readers")), Minor: true})
	for _, part := range []func(context.Context, *unit.Run) error{stampeding, following, losing, loading, tracing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// minute is how long copies live in this experiment.
const minute = time.Minute
