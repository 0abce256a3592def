// Package counter is unit 1.01: strings as values, as counters, and as bits.
package counter

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.01",
	Title:   "Key-value and atomic counters",
	Lead:    "Two people like the same photo in the same millisecond. Your counter says one.",
	Minutes: 30,
	Params: []unit.Param{
		{Name: "clients", Label: "clients", Kind: unit.IntParam, Min: "2", Max: "200", Default: "50", Quick: "8"},
		{Name: "likes", Label: "likes each", Kind: unit.IntParam, Min: "100", Max: "5000", Default: "1000", Quick: "200"},
	},
	Predict: unit.Prediction{
		Question: "Every client reads the counter with GET, adds one, and writes it back with SET. How many likes are counted?",
		Choices:  []string{"all of them", "nearly all: a few are lost", "less than half of them"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "GET then SET loses likes", Metric: "lost_get_set", Op: ">", Bound: 0},
		{Text: "INCR loses none", Metric: "lost_incr", Op: "==", Bound: 0},
		{Text: "some order of two clients breaks GET then SET", Metric: "failing_get_set", Op: ">", Bound: 0},
		{Text: "no order of two clients breaks INCR", Metric: "failing_incr", Op: "==", Bound: 0},
		{Text: "one like, sent again after a lost reply, counts twice", Metric: "after_retry", Op: "==", Bound: 2},
		{Text: "INCR needs half the round trips", Metric: "trips_incr", Op: "==", Bound: 0.5, Other: "trips_get_set"},
	},
	Races: []race.Scenario{getSet, incr},
	Terms: []unit.Term{
		{Word: "atomic", Means: "Happening as a whole or not at all, with nothing of anybody else in between.", Also: []string{"atomically"}},
		{Word: "lost update", Means: "A write that is gone because somebody who had read the older value wrote over it.", Also: []string{"lost updates"}},
		{Word: "round trip", Means: "A command on its way to the server and its reply on the way back; the time a client waits.", Also: []string{"round trips"}},
		{Word: "bitmap", Means: "A string used as a row of bits, one a user or a day.", Also: []string{"bitmaps"}},
		{Word: "schedule", Means: "One order in which the commands of several clients reach the server.", Also: []string{"schedules"}, Common: true},
	},
	Tasks: []unit.Task{
		{ID: "exact", Title: "counts every like of 50 people at once"},
		{ID: "ceiling", Title: "never counts above the ceiling, in any order of commands"},
		{ID: "text", Title: "leaves a key that is not a number alone, and says so"},
		{ID: "cost", Title: "sends one command a call"},
	},
	Run: run,
}

// answer computes the right choice from what this run lost.
func answer(m unit.Metrics) (int, string) {
	counted := m["counted_get_set"] / (m["counted_get_set"] + m["lost_get_set"])
	because := fmt.Sprintf("%.0f %% of the likes were counted. Every like that another client wrote between a GET and its SET is gone.", 100*counted)
	switch {
	case m["lost_get_set"] == 0:
		return 0, because
	case counted >= 0.5:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{setting, racing, loading, retrying, bits} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
