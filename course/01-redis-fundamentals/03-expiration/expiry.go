// Package expiry is unit 1.03: keys that end.
package expiry

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.03",
	Title:   "Time to live",
	Lead:    "The hold on seat 14C ended at 20:10. At 20:50 nobody had been told.",
	Minutes: 50,
	After:   []string{"1.01", "1.02"},
	Needs:   []unit.Need{unit.NeedRedis, unit.NeedOwnServer},
	Params: []unit.Param{
		{Name: "keys", Label: "keys in each Redis", Kind: unit.IntParam, Min: "20000", Max: "100000", Default: "50000", Quick: "20000"},
		{Name: "middle", Label: "% dead in the second Redis", Kind: unit.IntParam, Min: "6", Max: "59", Default: "20"},
		{Name: "watch", Label: "how long to watch", Kind: unit.DurationParam, Min: "1s", Max: "20s", Default: "4s", Quick: "1s"},
	},
	Predict: unit.Prediction{
		Question: "In a Redis of many keys, 5 % come to their end at the same moment. How many of these are still in memory when we stop watching, seconds later?",
		Choices:  []string{"none: that is what a time to live is for", "less than half", "nearly all"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "of 5 % dead keys, more than half are still in memory at the end", Metric: "left_few", Op: ">", Bound: 0.5, Other: "dead_few"},
		{Text: "of 60 % dead keys, less than half are", Metric: "left_many", Op: "<", Bound: 0.5, Other: "dead_many"},
		{Text: "none of the dead can be read", Metric: "readable", Op: "==", Bound: 0},
		{Text: "who reads them takes them out of memory", Metric: "left_after_reading", Op: "==", Bound: 0},
		{Text: "a seat whose hold is dead can be taken, in memory or not", Metric: "taken", Op: "==", Bound: 1, Other: "tried"},
		{Text: "the event comes with the deletion: most were not told while we watched", Metric: "told_watching", Op: "<", Bound: 0.5, Other: "dead_few"},
		{Text: "an event that nobody listens to comes to nobody, ever", Metric: "told_nobody", Op: ">", Bound: 0.25, Other: "dead_few"},
		{Text: "a plain SET takes the end away", Metric: "seconds_after_set", Op: "==", Bound: forEver},
		{Text: "SET with KEEPTTL leaves it", Metric: "seconds_after_keepttl", Op: ">", Bound: 0},
		{Text: "GT never gives an end to a key that has none", Metric: "seconds_after_gt", Op: "==", Bound: forEver},
		{Text: "LT does", Metric: "seconds_after_lt", Op: ">", Bound: 0},
		{Text: "EXPIRE of a missing key answers 0, and no error", Metric: "expire_missing", Op: "==", Bound: 0},
		{Text: "some order of renewing by SET brings a revoked token back", Metric: "failing_renew-set", Op: ">", Bound: 0},
		{Text: "no order of renewing by EXPIRE does", Metric: "failing_renew-expire", Op: "==", Bound: 0},
		{Text: "a crash between SET and EXPIRE leaves a key for ever", Metric: "failing_set-expire", Op: ">", Bound: 0},
		{Text: "SET with EX has no between", Metric: "failing_set-ex", Op: "==", Bound: 0},
		{Text: "with jitter the worst second sees less than a quarter", Metric: "peak_jitter", Op: "<", Bound: 0.25, Other: "peak_same"},
	},
	Races: scenarios,
	Terms: []unit.Term{
		{Word: "time to live", Means: "How long a key has left before it is gone; TTL in commands.", Also: []string{"TTL"}},
		{Word: "jitter", Means: "A random part in a time, so that many things do not end in the same second."},
		{Word: "active expiry", Means: "Redis looking by itself for keys whose time is over, a few at a time."},
	},
	Tasks: []unit.Task{
		{ID: "issue", Title: "gives a token its end in the moment it is made"},
		{ID: "sliding", Title: "moves the end with each use"},
		{ID: "absolute", Title: "never moves it past the last day"},
		{ID: "revoked", Title: "lets nobody in with a token that is gone, and brings none back"},
		{ID: "label", Title: "renames a device without touching the end"},
		{ID: "cost", Title: "uses and renames in two commands at most"},
	},
	Run: run,
}

// answer computes the right choice from what was left.
func answer(m unit.Metrics) (int, string) {
	left := m["left_few"] / m["dead_few"]
	because := fmt.Sprintf("%.1f %% were still there: Redis looks at 20 keys at a time, and goes on at once only where more than 2 of them are dead.", 100*left)
	switch {
	case left == 0:
		return 0, because
	case left < 0.5:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{ending, running, racing, dying} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
