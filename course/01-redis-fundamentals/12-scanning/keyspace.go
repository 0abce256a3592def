// Package keyspace is unit 1.12: finding keys, and getting rid of them, while
// others work.
package keyspace

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.12",
	Title:   "Finding keys",
	Lead:    "Fifty pages have to go. The line that finds them stops the shop.",
	Minutes: 35,
	After:   []string{"1.02", "1.05", "1.08"},
	Needs:   []unit.Need{unit.NeedOwnServer},
	Params: []unit.Param{
		{Name: "keys", Label: "keys in the shop", Kind: unit.IntParam, Min: "200000", Max: "2000000", Default: "1000000", Quick: "200000"},
		{Name: "count", Label: "COUNT of SCAN", Kind: unit.IntParam, Min: "10", Max: "2000", Default: "1000"},
		{Name: "members", Label: "members of the big set", Kind: unit.IntParam, Min: "100000", Max: "2000000", Default: "300000", Quick: "100000"},
	},
	Predict: unit.Prediction{
		Question: "50 pages of a million keys match. A loop asks SCAN for them, page of names after page of names, until it gets an empty one. How many of the 50 does it find?",
		Choices:  []string{"all 50", "about half of them", "a handful at most"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "others wait over twice as long under KEYS as under SCAN (p99)", Metric: "p99_keys", Op: ">", Bound: 2, Other: "p99_scan", Timing: true},
		{Text: "one KEYS holds the server over ten times as long as one SCAN", Metric: "held_keys", Op: ">", Bound: 10, Other: "held_scan", Timing: true},
		{Text: "SCAN finds all that match", Metric: "found_scan", Op: "==", Other: "matching"},
		{Text: "over a third of the replies are empty", Metric: "empty_share", Op: ">", Bound: 33},
		{Text: "who stops at the first empty one misses some", Metric: "found_stopping", Op: "<", Other: "matching"},
		{Text: "SCAN returns some twice when the table shrinks", Metric: "seen_twice", Op: ">", Bound: 0},
		{Text: "who was there all the time is not missed", Metric: "missed", Op: "==", Bound: 0},
		{Text: "DEL of the big set holds the server over five times as long as UNLINK", Metric: "held_del", Op: ">", Bound: 5, Other: "held_unlink", Timing: true},
		{Text: "some order of looking, then deleting loses a page that is new", Metric: "failing_look", Op: ">", Bound: 0},
		{Text: "no order loses one when a script looks and deletes", Metric: "failing_script", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{look, script},
	Terms: []unit.Term{
		{Word: "cursor", Means: "Where a scan stands; 0 begins it, and 0 again ends it.", Also: []string{"cursors"}, Common: true},
		{Word: "bystander", Means: "A client that does nothing wrong and waits for somebody who does.", Also: []string{"bystanders"}},
		{Word: "p99", Means: "The time that 99 of 100 requests stay under."},
	},
	Tasks: []unit.Task{
		{ID: "all", Title: "deletes every old page, also behind empty replies, and counts them"},
		{ID: "new", Title: "keeps what the new release wrote, at whatever moment it came"},
		{ID: "bounded", Title: "holds nobody up: bounded batches, no KEYS, few round trips"},
		{ID: "huge", Title: "frees a huge page without making others wait"},
	},
	Run: run,
}

// answer computes the right choice from what the loop found.
func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("It found %.0f. Of all replies %.0f %% were empty, and an empty one says nothing about the next: only the cursor 0 is the end.", m["found_stopping"], m["empty_share"])
	switch {
	case m["found_stopping"] == m["matching"]:
		return 0, because
	case m["found_stopping"] > m["matching"]/4:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	s, err := open(ctx, r)
	if err != nil {
		return err
	}
	defer s.close()
	for _, part := range []func(context.Context, *unit.Run, *shop) error{waiting, walking, filming, doubling, coming, freeing} {
		if err := part(ctx, r, s); err != nil {
			return err
		}
	}
	return racing(ctx, r)
}
