// Package queue is unit 1.06: lists as queues of work, and as feeds.
package queue

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.06",
	Title:   "Queues and activity feeds",
	Lead:    "A cook drops out in the middle of an order. The order was in his pocket, and the kitchen is told that all is done.",
	Minutes: 35,
	After:   []string{"1.01", "1.05"},
	Params: []unit.Param{
		{Name: "orders", Label: "orders", Kind: unit.IntParam, Min: "200", Max: "10000", Default: "2000", Quick: "200"},
		{Name: "cooks", Label: "cooks", Kind: unit.IntParam, Min: "2", Max: "50", Default: "8", Quick: "4"},
		{Name: "fatal", Label: "one order in so many kills its cook", Kind: unit.IntParam, Min: "5", Max: "100", Default: "20", Quick: "20"},
		{Name: "events", Label: "events in a feed", Kind: unit.IntParam, Min: "1000", Max: "100000", Default: "20000", Quick: "2000"},
	},
	Predict: unit.Prediction{
		Question: "Cooks take orders with RPOP, and some die before the plate is out. After the evening you ask Redis. How does it show you the orders that were lost?",
		Choices:  []string{"the queue is not empty", "the dead cooks' RPOP is an error", "not at all"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "RPOP loses orders when cooks die", Metric: "lost_pocket", Op: ">", Bound: 0},
		{Text: "the queue of RPOP is empty all the same", Metric: "left_pocket", Op: "==", Bound: 0},
		{Text: "read first, remove later loses more than the deaths do", Metric: "lost_peek", Op: ">", Other: "lost_pocket"},
		{Text: "LMOVE to a rail loses none", Metric: "lost_rail", Op: "==", Bound: 0},
		{Text: "LMOVE to a rail cooks some twice", Metric: "twice_rail", Op: ">", Bound: 0},
		{Text: "some schedule of two cooks loses an order of RPOP", Metric: "failing_pocket", Op: ">", Bound: 0},
		{Text: "some order of two healthy cooks loses one of LINDEX, RPOP", Metric: "failing_peek", Op: ">", Bound: 0},
		{Text: "no schedule of two cooks loses an order of LMOVE", Metric: "failing_rail", Op: "==", Bound: 0},
		{Text: "the rail costs one round trip more", Metric: "trips_rail", Op: "==", Other: "trips_pocket", Bound: 2},
		{Text: "a feed with LTRIM keeps the newest hundred", Metric: "kept_trimmed", Op: "==", Bound: Newest},
		{Text: "a feed without LTRIM keeps all, and needs at least five times the memory", Metric: "bytes_all", Op: ">=", Other: "bytes_trimmed", Bound: 5},
		{Text: "LPUSH and LTRIM are one round trip", Metric: "trips_feed", Op: "==", Bound: 1},
	},
	Races: []race.Scenario{pocket, peek, rail},
	Terms: []unit.Term{
		{Word: "list", Means: "A key that holds values in order, read and written at both ends.", Also: []string{"lists"}, Common: true},
		{Word: "processing list", Means: "A list that holds what a consumer has taken and not finished, so that a crash loses nothing."},
		{Word: "at least once", Means: "A promise that nothing is lost, at the price that something may come twice."},
	},
	Tasks: []unit.Task{
		{ID: "order", Title: "shows the newest event first"},
		{ID: "newest", Title: "keeps exactly the newest 100, with 8 writers at once"},
		{ID: "pages", Title: "cuts the feed into pages: nothing twice, nothing left out, and knows the last page"},
		{ID: "cost", Title: "one round trip a call, and fetches no more than it shows"},
	},
	Run: run,
}

// answer looks whether the lost orders left any sign in Redis.
func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("%.0f orders are lost, %.0f are left in the queue, and no command returned an error: RPOP hands the order out and forgets it.", m["lost_pocket"], m["left_pocket"])
	if m["left_pocket"] > 0 {
		return 0, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{racing, evening, onTheWire, feeds} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
