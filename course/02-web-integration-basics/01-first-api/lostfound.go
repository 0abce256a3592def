// Package lostfound is unit 2.01: a lost property office as a typed API on Redis,
// beside one that trusts what it is sent.
package lostfound

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "2.01",
	Title:   "A typed API on Redis",
	Lead:    "Ticket 3 was a violin. On Friday ticket 3 was an umbrella, and the owner of the violin signed for it.",
	Minutes: 70,
	After:   []string{"1.02", "1.05", "1.09", "1.13"},
	Params: []unit.Param{
		{Name: "items", Label: "items handed in during the week", Kind: unit.IntParam, Min: "40", Max: "2000", Default: "300", Quick: "60"},
	},
	Predict: unit.Prediction{
		Question: fmt.Sprintf("%d requests, each with a mistake that a client really makes, are sent to a server that decodes JSON and asks Redis. How many of them does it answer with 200 or 201?", len(mistakes)),
		Choices:  []string{"none: a mistake is an error", "one or two", "more than two"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "the careless server takes some of the bad requests", Metric: "taken_careless", Op: ">", Bound: 2},
		{Text: "and calls others an error of its own", Metric: "broken_careless", Op: ">", Bound: 2},
		{Text: "the typed one refuses each of them, as problem+json", Metric: "refused_typed", Op: "==", Other: "mistakes"},
		{Text: "most bad requests cost the typed server no command at all", Metric: "commands_typed", Op: "<=", Bound: 2},
		{Text: "a number made by counting is given twice", Metric: "reused_count", Op: ">", Bound: 0},
		{Text: "one made by INCR never is", Metric: "reused_incr", Op: "==", Bound: 0},
		{Text: "pages by number leave items out while others come and go", Metric: "missed_offset", Op: ">", Bound: 0},
		{Text: "and show some twice", Metric: "twice_offset", Op: ">", Bound: 0},
		{Text: "a cursor leaves none out", Metric: "missed_cursor", Op: "==", Bound: 0},
		{Text: "and shows none twice", Metric: "twice_cursor", Op: "==", Bound: 0},
		{Text: "a page costs two round trips, whatever its length", Metric: "calls_list", Op: "==", Bound: 2},
		{Text: "the document describes five operations", Metric: "operations", Op: "==", Bound: 5},
		{Text: "the docs page loads nothing from elsewhere", Metric: "foreign", Op: "==", Bound: 0},
		{Text: "some order of EXISTS and HSET brings back an item that was handed out", Metric: "failing_hset", Op: ">", Bound: 0},
		{Text: "no order breaks the script", Metric: "failing_script", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{hsetRace, scriptRace, countRace, incrRace},
	Terms: []unit.Term{
		{Word: "problem+json", Means: "The form of RFC 9457 in which an HTTP API says what went wrong: type, title, status, detail."},
		{Word: "OpenAPI", Means: "A document that says what an HTTP API takes and answers, so that programs can check and generate by it."},
		{Word: "huma", Means: "A Go library that checks requests against the types of a handler, and writes the OpenAPI document from the same types."},
	},
	Tasks: []unit.Task{
		{ID: "create", Title: "gives each item a number that no other ever had"},
		{ID: "read", Title: "answers what was handed in, and 404 for what is not there"},
		{ID: "valid", Title: "tells a client of its mistakes, before Redis is asked"},
		{ID: "list", Title: "lists in bounded pages, each item once, in two round trips"},
		{ID: "update", Title: "corrects an item that is there"},
		{ID: "gone", Title: "never brings back what was handed out, in any order of commands"},
		{ID: "delete", Title: "hands out once, and leaves nothing behind"},
		{ID: "own", Title: "calls its own failures 5xx, without details"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	taken := m["taken_careless"]
	because := fmt.Sprintf("%.0f of %.0f. What is missing in JSON is a zero value in Go, and what is missing in Redis is an empty hash: neither is an error.", taken, m["mistakes"])
	switch {
	case taken == 0:
		return 0, because
	case taken <= 2:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{touring, mistaking, numbering, paging, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// racing explores the two ways to update.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("One clerk corrects an umbrella while another hands it out: all orders of their commands.")
	for _, name := range []string{"hset", "script"} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "orders that bring it back, " + name, Value: float64(report.Failing)})
	}
	return nil
}
