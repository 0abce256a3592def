// Package batch is unit 1.04: many commands in few round trips.
package batch

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.04",
	Title:   "Batches",
	Lead:    "Redis moved 5 ms away. It is idle, and your program is a hundred times slower.",
	Minutes: 35,
	After:   []string{"1.01", "1.02"},
	Params: []unit.Param{
		{Name: "prices", Label: "prices", Kind: unit.IntParam, Min: "100", Max: "2000", Default: "400", Quick: "100"},
		{Name: "callers", Label: "callers at once", Kind: unit.IntParam, Min: "4", Max: "100", Default: "50", Quick: "20"},
	},
	Predict: unit.Prediction{
		Question: "With Redis 5 ms away, a pipeline will beat one SET at a time. And with Redis on the same machine, with no network to wait for: how much faster is a pipeline there?",
		Choices:  []string{"not at all: there is no way to save", "up to twice as fast", "four times or more"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "one by one costs a round trip a price", Metric: "trips_one", Op: "==", Other: "prices"},
		{Text: "many callers pay as many round trips: they only wait at the same time", Metric: "trips_many", Op: "==", Other: "prices"},
		{Text: "a pipeline is one round trip", Metric: "trips_pipeline", Op: "==", Bound: 1},
		{Text: "MSET is one round trip", Metric: "trips_mset", Op: "==", Bound: 1},
		{Text: "auto-pipelining saves round trips when there are many callers", Metric: "trips_auto", Op: "<", Bound: 0.75, Other: "prices"},
		{Text: "and not one round trip of a caller who is alone", Metric: "trips_alone", Op: "==", Bound: alone},
		{Text: "at 5 ms a pipeline is more than 5 times as fast as one by one", Metric: "ms_one_5", Op: ">", Bound: 5, Other: "ms_pipeline_5", Timing: true},
		{Text: "Redis works for less than a tenth of that time", Metric: "worked_ms", Op: "<", Bound: 0.1, Other: "ms_one_5", Timing: true},
		{Text: "of two refused commands the pipeline's error tells one", Metric: "told", Op: "<", Other: "refused"},
		{Text: "a reader sees a pipeline half done", Metric: "torn_pipeline", Op: ">", Bound: 0},
		{Text: "and never an MSET", Metric: "torn_mset", Op: "==", Bound: 0},
		{Text: "some order of two batches and a reader shows two price lists at once", Metric: "failing_batches", Op: ">", Bound: 0},
		{Text: "Redis holds more than 5 times the memory for one giant pipeline than for batches", Metric: "held_giant", Op: ">", Bound: 5, Other: "held_batches", Need: unit.NeedRedis},
	},
	Races: []race.Scenario{twoBatches, oneMSet},
	Terms: []unit.Term{
		{Word: "pipeline", Means: "Several commands sent without waiting for the replies in between; one round trip for all.", Also: []string{"pipelines"}},
		{Word: "auto-pipelining", Means: "A client that collects the commands of many callers into pipelines by itself.", Also: []string{"auto-pipelined"}},
		{Word: "latency", Means: "The time that one round trip takes."},
	},
	Tasks: []unit.Task{
		{ID: "all", Title: "loads every product, whatever their number"},
		{ID: "cost", Title: "loads 10,000 products in 20 round trips at most"},
		{ID: "bounded", Title: "sends at most 1,000 commands before it reads the replies"},
		{ID: "report", Title: "reports each product that Redis refused, and no other"},
		{ID: "cut", Title: "a connection that breaks on the way loses no product silently"},
	},
	Run: run,
}

// answer computes the right choice from how fast this run was. Without timings
// it can only count.
func answer(m unit.Metrics) (int, string) {
	pipeline, timed := m["ms_pipeline_0"]
	if !timed {
		return 2, fmt.Sprintf("This server shows no timings. What it can count: %.0f round trips became %.0f, and each costs system calls on both sides, however near Redis is.", m["trips_one"], m["trips_pipeline"])
	}
	times := m["ms_one_0"] / pipeline
	because := fmt.Sprintf("%.1f times as fast. A round trip is not only the way: for each one, both programs are woken, read, write, and go to sleep.", times)
	switch {
	case times < 1.2:
		return 0, because
	case times < 3:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{loading, auto, refusing, racing, tearing, holding} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
