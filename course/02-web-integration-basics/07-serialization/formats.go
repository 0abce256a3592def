// Package formats is unit 2.07: what a value looks like in Redis, and who can read it
// after the next deploy.
package formats

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "2.07",
	Title:    "Formats and evolution",
	Lead:     "You rolled back at nine. By ten, every bike that somebody had ridden was without its lock code.",
	Minutes:  45,
	After:    []string{"1.02", "2.01"},
	Packages: []string{"codec"},
	Params: []unit.Param{
		{Name: "bikes", Label: "bikes on a page", Kind: unit.IntParam, Min: "10", Max: "500", Default: "100", Quick: "50"},
		{Name: "rounds", Label: "times that each value is encoded", Kind: unit.IntParam, Min: "200", Max: "20000", Default: "4000", Quick: "400"},
	},
	Predict: unit.Prediction{
		Question: "One bike is 150 bytes of JSON. zstd makes a fraction of a page of a hundred bikes. What does it make of the one bike?",
		Choices:  []string{"a fraction, too", "a little smaller, or no gain at all", "larger by half"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "CBOR is smaller than JSON", Metric: "bytes_cbor", Op: "<", Other: "bytes_json"},
		{Text: "Protocol Buffers is smaller than both, for it leaves the names out", Metric: "bytes_proto", Op: "<", Other: "bytes_cbor"},
		{Text: "gob is larger than JSON for a single value: it sends the type along", Metric: "bytes_gob", Op: ">", Other: "bytes_json"},
		{Text: "zstd makes a page of JSON less than half as large", Metric: "bytes_page_json_zstd", Op: "<", Bound: 0.5, Other: "bytes_page_json"},
		{Text: "and saves less than half of a single bike", Metric: "bytes_json_zstd", Op: ">", Bound: 0.5, Other: "bytes_json"},
		{Text: "gob takes more than three times as long as CBOR to decode", Metric: "ns_decode_gob", Op: ">", Bound: 3, Other: "ns_decode_cbor", Timing: true},
		{Text: "without a version, some meetings of old and new are wrong in silence", Metric: "silent_plain", Op: ">", Bound: 0},
		{Text: "with a version in front, none", Metric: "silent_versioned", Op: "==", Bound: 0},
		{Text: "every field that the old program does not know is gone after its write", Metric: "lost_plain", Op: ">", Bound: 0},
		{Text: "the old program refuses what is newer, so nothing is gone", Metric: "lost_versioned", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{rollback(plain), rollback(versioned)},
	Terms: []unit.Term{
		{Word: "envelope", Means: "A few bytes in front of a stored value that say how to read it: its format, its version.", Also: []string{"envelopes"}},
		{Word: "schema", Means: "Which fields a value has, and what each means.", Also: []string{"schemas"}},
	},
	Tasks: []unit.Task{
		{ID: "round", Title: "reads what it wrote, and says its version"},
		{ID: "old", Title: "reads what the first program stored"},
		{ID: "newer", Title: "refuses a newer version, and leaves it alone"},
		{ID: "unknown", Title: "keeps fields that it does not know when it changes one"},
		{ID: "heals", Title: "replaces a value that cannot be read, once"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	ratio := m["bytes_json_zstd"] / m["bytes_json"]
	because := fmt.Sprintf("%.0f bytes became %.0f. Compressing means saying once what is said often, and in one bike little is. A page of them: %.0f became %.0f.",
		m["bytes_json"], m["bytes_json_zstd"], m["bytes_page_json"], m["bytes_page_json_zstd"])
	switch {
	case ratio < 0.5:
		return 0, because
	case ratio < 1.3:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{sizes, meetings, rollingBack} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
