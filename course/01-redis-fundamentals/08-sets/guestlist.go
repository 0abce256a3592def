// Package guestlist is unit 1.08: sets, as the guest list of a festival.
package guestlist

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.08",
	Title:   "Unique collections and membership",
	Lead:    "A million tickets, two doors, and one ticket that was photographed.",
	Minutes: 45,
	After:   []string{"1.01", "1.05", "1.06"},
	Params: []unit.Param{
		{Name: "tickets", Label: "tickets sold", Kind: unit.IntParam, Min: "10000", Max: "1000000", Default: "1000000", Quick: "50000"},
		{Name: "guests", Label: "guests in the raffle", Kind: unit.IntParam, Min: "200", Max: "10000", Default: "1000", Quick: "500"},
	},
	Predict: unit.Prediction{
		Question: "A raffle has as many prizes as guests. The winners are drawn with SRANDMEMBER and a minus sign, such as SRANDMEMBER raffle -1000. How many of the guests win something?",
		Choices:  []string{"all of them", "about nine in ten", "about six in ten"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "looking, then letting in, admits one ticket twice in some order", Metric: "failing_look", Op: ">", Bound: 0},
		{Text: "no order admits a ticket twice when SADD answers", Metric: "failing_add", Op: "==", Bound: 0},
		{Text: "an honest guest is turned away after a lost reply", Metric: "added_after_retry", Op: "==", Bound: 0},
		{Text: "a list takes at least ten times as long as a set to say no", Metric: "list_us", Op: ">=", Bound: 10, Other: "set_us", Timing: true},
		{Text: "so it does beside a sorted set", Metric: "list_us", Op: ">=", Bound: 10, Other: "sorted_us", Timing: true},
		{Text: "a set hardly feels that it has grown", Metric: "set_us", Op: "<=", Bound: 10, Other: "set_small_us", Timing: true},
		{Text: "fetching the list for one answer moves a thousand times as many bytes", Metric: "bytes_smembers", Op: ">=", Bound: 1000, Other: "bytes_sismember"},
		{Text: "fetching both nights moves at least ten times what SINTER does", Metric: "bytes_fetched", Op: ">=", Bound: 10, Other: "bytes_sinter"},
		{Text: "LIMIT ends the counting early", Metric: "card_us", Op: ">=", Bound: 3, Other: "limit_us", Timing: true},
		{Text: "a count below zero leaves more than a quarter without a prize", Metric: "win_negative", Op: "<", Bound: 0.75, Other: "win_positive"},
	},
	Races: []race.Scenario{look, add},
	Terms: []unit.Term{
		{Word: "set", Means: "A key that holds members, each once, in no order.", Also: []string{"sets"}, Common: true},
		{Word: "cardinality", Means: "How many different members there are."},
	},
	Tasks: []unit.Task{
		{ID: "follow", Title: "keeps each follower once, and tells one caller that it was new"},
		{ID: "follows", Title: "answers yes or no without fetching the followers"},
		{ID: "both", Title: "finds who follows both, and only these travel"},
		{ID: "tags", Title: "finds photos by all of some tags, or by any, each photo once"},
	},
	Run: run,
}

// answer computes the right choice from how many of this run's guests won.
func answer(m unit.Metrics) (int, string) {
	share := m["win_negative"] / m["win_positive"]
	because := fmt.Sprintf("%.0f %% of the guests won, one of them %.0f times. Below zero each name is drawn from all guests again.", 100*share, m["luckiest"])
	switch {
	case share > 0.97:
		return 0, because
	case share > 0.75:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{doors, resent, growing, nights, raffle} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return r.Keys(ctx, "Sets, and what they hold", inside, "raffle:small")
}
