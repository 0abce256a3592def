// Package pages is unit 3.03: writes that are accepted now and reach the database
// later, as the pages that readers of a train have turned.
package pages

import (
	"context"
	"fmt"
	"os"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.03",
	Title:    "Write behind",
	Lead:     "The train leaves the tunnel, and 5,000 page turns arrive in one second. In that second somebody deploys.",
	Minutes:  65,
	After:    []string{"1.05", "1.10", "1.13", "3.01"},
	Packages: []string{"cache/writebehind"},
	Params: []unit.Param{
		{Name: "turns", Label: "pages turned in the tunnel", Kind: unit.IntParam, Min: "400", Max: "20000", Default: "5000", Quick: "400"},
		{Name: "readers", Label: "readers on the train", Kind: unit.IntParam, Min: "40", Max: "2000", Default: "200", Quick: "40"},
		{Name: "delay", Label: "how long a turn waits for the next", Kind: unit.DurationParam, Min: "50ms", Max: "2s", Default: "200ms", Quick: "300ms"},
	},
	Predict: unit.Prediction{
		Question: "A worker has committed its batch to the database, and is killed before it can tell Redis. What becomes of the batch?",
		Choices:  []string{"it is lost", "it is written a second time", "Redis finds out that it was written"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "written directly, every turn is a row", Metric: "rows_direct", Op: "==", Other: "turns"},
		{Text: "and a commit", Metric: "commits_direct", Op: "==", Other: "turns"},
		{Text: "behind, at most half of the turns become rows", Metric: "rows_kit", Op: "<=", Bound: 0.5, Other: "turns"},
		{Text: "in a third of the commits, at most", Metric: "commits_kit", Op: "<=", Bound: 0.3, Other: "turns"},
		{Text: "and all readers are where they left off", Metric: "wrong_kit", Op: "==", Bound: 0},
		{Text: "a killed process takes its buffer along", Metric: "lost_memory", Op: ">", Bound: 0},
		{Text: "a queue that hands out before the work loses a batch", Metric: "lost_queue", Op: "==", Bound: batch},
		{Text: "killed before the commit, kit/cache/writebehind loses nothing", Metric: "lost_before", Op: "==", Bound: 0},
		{Text: "nor killed after it", Metric: "lost_after", Op: "==", Bound: 0},
		{Text: "what was committed and not acknowledged comes again", Metric: "twice_after", Op: "==", Bound: batch},
		{Text: "and no reader goes back a page", Metric: "back_after", Op: "==", Bound: 0},
		{Text: "a worker that wakes up late sets readers back", Metric: "back_blind", Op: ">", Bound: 0},
		{Text: "unless the database compares versions", Metric: "back_guarded", Op: "==", Bound: 0},
		{Text: "one bad write blocks a whole batch, however often it is tried", Metric: "arrived_naive", Op: "==", Bound: 0},
		{Text: "tried alone, it blocks nobody", Metric: "arrived_kit", Op: "==", Bound: batch - 1},
		{Text: "and is laid aside", Metric: "dead", Op: "==", Bound: 1},
		{Text: "taking before writing loses a page in some order", Metric: "failing_take", Op: ">", Bound: 0},
		{Text: "so does removing afterwards what may have changed", Metric: "failing_remove", Op: ">", Bound: 0},
		{Text: "removing only what was written never does", Metric: "failing_same", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{takeRace, removeRace, sameRace},
	Terms: []unit.Term{
		{Word: "write-behind", Means: "A write is accepted by a faster store, and reaches the database later.", Also: []string{"write-back"}},
		{Word: "coalescing", Means: "Several pending writes of a key become one: the last.", Also: []string{"coalesce", "coalesced"}},
		{Word: "acknowledge", Means: "To say that something is safe: to the caller, that a write is accepted; to the buffer, that the database has it.", Also: []string{"acknowledged", "acknowledgement"}, Common: true},
		{Word: "poison entry", Means: "A write that fails at each try, and with it whatever is tried together with it.", Also: []string{"poison entries"}},
		{Word: "dead letter", Means: "What was tried often enough and is laid aside for a person.", Also: []string{"dead letters"}},
	},
	Tasks: []unit.Task{
		{ID: "durable", Title: "has a write in Redis before it says so"},
		{ID: "coalesce", Title: "hands over the last write of each key, in few round trips"},
		{ID: "kept", Title: "keeps what came while it was saving"},
		{ID: "order", Title: "gives versions that only grow"},
		{ID: "poison", Title: "lets no bad write hold up a good one"},
		{ID: "crash", Title: "loses nothing in any order, nor in any crash"},
	},
	Run: run,
}

// answer looks at the table after such a death.
func answer(m unit.Metrics) (int, string) {
	if m["twice_after"] == 0 {
		return 2, "no write came a second time."
	}
	return 1, fmt.Sprintf("%.0f writes came to the database again, and it refused them by their versions. %.0f were lost.", m["twice_after"], m["lost_after"])
}

func run(ctx context.Context, r *unit.Run) error {
	dir, err := os.MkdirTemp("", "grind-pages-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, part := range []func(context.Context, *unit.Run, string) error{bursting, killing, waking, poisoning, racing, requesting} {
		if err := part(ctx, r, dir); err != nil {
			return err
		}
	}
	return nil
}
