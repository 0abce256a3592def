// Package plaza is unit 3.09: a memory in front of Redis, and all that it does not hear.
package plaza

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.09",
	Title:    "L1 and L2",
	Lead:     "At midnight the toll went up. Lane 3 took the new one; lane 4, beside it, took the old one until somebody switched it off and on again.",
	Minutes:  90,
	After:    []string{"3.01", "3.06", "3.07"},
	Packages: []string{"cache"},
	Params: []unit.Param{
		{Name: "tariffs", Label: "different tariffs", Kind: unit.IntParam, Min: "400", Max: "50000", Default: "4000", Quick: "800"},
		{Name: "reads", Label: "cars", Kind: unit.IntParam, Min: "1600", Max: "100000", Default: "16000", Quick: "3200"},
		{Name: "room", Label: "tariffs that a lane has room for", Kind: unit.IntParam, Min: "10", Max: "5000", Default: "200", Quick: "40"},
		{Name: "delay", Label: "how long the office's database takes", Kind: unit.DurationParam, Min: "1ms", Max: "50ms", Default: "5ms", Quick: "5ms"},
		{Name: "life", Label: "how long a tariff stays in memory", Kind: unit.DurationParam, Min: "100ms", Max: "3s", Default: "1s", Quick: "600ms"},
	},
	Predict: unit.Prediction{
		Question: "The memory of a lane holds the 200 tariffs that were read last, of 4,000, and answers more than half of its cars. Now an audit reads every tariff once. How many cars does memory answer while it runs?",
		Choices:  []string{"as many: what is read often stays", "about half as many", "hardly any"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "a read from memory takes less than a tenth of one from Redis", Metric: "ns_memory_twice", Op: "<", Bound: 0.1, Other: "ns_redis_none", Timing: true},
		{Text: "so does one from the memory of kit/cache", Metric: "ns_memory_kit", Op: "<", Bound: 0.1, Other: "ns_redis_none", Timing: true},
		{Text: "a read from Redis takes less than one from the office", Metric: "ns_redis_none", Op: "<", Other: "ns_office_none", Timing: true},
		{Text: "a memory for a twentieth of the tariffs answers more than a fifth of the cars", Metric: "memory_twice", Op: ">", Bound: 20},
		{Text: "so does that of kit/cache", Metric: "memory_kit", Op: ">", Bound: 20},
		{Text: "and the office is asked as often as without", Metric: "office_twice", Op: ">=", Bound: 0.95, Other: "office_none"},
		{Text: "most of all time goes to the office", Metric: "time_office", Op: ">", Bound: 50, Timing: true},
		{Text: "a map at lane 4 never learns of a change", Metric: "end_map", Op: "==", Bound: 100, Need: unit.NeedRedis},
		{Text: "an end for each value bounds it", Metric: "end_ttl", Op: "==", Bound: 0, Need: unit.NeedRedis},
		{Text: "pushed, the last old answer comes in less than half of that time", Metric: "last_push", Op: "<=", Bound: 0.5, Other: "last_ttl", Timing: true},
		{Text: "in kit/cache too", Metric: "last_kit", Op: "<=", Bound: 0.5, Other: "last_ttl", Timing: true},
		{Text: "a memory with an end of its own outlives Redis", Metric: "outlived_own", Op: "==", Bound: held},
		{Text: "one that takes the nearer end does not", Metric: "outlived_bound", Op: "==", Bound: 0},
		{Text: "nor does kit/cache", Metric: "outlived_kit", Op: "==", Bound: 0},
		{Text: "after an audit a map holds every tariff", Metric: "held_map", Op: "==", Other: "tariffs"},
		{Text: "a bounded memory holds what it has room for", Metric: "held_twice", Op: "<=", Other: "room"},
		{Text: "kit/cache has a bound too, and evicts in the background", Metric: "held_kit", Op: "<", Bound: 0.5, Other: "tariffs"},
		{Text: "an audit pushes much out of an LRU", Metric: "during_lru", Op: "<", Bound: 0.8, Other: "before_lru"},
		{Text: "kept at the second reading, the hot tariffs stay", Metric: "during_twice", Op: ">", Other: "during_lru"},
		{Text: "in kit/cache they stay too", Metric: "during_kit", Op: ">", Other: "during_lru"},
		{Text: "a read that began before the message leaves the old toll in memory", Metric: "failing_late", Op: ">", Bound: 0, Need: unit.NeedRedis},
		{Text: "not if the lane notes what it has heard", Metric: "failing_guard", Op: "==", Bound: 0, Need: unit.NeedRedis},
		{Text: "unless it was told before the entry was deleted", Metric: "failing_early", Op: ">", Bound: 0, Need: unit.NeedRedis},
	},
	Races: []race.Scenario{lateRace, guardRace, earlyRace},
	Terms: []unit.Term{
		{Word: "L1", Means: "The first layer of a cache: the memory of one process, which no other process reaches."},
		{Word: "L2", Means: "The second layer of a cache: Redis, which all processes share."},
		{Word: "pushed invalidation", Means: "A message to every process that has a memory of its own: forget this key."},
		{Word: "scan resistance", Means: "A cache's way to keep what is read often when very much is read once."},
	},
	Tasks: []unit.Task{
		{ID: "layers", Title: "answers from memory, then from Redis, then from the office"},
		{ID: "ends", Title: "answers from memory no longer than Redis would"},
		{ID: "told", Title: "forgets what is invalidated, here and at another lane"},
		{ID: "flight", Title: "keeps nothing that was read before it was invalidated"},
		{ID: "missed", Title: "trusts nothing that it may have missed a message about"},
		{ID: "bounded", Title: "holds no more than it has room for"},
		{ID: "scan", Title: "keeps what is read often while an audit reads everything"},
		{ID: "stops", Title: "listens until it is told to stop, and no longer"},
	},
	Run: run,
}

// answer compares an LRU during the audit with the same before it.
func answer(m unit.Metrics) (int, string) {
	before, during := m["before_lru"], m["during_lru"]
	because := fmt.Sprintf("%.0f %% before, %.0f %% while the audit ran. Between two cars the audit reads four tariffs that no car may need today, and each takes the place of one that some car will.", before, during)
	switch {
	case during > 0.85*before:
		return 0, because
	case during > 0.2*before:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{reading, watching, changing, outliving, racing, scanning} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
