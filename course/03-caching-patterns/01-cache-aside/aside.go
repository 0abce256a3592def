// Package aside is unit 3.01: a cache beside the database, and all that can stand in
// it that the database never said.
package aside

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.01",
	Title:    "Cache aside",
	Lead:     "The eye drops were recalled at 10:02, and the cache was told at once. Until 10:07 every till said: may be sold.",
	Minutes:  55,
	After:    []string{"1.03", "1.05", "2.07"},
	Packages: []string{"cache"},
	Params: []unit.Param{
		{Name: "products", Label: "products", Kind: unit.IntParam, Min: "100", Max: "100000", Default: "20000", Quick: "2000"},
		{Name: "scans", Label: "scans", Kind: unit.IntParam, Min: "160", Max: "40000", Default: "6400", Quick: "640"},
		{Name: "skew", Label: "how much more often the popular are scanned", Kind: unit.EnumParam, Choices: []string{"0", "0.8", "1", "1.2"}, Default: "1", Quick: "1.2"},
		{Name: "misreads", Label: "different misread codes", Kind: unit.IntParam, Min: "1", Max: "100000", Default: "20", Quick: "5"},
		{Name: "delay", Label: "how long the database takes", Kind: unit.DurationParam, Min: "1ms", Max: "20ms", Default: "5ms", Quick: "5ms"},
	},
	Predict: unit.Prediction{
		Question: "A cache in front of the database answers most scans in well under a millisecond. How long does the slowest scan in a hundred take now?",
		Choices:  []string{"about as long as a hit", "about half as long as before", "as long as before, or a little longer"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "the cache begins empty and answers more than half of all scans", Metric: "hits_leased", Op: ">", Bound: 50},
		{Text: "half of the scans become faster", Metric: "p50_naive", Op: "<", Bound: 0.8, Other: "p50_db", Timing: true},
		{Text: "the slowest hundredth is no faster than the database", Metric: "p99_leased", Op: ">=", Other: "delay", Timing: true},
		{Text: "without notes, every misread code goes to the database", Metric: "unknown_naive", Op: "==", Other: "unknown_db"},
		{Text: "with notes few do", Metric: "unknown_leased", Op: "<", Bound: 0.7, Other: "unknown_db"},
		{Text: "and with kit/cache few", Metric: "unknown_kit", Op: "<", Bound: 0.7, Other: "unknown_db"},
		{Text: "each recall during a load leaves the old product in the cache", Metric: "stale_naive", Op: "==", Bound: recalls},
		{Text: "with a lease none does", Metric: "stale_leased", Op: "==", Bound: 0},
		{Text: "nor with kit/cache", Metric: "stale_kit", Op: "==", Bound: 0},
		{Text: "with the lease alone, the till that was loading still says: sell", Metric: "told_leased", Op: "==", Bound: recalls},
		{Text: "kit/cache refuses to store, and loads again", Metric: "told_kit", Op: "==", Bound: 0},
		{Text: "one order of the commands makes the stale refill", Metric: "failing_naive", Op: "==", Bound: 1},
		{Text: "forgetting before the write makes more of them wrong", Metric: "failing_forget_first", Op: ">", Other: "failing_naive"},
		{Text: "with a lease no order is wrong, nor any crash or lost reply", Metric: "failing_lease", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{naiveRace, firstRace, leasedRace},
	Terms: []unit.Term{
		{Word: "cache-aside", Means: "The application asks the cache, then the database, and stores the answer by itself; the cache knows of no database."},
		{Word: "hit ratio", Means: "The share of reads that the cache answers."},
		{Word: "invalidation", Means: "Taking an entry out of a cache because what it was made from has changed.", Also: []string{"invalidations"}},
		{Word: "stale refill", Means: "An old value that is stored after its invalidation, by a reader who had loaded it before."},
		{Word: "lease", Means: "The right to store an entry, for a bounded time; whoever invalidates the entry takes it away.", Also: []string{"leases"}, Common: true},
		{Word: "negative result", Means: "A stored note that something does not exist.", Also: []string{"negative results"}},
	},
	Tasks: []unit.Task{
		{ID: "hit", Title: "loads once, and answers from then on in one round trip"},
		{ID: "unknown", Title: "remembers for a while that there is no such product"},
		{ID: "errors", Title: "never stores an error"},
		{ID: "spelling", Title: "forgets the entry that was read, however it is spelt"},
		{ID: "down", Title: "tells a Redis in trouble from a miss"},
		{ID: "stale", Title: "stores nothing that was loaded before an invalidation"},
		{ID: "ends", Title: "leaves nothing in Redis for ever"},
	},
	Run: run,
}

// answer compares the slowest hundredth with the database alone.
func answer(m unit.Metrics) (int, string) {
	slow, timed := m["p99_leased"]
	if !timed {
		return 2, fmt.Sprintf("The cache answered %.0f %% of the scans. All others waited for the database, so the slowest hundredth did.", m["hits_leased"])
	}
	before := m["p99_db"]
	because := fmt.Sprintf("%.1f ms, and %.1f ms with the database alone. The cache answered %.0f %%; the slowest of a hundred is a miss, which asks Redis and then the database.", slow, before, m["hits_leased"])
	switch {
	case slow < 0.3*before:
		return 0, because
	case slow < 0.75*before:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{tracing, loading, refilling, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// racing plays the one order that goes wrong, and then every order there is.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("A till loads a product while the office recalls it, step by step.")
	if _, err := r.Race(ctx, naiveRace.Name, "A A B B A"); err != nil {
		return err
	}
	r.Step("Now under a lease: DEL takes it away, and the script refuses.")
	if _, err := r.Race(ctx, leasedRace.Name, "A A A B B A"); err != nil {
		return err
	}
	r.Step("Every order, three ways; of the last also with a crash, and with a lost reply, at each step.")
	for _, way := range []struct {
		race, metric string
		faults       bool
	}{{naiveRace.Name, "naive", false}, {firstRace.Name, "forget_first", false}, {leasedRace.Name, "lease", true}} {
		report, err := r.Explore(ctx, way.race, race.Options{Faults: way.faults})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + way.metric, Label: "schedules that fail, " + way.race, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
