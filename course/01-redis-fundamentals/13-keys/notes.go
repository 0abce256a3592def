// Package notes is unit 1.13: keys, models and indexes, as the notes of people who
// choose their own names.
package notes

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.13",
	Title:   "Keys, models and indexes",
	Lead:    "Somebody signed up as *, and closed the account again. Everybody's notes were gone.",
	Minutes: 65,
	After:   []string{"1.02", "1.04", "1.05", "1.08", "1.12"},
	Params: []unit.Param{
		{Name: "notes", Label: "notes", Kind: unit.IntParam, Min: "1000", Max: "20000", Default: "5000", Quick: "1000"},
		{Name: "latency", Label: "way to Redis", Kind: unit.DurationParam, Min: "0s", Max: "20ms", Default: "1ms", Quick: "1ms"},
	},
	Predict: unit.Prediction{
		Question: "Two people change the tag of one note. Each reads the old tag, then writes the note and both sets of the index in one MULTI. Can the index disagree with the note in the end?",
		Choices:  []string{"no, MULTI is atomic", "only when one of them crashes", "yes, when both are alive and well"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "the account called * takes the notes of others along", Metric: "lost_raw", Op: ">", Bound: 0},
		{Text: "an encoded name takes none", Metric: "lost_encoded", Op: "==", Bound: 0},
		{Text: "two notes of two people share one key", Metric: "kept_raw", Op: "==", Bound: 1},
		{Text: "not if their names are encoded", Metric: "kept_encoded", Op: "==", Bound: 2},
		{Text: "names in braces put all keys into one slot of a cluster", Metric: "slots_raw", Op: "==", Bound: 1},
		{Text: "encoded they spread", Metric: "slots_encoded", Op: ">", Bound: 800},
		{Text: "an index answers in two round trips", Metric: "trips_index", Op: "==", Bound: 2},
		{Text: "one read a note takes at least five times as many", Metric: "trips_each", Op: ">=", Bound: 5, Other: "trips_index"},
		{Text: "a walk moves at least five times the bytes", Metric: "bytes_scan", Op: ">=", Bound: 5, Other: "bytes_index"},
		{Text: "one read a note takes at least twice as long at a millisecond's distance", Metric: "ms_each", Op: ">=", Bound: 2, Other: "ms_index", Timing: true},
		{Text: "three separate writes leave index and note apart", Metric: "failing_apart", Op: ">", Bound: 0},
		{Text: "so does MULTI after a read", Metric: "failing_multi", Op: ">", Bound: 0},
		{Text: "WATCH before that read never does", Metric: "failing_watch", Op: "==", Bound: 0},
		{Text: "reading from a map is at least ten times as fast as from Redis", Metric: "read_redis", Op: ">=", Bound: 10, Other: "read_map", Timing: true},
		{Text: "nothing of the map is seen by a second program", Metric: "seen_map", Op: "==", Bound: 0},
		{Text: "all of SQLite is", Metric: "seen_sql", Op: "==", Other: "seen_redis"},
	},
	Races: []race.Scenario{apart, multi, watch},
	Terms: []unit.Term{
		{Word: "keyspace", Means: "All keys of a database."},
		{Word: "secondary index", Means: "A key that leads from a property to the objects that have it.", Also: []string{"secondary indexes"}},
		{Word: "N+1 reads", Means: "One read for a list, and one more for each thing in it.", Also: []string{"N+1"}},
		{Word: "hash tag", Means: "The part of a key in braces, by which a cluster chooses the slot.", Also: []string{"hash tags"}},
		{Word: "glob", Means: "A pattern with * and ? that names many keys.", Also: []string{"glob pattern"}},
	},
	Tasks: []unit.Task{
		{ID: "keys", Title: "names keys that no input can bend"},
		{ID: "find", Title: "finds by owner and by tag in two round trips"},
		{ID: "true", Title: "keeps both indexes true through every save and delete"},
		{ID: "expiry", Title: "forgets notes that have ended, in the indexes too"},
		{ID: "crash", Title: "keeps them true when two write at once, or one crashes"},
	},
	Run: run,
}

// answer computes the right choice from what the explorer found.
func answer(m unit.Metrics) (int, string) {
	if m["failing_multi"] == 0 {
		return 0, "no order that was played left them apart."
	}
	return 2, fmt.Sprintf("%.0f of the orders leave the note under a tag that it does not have. What MULTI takes away was read before MULTI.", m["failing_multi"])
}

func run(ctx context.Context, r *unit.Run) error {
	s, err := spaceOf(ctx, r)
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context, *unit.Run, *space) error{closing, colliding, slotting, querying, retagging, comparing} {
		if err := part(ctx, r, s); err != nil {
			return err
		}
	}
	return r.Keys(ctx, "One note, and the two keys that point at it", sampleNote, sampleTag, sampleOwner)
}
