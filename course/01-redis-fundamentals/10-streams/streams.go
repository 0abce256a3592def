// Package kitchen is unit 1.10: streams and consumer groups, beside lists and
// Pub/Sub.
package kitchen

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.10",
	Title:   "Streams and consumer groups",
	Lead:    "The screen in the kitchen restarts, a cook drops out with ten orders in hand, and at midnight an auditor wants the whole evening again.",
	Minutes: 60,
	After:   []string{"1.05", "1.07"},
	Params: []unit.Param{
		{Name: "orders", Label: "orders of the evening", Kind: unit.IntParam, Min: "100", Max: "2000", Default: "300", Quick: "100"},
		{Name: "away", Label: "orders while the screen restarts", Kind: unit.IntParam, Min: "2", Max: "60", Default: "50", Quick: "20"},
		{Name: "hand", Label: "orders a cook takes at once", Kind: unit.IntParam, Min: "4", Max: "30", Default: "10", Quick: "10"},
		{Name: "patience", Label: "how long an order may stay silent", Kind: unit.DurationParam, Min: "50ms", Max: "3s", Default: "300ms", Quick: "150ms"},
	},
	Predict: unit.Prediction{
		Question: "By stream, with a consumer group: the screen restarts, a cook drops out with orders in hand, and another takes over. How many plates leave the kitchen?",
		Choices:  []string{"fewer than orders: something is lost", "as many as orders", "more than orders"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "Pub/Sub loses every order that comes while the screen is away", Metric: "away_pubsub", Op: "==", Other: "sent_away"},
		{Text: "the list keeps them", Metric: "away_list", Op: "==", Bound: 0},
		{Text: "the stream keeps them", Metric: "away_stream", Op: "==", Bound: 0},
		{Text: "what a dead cook had in hand is lost by the list", Metric: "hand_list", Op: ">", Bound: 0},
		{Text: "and as much by Pub/Sub", Metric: "hand_pubsub", Op: "==", Other: "hand_list"},
		{Text: "and not by the stream", Metric: "hand_stream", Op: "==", Bound: 0},
		{Text: "the stream cooks one order twice", Metric: "twice_stream", Op: "==", Bound: 1},
		{Text: "only the stream can be read again", Metric: "again_stream", Op: "==", Other: "sent"},
		{Text: "claiming without patience takes orders from a cook at work", Metric: "robbed_at_once", Op: ">", Bound: 0},
		{Text: "claiming with patience takes none", Metric: "robbed_patiently", Op: "==", Bound: 0},
		{Text: "MAXLEN throws away orders that nobody has read", Metric: "trimmed_maxlen", Op: ">", Bound: 0},
		{Text: "trimming up to the oldest order in hand throws away none", Metric: "trimmed_minid", Op: "==", Bound: 0},
		{Text: "some crash loses an order that was acknowledged first", Metric: "failing_ack_first", Op: ">", Bound: 0},
		{Text: "no crash loses an order that is acknowledged last", Metric: "failing_ack_last", Op: "==", Bound: 0},
		{Text: "two rescuers without patience cook one order twice", Metric: "failing_claim_at_once", Op: ">", Bound: 0},
		{Text: "two rescuers with patience never do", Metric: "failing_claim_patiently", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{ackFirst, ackLast, claimAtOnce, claimPatiently},
	Terms: []unit.Term{
		{Word: "stream", Means: "A key that holds entries in the order in which they came, each with an id; reading takes nothing away.", Also: []string{"streams"}},
		{Word: "consumer group", Means: "Readers of a stream that share its entries among them, each entry to one.", Also: []string{"consumer groups"}},
		{Word: "pending entry", Means: "An entry that a consumer was given and has not acknowledged.", Also: []string{"pending entries"}},
		{Word: "claim", Means: "Taking over the pending entry of a consumer that is gone.", Also: []string{"claims", "claimed"}, Common: true},
	},
	Tasks: []unit.Task{
		{ID: "evening", Title: "cooks every order once, those from before the kitchen opened too"},
		{ID: "crash", Title: "loses no order when a cook drops out, and repeats none that was done"},
		{ID: "living", Title: "finds what a dead cook left, and takes nothing from the living"},
		{ID: "trim", Title: "throws away what is done, and nothing else, in any order of commands"},
		{ID: "cost", Title: "takes many orders with one command, and never waits"},
	},
	Run: run,
}

// answer computes the right choice from the plates that were counted.
func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("%.0f orders, %.0f plates. The cook dropped out between cooking and acknowledging; whoever took over could not know. A group promises at least once.", m["sent"], m["plates_stream"])
	switch {
	case m["plates_stream"] < m["sent"]:
		return 0, because
	case m["plates_stream"] == m["sent"]:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{oneOrder, evenings, rescue, trimming, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
