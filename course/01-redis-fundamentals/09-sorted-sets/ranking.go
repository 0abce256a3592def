// Package ranking is unit 1.09: sorted sets as boards, as ranges, and as an index
// over time.
package ranking

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.09",
	Title:   "Rankings and ranges",
	Lead:    "Wanda is 48,213th of 100,000, and your server sorts all of them to find that out.",
	Minutes: 50,
	After:   []string{"1.02", "1.05", "1.08"},
	Params: []unit.Param{
		{Name: "players", Label: "players on the board", Kind: unit.IntParam, Min: "1000", Max: "1000000", Default: "100000", Quick: "20000"},
		{Name: "asks", Label: "questions a measurement", Kind: unit.IntParam, Min: "20", Max: "2000", Default: "200", Quick: "100"},
	},
	Predict: unit.Prediction{
		Question: "A board grows to a hundred times as many players. How much longer does Redis need to say which place somebody has?",
		Choices:  []string{"about a hundred times as long", "ten to fifty times as long", "less than ten times as long"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "sorting in Go brings over a thousand times the bytes", Metric: "bytes_sorting", Op: ">", Bound: 1000, Other: "bytes_rank"},
		{Text: "sorting in Go takes over twenty times as long", Metric: "us_sorting", Op: ">", Bound: 20, Other: "us_rank", Timing: true},
		{Text: "a hundred times the players, less than twenty times the work for a place", Metric: "us_rank", Op: "<", Bound: 20, Other: "us_rank_small", Timing: true},
		{Text: "the last page by offset costs over three times the last page by rank", Metric: "us_page_offset", Op: ">", Bound: 3, Other: "us_page_rank", Timing: true},
		{Text: "both ways find the same last page", Metric: "pages_differ", Op: "==", Bound: 0},
		{Text: "some order of two machines loses a best score by ZSCORE, then ZADD", Metric: "failing_compare", Op: ">", Bound: 0},
		{Text: "no order loses one with ZADD GT", Metric: "failing_gt", Op: "==", Bound: 0},
		{Text: "some order shows a place and a page that do not fit", Metric: "failing_page", Op: ">", Bound: 0},
		{Text: "the index over time counts every game of the window", Metric: "window_games", Op: "==", Other: "window_true"},
		{Text: "an index with one member a player misses some", Metric: "window_players", Op: "<", Other: "window_true"},
		{Text: "two scores beyond 2^53 that differ by one become equal", Metric: "far_apart", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{compare, gt, rankThenPage},
	Terms: []unit.Term{
		{Word: "sorted set", Means: "A key that holds members with a score, kept in the order of the scores.", Also: []string{"sorted sets"}},
		{Word: "score", Means: "The number by which a member of a sorted set is placed; a double, exact up to 2^53.", Also: []string{"scores"}, Common: true},
		{Word: "tie", Means: "Two members with the same score; they stand in the order of their names.", Also: []string{"ties"}, Common: true},
	},
	Tasks: []unit.Task{
		{ID: "best", Title: "keeps the best score of a player, in any order of reports"},
		{ID: "top", Title: "lists the top of the board, best first, with places from 1"},
		{ID: "around", Title: "lists a player's neighbours by place, also among equals and at the ends"},
		{ID: "moment", Title: "shows places and rows of one moment, while others overtake"},
		{ID: "cost", Title: "reads what it shows, in two round trips at most"},
	},
	Run: run,
}

// answer compares the smallest board with the largest.
func answer(m unit.Metrics) (int, string) {
	small, large := m["us_rank_small"], m["us_rank"]
	if small == 0 {
		return 2, "The work grows with the logarithm: a hundred times is about 7 doublings, and each costs a jump or two. This server does not time it; a real Redis does."
	}
	times := large / small
	because := fmt.Sprintf("%.1f times: %.1f µs after %.1f µs. The work grows with the logarithm: a hundred times is about 7 doublings, and each costs a jump or two.", times, large, small)
	switch {
	case times < 10:
		return 2, because
	case times < 50:
		return 1, because
	}
	return 0, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{keeping, moving, racing, growing, asking, windowing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
