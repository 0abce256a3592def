// Package cloakroom is unit 2.04: how a handler gets its Redis, and what that decides.
package cloakroom

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "2.04",
	Title:   "Handing Redis to handlers",
	Lead:    "The test was green. It had handed out 312 coats that hung in the real cloakroom.",
	Minutes: 40,
	After:   []string{"1.01", "2.01"},
	Params: []unit.Param{
		{Name: "tests", Label: "tests of the same handler", Kind: unit.IntParam, Min: "2", Max: "50", Default: "20", Quick: "5"},
		{Name: "requests", Label: "requests to each store", Kind: unit.IntParam, Min: "50", Max: "5000", Default: "1000", Quick: "100"},
	},
	Predict: unit.Prediction{
		Question: "The handler needs two things of Redis: hang a coat, take a coat. If its parameter is redis.Cmdable, go-redis's own interface: how many methods must a fake for a test have?",
		Choices:  []string{"two, the ones that are called", "some dozens", "more than three hundred"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "the handler needs two methods", Metric: "width_ours", Op: "==", Bound: 2},
		{Text: "go-redis's interface has more than three hundred", Metric: "width_cmdable", Op: ">", Bound: 300},
		{Text: "the same handler answers the same on Redis and on the fake", Metric: "differences", Op: "==", Bound: 0},
		{Text: "on the fake it sends no command", Metric: "commands_fake", Op: "==", Bound: 0},
		{Text: "on a store that fails it says 503, and never 404 or 500", Metric: "wrong_faulty", Op: "==", Bound: 0},
		{Text: "and on Redis each request is one round trip", Metric: "trips_redis", Op: "==", Bound: 3},
		{Text: "with a global, tests find the coats of others", Metric: "failed_global", Op: ">", Bound: 0},
		{Text: "with stores of their own, none", Metric: "failed_injected", Op: "==", Bound: 0},
		{Text: "a client in the context is missing where the middleware is", Metric: "missing_context", Op: "==", Bound: 1},
	},
	Terms: []unit.Term{
		{Word: "dependency injection", Means: "A part is given what it needs by whoever makes it, and reaches for nothing itself."},
		{Word: "fake", Means: "A small working stand-in for a test: it answers as the real one does, from memory.", Also: []string{"fakes"}},
	},
	Tasks: []unit.Task{
		{ID: "serves", Title: "hangs coats and hands each out once, on Redis"},
		{ID: "fake", Title: "does the same without Redis"},
		{ID: "apart", Title: "two cloakrooms do not see each other's coats"},
		{ID: "narrow", Title: "the handlers ask for no more than they need"},
		{ID: "fails", Title: "says 503 when the store cannot answer"},
		{ID: "once", Title: "two who come with the same number do not both get the coat"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	n := m["width_cmdable"]
	because := fmt.Sprintf("%.0f. An interface that lists what somebody offers is theirs; one that lists what you need is yours, and has %.0f.", n, m["width_ours"])
	switch {
	case n <= 2:
		return 0, because
	case n < 300:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{widths, serving, crowding, forgetting} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
