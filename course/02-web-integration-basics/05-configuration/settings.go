// Package settings is unit 2.05: where a program's settings come from, and when it
// is told that they are wrong.
package settings

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "2.05",
	Title:    "Environments",
	Lead:     "READ_TIMEOUT=5. The deploy was green, and every request failed: five nanoseconds.",
	Minutes:  35,
	After:    []string{"1.01"},
	Needs:    []unit.Need{unit.NeedOwnServer},
	Packages: []string{"connect"},
	Params: []unit.Param{
		{Name: "sources", Label: "sources that may set a value", Kind: unit.IntParam, Min: "2", Max: "6", Default: "4", Quick: "4"},
	},
	Predict: unit.Prediction{
		Question: "Eight mistakes that people make in settings, one after the other, in a program that starts without complaint. How many of them does it never report at all, not even when it is used?",
		Choices:  []string{"none: sooner or later each is an error", "one or two", "three or more"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "merging by zero values answers wrongly", Metric: "wrong_zero", Op: ">", Bound: 0},
		{Text: "merging by presence never does", Metric: "wrong_presence", Op: "==", Bound: 0},
		{Text: "the careless program starts with every one of the mistakes", Metric: "careless_start", Op: "==", Bound: 0},
		{Text: "some come out with the first request", Metric: "careless_request", Op: ">", Bound: 0},
		{Text: "and some never", Metric: "careless_never", Op: ">", Bound: 0},
		{Text: "the strict one starts with none", Metric: "strict_start", Op: "==", Other: "mistakes"},
		{Text: "common ways to report a bad URL show its password", Metric: "leaks_common", Op: ">", Bound: 0},
		{Text: "those of kit/connect never", Metric: "leaks_connect", Op: "==", Bound: 0},
	},
	Terms: []unit.Term{
		{Word: "profile", Means: "A named set of rules for settings, such as production, in which more is demanded than on a laptop.", Also: []string{"profiles"}},
	},
	Tasks: []unit.Task{
		{ID: "reads", Title: "reads what is set, and has defaults for the rest"},
		{ID: "strict", Title: "refuses what is not a duration with a unit, a number in range, a profile"},
		{ID: "names", Title: "refuses a variable that it does not know"},
		{ID: "all", Title: "tells all mistakes at once, each by its variable"},
		{ID: "production", Title: "demands TLS and a password where they matter"},
		{ID: "secret", Title: "shows the password to nobody who prints"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	never := m["careless_never"]
	because := fmt.Sprintf("%.0f of %.0f. A value that cannot be read becomes a default, and a default works.", never, m["mistakes"])
	switch {
	case never == 0:
		return 0, because
	case never < 3:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{layering, starting, leaking} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
