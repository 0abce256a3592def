// Package profile is unit 1.02: an object as one JSON string and as a hash.
package profile

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.02",
	Title:   "Objects in hashes",
	Lead:    "Nora moved house. Her parcel did not.",
	Minutes: 50,
	After:   []string{"1.01"},
	Params: []unit.Param{
		{Name: "services", Label: "services", Kind: unit.IntParam, Min: "2", Max: "50", Default: "20", Quick: "8"},
		{Name: "changes", Label: "changes each", Kind: unit.IntParam, Min: "100", Max: "2000", Default: "300", Quick: "100"},
		{Name: "fields", Label: "fields of the record", Kind: unit.IntParam, Min: "50", Max: "400", Default: "60", Quick: "60"},
	},
	Predict: unit.Prediction{
		Question: "The record is one JSON string. Every service changes a field that is its own: no two ever write the same field. How many changes are still there when their author looks again?",
		Choices:  []string{"all: nobody touches a field of another", "most of them", "less than half"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "in a JSON string, services lose changes of fields that nobody else writes", Metric: "lost_json", Op: ">", Bound: 0},
		{Text: "in a hash they lose none", Metric: "lost_hash", Op: "==", Bound: 0},
		{Text: "one changed field of a hash takes less than a tenth of the bytes", Metric: "bytes_hash", Op: "<", Bound: 0.1, Other: "bytes_json"},
		{Text: "some order of two writers loses a change of the JSON string", Metric: "failing_json", Op: ">", Bound: 0},
		{Text: "no order loses a change of the hash", Metric: "failing_hash", Op: "==", Bound: 0},
		{Text: "an address written by two HSET can be read half", Metric: "failing_two-hset", Op: ">", Bound: 0},
		{Text: "written by one HSET it cannot", Metric: "failing_one-hset", Op: "==", Bound: 0},
		{Text: "a Go int says 0 for points that are 0, missing, or of nobody", Metric: "zeros_int", Op: "==", Bound: 3},
		{Text: "a pointer says 0 for the one who has 0", Metric: "zeros_pointer", Op: "==", Bound: 1},
		{Text: "one byte too many makes the hash half as large again, at least", Metric: "bytes_long_value", Op: ">", Bound: 1.5, Other: "bytes_fitting_value", Need: unit.NeedRedis},
		{Text: "taking the long value away does not bring the small form back", Metric: "bytes_after_hdel", Op: ">", Bound: 1.5, Other: "bytes_fitting_value", Need: unit.NeedRedis},
		{Text: "so does one field too many", Metric: "bytes_above", Op: ">", Bound: 1.5, Other: "bytes_at", Need: unit.NeedRedis},
	},
	Races: scenarios,
	Terms: []unit.Term{
		{Word: "hash", Means: "A key that holds fields, each with a value of its own; one field is read or written alone.", Also: []string{"hashes"}, Common: true},
		{Word: "encoding", Means: "How Redis keeps a value in memory: small ones packed, large ones in a table.", Also: []string{"encodings"}},
		{Word: "listpack", Means: "The packed encoding of small hashes, lists, sets and sorted sets: one block of memory, searched from its start.", Also: []string{"listpacks"}},
	},
	Tasks: []unit.Task{
		{ID: "partial", Title: "changes what it was told to change, and nothing else"},
		{ID: "concurrent", Title: "loses nobody's change, in any order of commands"},
		{ID: "whole", Title: "never shows half a change"},
		{ID: "typed", Title: "tells missing from zero, and text from a number"},
		{ID: "cost", Title: "sends one command a call, with the changed fields alone"},
	},
	Run: run,
}

// answer computes the right choice from what this run lost.
func answer(m unit.Metrics) (int, string) {
	kept := 1 - m["lost_json"]/m["changes"]
	because := fmt.Sprintf("%.0f %% were still there. To change one field of a string is to write all of them, as they were when it was read.", 100*kept)
	switch {
	case m["lost_json"] == 0:
		return 0, because
	case kept >= 0.5:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{racing, onTheWire, loading, reading, storing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
