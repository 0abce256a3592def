// Package stations is unit 2.03: many keys for one page, read one after the other,
// side by side, together, and with a caller who has left.
package stations

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "2.03",
	Title:   "Synchronous and asynchronous",
	Lead:    "The reader closed the storm map after half a second. Your server went on drawing it, and the next thousand readers closed theirs.",
	Minutes: 45,
	After:   []string{"1.04", "1.07"},
	Params: []unit.Param{
		{Name: "requests", Label: "maps drawn for each figure", Kind: unit.IntParam, Min: "128", Max: "8192", Default: "1024", Quick: "128"},
		{Name: "away", Label: "how far Redis is when a reader leaves", Kind: unit.DurationParam, Min: "60ms", Max: "500ms", Default: "150ms", Quick: "80ms"},
	},
	Predict: unit.Prediction{
		Question: "Redis needs 150 ms for its answer. After 10 ms the reader leaves, and your handler's context is cancelled while rdb.Get waits. When does rdb.Get return?",
		Choices:  []string{"at once: that is what a context is for", "when the answer is there, 140 ms later", "never: the connection is lost"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "one by one costs a round trip a station", Metric: "trips_one", Op: "==", Bound: perMap},
		{Text: "side by side costs as many", Metric: "trips_pool", Op: "==", Bound: perMap},
		{Text: "a pipeline costs one", Metric: "trips_pipeline", Op: "==", Bound: 1},
		{Text: "with futures ten stations share round trips without a goroutine", Metric: "trips_futures", Op: "<", Bound: 0.5, Other: "trips_one"},
		{Text: "a plain call whose context is over sends nothing", Metric: "sent_one", Op: "==", Bound: 0},
		{Text: "nor does a pipeline", Metric: "sent_pipeline", Op: "==", Bound: 0},
		{Text: "an auto-pipelined call sends all of it", Metric: "sent_auto", Op: "==", Bound: perMap},
		{Text: "cancel() does not wake a plain call: it waits for the answer", Metric: "cancel_one", Op: ">=", Bound: 0.7, Other: "away", Timing: true},
		{Text: "nor does a deadline, as a client is by default", Metric: "deadline_pipeline", Op: ">=", Bound: 0.7, Other: "away", Timing: true},
		{Text: "with ContextTimeoutEnabled a deadline ends the wait", Metric: "enabled_pipeline", Op: "<", Bound: 0.7, Other: "away", Timing: true},
		{Text: "who waits for a future with a context leaves when it ends", Metric: "cancel_futures", Op: "<", Bound: 0.7, Other: "away", Timing: true},
		{Text: "for one caller a pipeline draws more than twice as many maps as one by one", Metric: "rate_pipeline_alone", Op: ">", Bound: 2, Other: "rate_one_alone", Timing: true},
	},
	Terms: []unit.Term{
		{Word: "future", Means: "A result that is not there yet: the call returns at once, and waiting for the value is a step of its own.", Also: []string{"futures"}},
		{Word: "closed loop", Means: "A load whose callers each send the next request when they have their answer, so a slow server is asked less."},
	},
	Tasks: []unit.Task{
		{ID: "all", Title: "finds every station, and tells the silent ones apart"},
		{ID: "cost", Title: "reads 500 stations in 10 round trips at most"},
		{ID: "bounded", Title: "takes no more than four connections"},
		{ID: "over", Title: "sends nothing when the deadline has passed already"},
		{ID: "deadline", Title: "is back when the deadline ends, whatever Redis does"},
		{ID: "partial", Title: "keeps what had arrived by then"},
	},
	Run: run,
}

// answer looks at what the wait came to.
func answer(m unit.Metrics) (int, string) {
	waited, timed := m["cancel_one"]
	if !timed {
		return 1, "This server shows no timings. On a real one the call returns with the answer: a read that waits in the kernel hears nothing of a context."
	}
	because := fmt.Sprintf("It returned after %.0f ms; the answer took %.0f ms. A read that waits in the kernel hears nothing of a context.", waited, m["away"])
	if waited < 0.7*m["away"] {
		return 0, because
	}
	return 1, because
}

func run(ctx context.Context, r *unit.Run) error {
	keys, err := measure(ctx, r)
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context, *unit.Run, []string) error{tripping, sweeping, leaving} {
		if err := part(ctx, r, keys); err != nil {
			return err
		}
	}
	return nil
}

// perMap is how many stations are on one map.
const perMap = 10

// measure writes what the stations have measured, and returns their keys.
func measure(ctx context.Context, r *unit.Run) ([]string, error) {
	r.Step("%d stations report their wind.", perMap)
	keys := make([]string, perMap)
	for i := range keys {
		keys[i] = r.Key(fmt.Sprintf("wind:%d", i))
		if err := r.Redis().Set(ctx, keys[i], 20+3*i, time.Hour).Err(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
