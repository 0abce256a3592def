// Package retries is unit 2.08: what an error means, whether to try again, and when.
package retries

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "2.08",
	Title:    "Errors, retries, timeouts",
	Lead:     "Somebody gave 20 euros, once. The total went up by 40, and no log has an error in it.",
	Minutes:  50,
	After:    []string{"1.01", "1.05", "2.03"},
	Needs:    []unit.Need{unit.NeedOwnServer},
	Packages: []string{"guard"},
	Params: []unit.Param{
		{Name: "callers", Label: "callers who fail at the same time", Kind: unit.IntParam, Min: "50", Max: "400", Default: "200", Quick: "80"},
		{Name: "outage", Label: "how long Redis is loading", Kind: unit.DurationParam, Min: "200ms", Max: "2s", Default: "600ms", Quick: "300ms"},
	},
	Predict: unit.Prediction{
		Question: "Nine ways for an INCR to fail, each provoked for real, and your program gets an error every time. In how many of the nine was the counter raised all the same?",
		Choices:  []string{"in none: an error means that it failed", "in one or two", "in five or more"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "some INCRs that ended with an error were executed", Metric: "executed", Op: ">", Bound: 0},
		{Text: "and most were not", Metric: "executed", Op: "<", Bound: 0.5, Other: "provoked"},
		{Text: "guard.Classify never says not executed of one that was", Metric: "misjudged", Op: "==", Bound: 0},
		{Text: "a naive retry counts one gift twice", Metric: "naive", Op: "==", Bound: 2},
		{Text: "and so does go-redis by itself", Metric: "client", Op: "==", Bound: 2},
		{Text: "with a request id it is counted once", Metric: "idempotent", Op: "==", Bound: 1},
		{Text: "callers who all wait the same time come back together", Metric: "peak_fixed", Op: ">", Other: "peak_jitter"},
		{Text: "without a budget an outage multiplies the load by the number of attempts", Metric: "sent_unbounded", Op: "==", Bound: attempts, Other: "callers"},
		{Text: "with a budget it hardly grows", Metric: "sent_budget", Op: "<", Bound: 1.5, Other: "callers"},
	},
	Terms: []unit.Term{
		{Word: "backoff", Means: "Waiting longer before each further attempt."},
		{Word: "retry budget", Means: "A bound on all retries of a program together, such as a tenth of its calls.", Also: []string{"retry budgets"}},
	},
	Tasks: []unit.Task{
		{ID: "later", Title: "tries again after what was surely not executed"},
		{ID: "unsure", Title: "repeats a write whose reply was lost only if it may run twice"},
		{ID: "never", Title: "does not repeat what will be refused again, nor a miss"},
		{ID: "backoff", Title: "waits at random, longer each time, and no longer than allowed"},
		{ID: "gone", Title: "stops when the caller has left, or would have"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("%.0f of %.0f: the reply was lost, or it came too late. From where your program stands, both look like the ones in which nothing happened.", m["executed"], m["provoked"])
	switch {
	case m["executed"] == 0:
		return 0, because
	case m["executed"] < 5:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{provoking, twice, herding, budgeting} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long a client waits for a reply here.
const patience = 150 * time.Millisecond
