// Package lifts is unit 3.02: a database and a cache that are both written, as the
// lifts of a ski resort and the board that says which of them run.
package lifts

import (
	"context"
	"fmt"
	"os"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.02",
	Title:    "Read through, write through",
	Lead:     "Lift 4 was closed for wind. The board said so at once, the database had refused it, and five minutes later the board opened the lift by itself.",
	Minutes:  60,
	After:    []string{"1.05", "1.13", "3.01"},
	Packages: []string{"cache"},
	Params: []unit.Param{
		{Name: "writes", Label: "times that a lift opens or closes", Kind: unit.IntParam, Min: "20", Max: "2000", Default: "400", Quick: "60"},
		{Name: "looks", Label: "looks at the board after each", Kind: unit.IntParam, Min: "1", Max: "50", Default: "5", Quick: "3"},
	},
	Predict: unit.Prediction{
		Question: "Two operators change lift 4 at the same time. Each writes the database first, and then the cache. Both writes succeed. Can the cache disagree with the database afterwards?",
		Choices:  []string{"no, both wrote the database first", "only if one of them crashed", "yes, until the entry ends"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "cache-aside loads once after each write", Metric: "loads_aside", Op: "==", Other: "writes"},
		{Text: "written through, no look needs the database", Metric: "loads_through", Op: "==", Bound: 0},
		{Text: "nor with kit/cache", Metric: "loads_kit", Op: "==", Bound: 0},
		{Text: "cache first: the board says what the database does not know", Metric: "early_first", Op: "==", Bound: rounds},
		{Text: "database first: the board is behind, each time", Metric: "late_through", Op: "==", Bound: rounds},
		{Text: "and so it is with cache-aside", Metric: "late_aside", Op: "==", Bound: rounds},
		{Text: "kit/cache is neither early", Metric: "early_kit", Op: "==", Bound: 0},
		{Text: "nor late", Metric: "late_kit", Op: "==", Bound: 0},
		{Text: "the database refuses, and cache first shows it all the same", Metric: "refused_first", Op: "==", Bound: rounds},
		{Text: "nobody else does", Metric: "refused_rest", Op: "==", Bound: 0},
		{Text: "the operator's process dies after the commit, and database first stays wrong", Metric: "died_through", Op: "==", Bound: rounds},
		{Text: "cache-aside too", Metric: "died_aside", Op: "==", Bound: rounds},
		{Text: "kit/cache does not", Metric: "died_kit", Op: "==", Bound: 0},
		{Text: "two who write the database first can leave the cache wrong", Metric: "failing_through", Op: ">", Bound: 0},
		{Text: "two who delete cannot", Metric: "failing_aside", Op: "==", Bound: 0},
		{Text: "nor two who compare versions", Metric: "failing_versions", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{throughRace, asideRace, versionsRace},
	Terms: []unit.Term{
		{Word: "read-through", Means: "The application asks the cache alone; on a miss the cache calls a loader."},
		{Word: "write-through", Means: "A write goes to the database and into the cache, before the writer is answered."},
		{Word: "consistency window", Means: "The time in which cache and database say different things about the same."},
	},
	Tasks: []unit.Task{
		{ID: "through", Title: "writes through: the next read is a hit"},
		{ID: "refused", Title: "shows nothing that the database has refused"},
		{ID: "between", Title: "shows nothing old once the database has the new"},
		{ID: "refill", Title: "refuses a reader who comes back late with the old"},
		{ID: "redis", Title: "writes nothing without the cache, and stays true when it dies half-way"},
		{ID: "two", Title: "keeps the later of two writes"},
	},
	Run: run,
}

// answer looks at the orders of two operators.
func answer(m unit.Metrics) (int, string) {
	if m["failing_through"] == 0 {
		return 0, "no order that was played left them apart."
	}
	return 2, fmt.Sprintf("%.0f of the orders leave them apart, and nobody has crashed: one is first at the database and last at the cache.", m["failing_through"])
}

func run(ctx context.Context, r *unit.Run) error {
	dir, err := os.MkdirTemp("", "grind-lifts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d, err := openDatabase(ctx, dir)
	if err != nil {
		return err
	}
	defer d.close()
	for _, part := range []func(context.Context, *unit.Run, *database) error{looking, between, failing, racing, requesting} {
		if err := part(ctx, r, d); err != nil {
			return err
		}
	}
	return nil
}
