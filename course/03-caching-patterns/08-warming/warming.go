// Package warming is unit 3.08: a cache that is full before the readers come.
package warming

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.08",
	Title:    "Warming",
	Lead:     "At 5:58 the cache was replaced by a better one. At 6:00 the morning edition went to 400,000 phones.",
	Minutes:  40,
	After:    []string{"1.04", "2.06", "3.01", "3.07"},
	Needs:    []unit.Need{unit.NeedRedis}, // thousands of scripts, which take the embedded server half a minute
	Packages: []string{"cache", "cache/warm"},
	Params: []unit.Param{
		{Name: "articles", Label: "articles", Kind: unit.IntParam, Min: "200", Max: "5000", Default: "2000", Quick: "400"},
		{Name: "requests", Label: "requests of readers", Kind: unit.IntParam, Min: "500", Max: "20000", Default: "4000", Quick: "800"},
		{Name: "rate", Label: "articles a second that the origin may be asked for", Kind: unit.IntParam, Min: "500", Max: "50000", Default: "4000", Quick: "4000"},
	},
	Predict: unit.Prediction{
		Question: "The cache is empty, the readers come, and nobody warms anything. Of the first twentieth of the requests, how many are hits? (A few articles are read by nearly everybody.)",
		Choices:  []string{"hardly any: it is empty", "a third to two thirds: the front page is there after the first reader", "nearly all"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "cold, the first slice of readers hits less than the last", Metric: "first_cold", Op: "<", Other: "last_cold"},
		{Text: "warmed, the first slice hits always", Metric: "first_warm", Op: "==", Bound: 100},
		{Text: "warmed, no reader reaches the origin", Metric: "origin_warm", Op: "==", Bound: 0},
		{Text: "a warmer without a bound asks for everything at once", Metric: "peak_rush", Op: ">", Bound: 10, Other: "peak_warm"},
		{Text: "a warmer that writes what it read brings old articles back", Metric: "stale_rush", Op: ">", Bound: 0},
		{Text: "one that loads under a lease brings none", Metric: "stale_warm", Op: "==", Bound: 0},
		{Text: "the server is not ready while it warms", Metric: "ready_during", Op: "==", Bound: 0},
		{Text: "and ready when it is done", Metric: "ready_after", Op: "==", Bound: 1},
	},
	Terms: []unit.Term{
		{Word: "cold start", Means: "A cache that begins empty, so that every first reader of a value goes to the origin.", Also: []string{"cold starts"}},
		{Word: "warming", Means: "Filling a cache before it is needed."},
	},
	Tasks: []unit.Task{
		{ID: "fills", Title: "fills what is missing, with an end, and tells how far it is"},
		{ID: "bounded", Title: "asks the origin in batches, never for more than may be under way"},
		{ID: "newer", Title: "leaves alone what somebody else has stored meanwhile"},
		{ID: "errors", Title: "goes on after a batch that failed"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	first := m["first_cold"]
	because := fmt.Sprintf("%.0f %%. The few that everybody reads are there after one reader each; the long rest is not, and each of those readers waits for the origin.", first)
	switch {
	case first < 20:
		return 0, because
	case first < 85:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{opening, editing, watching} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
