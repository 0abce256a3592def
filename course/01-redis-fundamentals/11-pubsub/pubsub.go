// Package broadcast is unit 1.11: publish and subscribe, and what they do not
// promise.
package broadcast

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.11",
	Title:   "Broadcasting",
	Lead:    "At 14:02 line 9 moves to platform 4. The display on platform 2 went through a short silence at 14:02, and shows line 9 until evening.",
	Minutes: 60,
	After:   []string{"1.05", "1.10"},
	Params: []unit.Param{
		{Name: "notices", Label: "notices published", Kind: unit.IntParam, Min: "20", Max: "2000", Default: "200", Quick: "50"},
		{Name: "silence", Label: "of these, while a display is cut off", Kind: unit.IntParam, Min: "1", Max: "19", Default: "12", Quick: "10"},
		{Name: "size", Label: "KB of a notice to a display that does not read", Kind: unit.IntParam, Min: "4", Max: "64", Default: "16", Quick: "64"},
		{Name: "limit", Label: "MB that the server holds for it", Kind: unit.IntParam, Min: "1", Max: "16", Default: "4", Quick: "2"},
	},
	Predict: unit.Prediction{
		Question: "A display loses its connection, some notices are published, the connection comes back. How many errors does its loop over go-redis' channel of messages get?",
		Choices:  []string{"none", "one, when the connection breaks", "one for each notice that it missed"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "PUBLISH to nobody is no error", Metric: "heard_by_nobody", Op: "==", Bound: 0},
		{Text: "what is published before the confirmation is lost", Metric: "lost_unconfirmed", Op: ">", Bound: 0},
		{Text: "what is published after it is not", Metric: "lost_confirmed", Op: "==", Bound: 0},
		{Text: "a display that is cut off misses every notice of that time", Metric: "missed", Op: "==", Other: "silent"},
		{Text: "and hears of no error", Metric: "errors", Op: "==", Bound: 0},
		{Text: "the numbers of the notices tell how many it missed", Metric: "gap", Op: "==", Other: "missed"},
		{Text: "three subscriptions that match bring three copies of one notice", Metric: "copies", Op: "==", Bound: 3, Need: unit.NeedRedis},
		{Text: "PUBLISH counts a display that has stopped reading as one that hears", Metric: "told_receivers", Op: "==", Bound: 2, Need: unit.NeedOwnServer},
		{Text: "the server holds megabytes for it", Metric: "held", Op: ">", Bound: 0.5, Need: unit.NeedOwnServer},
		{Text: "until it disconnects it", Metric: "disconnected", Op: "==", Bound: 1, Need: unit.NeedOwnServer},
		{Text: "what was held for it is lost", Metric: "lost_slow", Op: ">", Bound: 0, Need: unit.NeedOwnServer},
		{Text: "the display beside it misses nothing", Metric: "lost_fast", Op: "==", Bound: 0, Need: unit.NeedOwnServer},
		{Text: "numbering and publishing apart, some order of two publishers arrives out of order", Metric: "failing_apart", Op: ">", Bound: 0},
		{Text: "in one script, none does", Metric: "failing_script", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{apart, script},
	Terms: []unit.Term{
		{Word: "publish and subscribe", Means: "Messages to whoever listens at that moment; nothing is kept.", Also: []string{"Pub/Sub"}},
		{Word: "channel", Means: "The name under which messages are published.", Also: []string{"channels"}, Common: true},
		{Word: "output buffer", Means: "What the server holds for a client that does not read fast enough, up to a limit.", Also: []string{"output buffers"}},
	},
	Tasks: []unit.Task{
		{ID: "confirmed", Title: "hears what is published as soon as Open has returned"},
		{ID: "missed", Title: "says how many notices it missed while it was cut off"},
		{ID: "slow", Title: "makes nobody wait for a listener that does not read"},
		{ID: "numbers", Title: "publishes in the order of the numbers, whoever publishes"},
		{ID: "close", Title: "leaves nothing behind when it is closed"},
	},
	Run: run,
}

// answer computes the right choice from what the display was told.
func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("%.0f errors, and %.0f notices missed. The client reconnected and subscribed again by itself, and said nothing.", m["errors"], m["missed"])
	switch m["errors"] {
	case 0:
		return 0, because
	case 1:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{unheard, listening, unconfirmed, silence, patterns, slow, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
