// Package transaction is unit 1.05: MULTI, WATCH and a first script.
package transaction

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.05",
	Title:   "MULTI, WATCH and a first script",
	Lead:    "The club has 100 euros, pays 80 and 50, and has 50 left.",
	Minutes: 55,
	After:   []string{"1.01", "1.03", "1.04"},
	Params: []unit.Param{
		{Name: "clients", Label: "clients", Kind: unit.IntParam, Min: "4", Max: "64", Default: "16", Quick: "8"},
		{Name: "payments", Label: "payments at each step", Kind: unit.IntParam, Min: "100", Max: "10000", Default: "2000", Quick: "200"},
	},
	Predict: unit.Prediction{
		Question: "All clients pay out of one cash box, each with WATCH, and whoever was too late tries again. How often does a payment have to be tried, on average?",
		Choices:  []string{"hardly more than once", "two or three times", "four times or more"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "some order of two payments by GET and SET makes money", Metric: "failing_get_set", Op: ">", Bound: 0},
		{Text: "MULTI alone does not keep the box from being overdrawn", Metric: "failing_multi", Op: ">", Bound: 0},
		{Text: "no order, crash or lost reply breaks WATCH", Metric: "failing_watch", Op: "==", Bound: 0},
		{Text: "and none breaks the script", Metric: "failing_script", Op: "==", Bound: 0},
		{Text: "a runtime error inside MULTI takes nothing back: money vanishes", Metric: "vanished", Op: "==", Bound: price},
		{Text: "nor does one inside a script", Metric: "vanished_script", Op: "==", Bound: price},
		{Text: "a command that Redis cannot queue cancels all of it", Metric: "vanished_refused", Op: "==", Bound: 0},
		{Text: "alone, WATCH needs one try", Metric: "tries_alone", Op: "==", Bound: 1},
		{Text: "many clients on one box need more tries than one", Metric: "tries_most", Op: ">", Bound: 1.1},
		{Text: "many clients on boxes of their own do not", Metric: "tries_apart", Op: "==", Bound: 1},
		{Text: "with WATCH a payment is three round trips", Metric: "trips_watch", Op: "==", Bound: 3},
		{Text: "the script is one", Metric: "trips_script", Op: "==", Bound: 1},
		{Text: "on one box the script is more than twice as fast as WATCH", Metric: "rate_script", Op: ">", Bound: 2, Other: "rate_watch", Timing: true},
		{Text: "a crash between INCR and EXPIRE leaves a counter without an end", Metric: "failing_incr_expire", Op: ">", Bound: 0},
		{Text: "and in MULTI it does not", Metric: "failing_incr_expire_multi", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{getSetRace, multiRace, watchRace, scriptRace, tornAttempt, wholeAttempt},
	Terms: []unit.Term{
		{Word: "transaction", Means: "Commands between MULTI and EXEC, executed with nothing of anybody else in between; no rollback.", Also: []string{"transactions"}},
		{Word: "optimistic locking", Means: "Reading first, and writing only if nobody has changed what was read: WATCH."},
		{Word: "script", Means: "A piece of Lua that the server runs as one command.", Also: []string{"scripts"}, Common: true},
		{Word: "idempotent", Means: "Having the same effect once or many times, so that it may be sent again."},
	},
	Tasks: []unit.Task{
		{ID: "life", Title: "a code lives 5 minutes, and wrong attempts do not prolong it"},
		{ID: "attempts", Title: "three attempts, also when two come at once"},
		{ID: "once", Title: "a code is used once, also when two use it at once"},
		{ID: "crash", Title: "a program that dies leaves no key without an end"},
		{ID: "overdraw", Title: "a transfer never overdraws, in any order of commands"},
		{ID: "whole", Title: "a transfer that breaks off neither makes nor loses money"},
		{ID: "retry", Title: "somebody in the way: tried again, and given up in the end"},
		{ID: "cost", Title: "five round trips at most when nobody is in the way"},
	},
	Run: run,
}

// answer computes the right choice from how often a payment was tried.
func answer(m unit.Metrics) (int, string) {
	tries := m["tries_most"]
	because := fmt.Sprintf("%.1f times. While one client reads and thinks, another pays, and of all who read the same balance only one gets through.", tries)
	switch {
	case tries < 1.5:
		return 0, because
	case tries < 3.5:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{racing, watching, breaking, paying, tearing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
