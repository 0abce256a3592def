// Package stampede is unit 3.07: everybody wants what is not there yet, three times.
package stampede

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.07",
	Title:    "Stampede prevention",
	Lead:     "At noon the exam results were out. The page takes 40 ms to make, and it was made 120 times.",
	Minutes:  60,
	After:    []string{"2.03", "3.01"},
	Packages: []string{"cache"},
	Slow:     13 * time.Second,
	Params: []unit.Param{
		{Name: "readers", Label: "pupils at noon", Kind: unit.IntParam, Min: "10", Max: "1000", Default: "120", Quick: "60"},
		{Name: "load", Label: "how long a page takes to make", Kind: unit.DurationParam, Min: "10ms", Max: "200ms", Default: "40ms", Quick: "40ms"},
		{Name: "ttl", Label: "how long the hot page is kept", Kind: unit.DurationParam, Min: "100ms", Max: "2s", Default: "400ms", Quick: "120ms"},
		{Name: "rate", Label: "requests a second for it", Kind: unit.IntParam, Min: "50", Max: "2000", Default: "150", Quick: "150"},
		{Name: "schools", Label: "pages stored in the same second", Kind: unit.IntParam, Min: "50", Max: "5000", Default: "1000", Quick: "100"},
	},
	Predict: unit.Prediction{
		Question: "A page is asked for 150 times a second and ends every 400 ms. With a lease, one process loads it each time, and all others wait. Against nothing at all: how many readers still wait?",
		Choices:  []string{"about as many", "a quarter: there are four processes", "one at each end"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "without anything, every reader of a cold page loads it", Metric: "cold_none", Op: ">", Bound: 10},
		{Text: "single flight loads once in each process", Metric: "cold_single", Op: "<=", Bound: processes},
		{Text: "a lease loads once in all", Metric: "cold_lease", Op: "==", Bound: 1},
		{Text: "and so does kit/cache", Metric: "cold_kit", Op: "==", Bound: 1},
		{Text: "early refresh alone does nothing for a cold page", Metric: "cold_xfetch", Op: ">", Bound: processes},
		{Text: "nor does jitter", Metric: "cold_jitter", Op: ">", Bound: processes},
		{Text: "at a hot page a lease saves loads", Metric: "hot_lease", Op: "<", Other: "hot_none", Timing: true},
		{Text: "but hardly anybody's waiting", Metric: "waited_lease", Op: ">", Bound: 0.3, Other: "waited_none", Timing: true},
		{Text: "early refresh alone loads more than once for each refresh", Metric: "hot_xfetch", Op: ">", Bound: 1.1, Timing: true},
		{Text: "with a lease it loads fewer times", Metric: "hot_early", Op: "<", Other: "hot_xfetch", Timing: true},
		{Text: "while a stale page is shown, few wait", Metric: "waited_stale", Op: "<", Bound: 0.5, Other: "waited_none", Timing: true},
		{Text: "under a lease, pages that were stored together end together", Metric: "together_lease", Op: ">", Bound: 3, Other: "together_jitter"},
		{Text: "kit/cache spreads them too", Metric: "together_kit", Op: "<", Bound: 0.5, Other: "together_lease"},
		{Text: "when the first one leaves, single flight fails for the others too", Metric: "failed_attached", Op: ">", Bound: 10},
		{Text: "with a context of its own it fails for that one alone", Metric: "failed_detached", Op: "==", Bound: 1},
		{Text: "so it does in kit/cache", Metric: "failed_kit", Op: "==", Bound: 1},
		{Text: "looking whether the lease is free and then taking it lets two load", Metric: "failing_look", Op: ">", Bound: 0},
		{Text: "taking it with NX never does", Metric: "failing_take", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{noneRace, lookRace, takeRace},
	Terms: []unit.Term{
		{Word: "stampede", Means: "Many readers who find the same entry missing, and all load it.", Also: []string{"stampedes"}},
		{Word: "single flight", Means: "One load at a time for each key within a process; whoever comes meanwhile waits for its result."},
		{Word: "early refresh", Means: "Loading an entry anew before its end, by lot, so that nobody finds it missing: XFetch."},
		{Word: "stale while revalidate", Means: "Answering with an entry past its end while one process loads a newer one."},
		{Word: "open loop", Means: "A load whose requests come when they are due, whether or not the earlier ones are answered.", Common: true},
	},
	Tasks: []unit.Task{
		{ID: "hit", Title: "answers from Redis in one round trip"},
		{ID: "process", Title: "loads once, however many wait in a process"},
		{ID: "all", Title: "loads once in all processes"},
		{ID: "leave", Title: "goes on loading when the first one leaves"},
		{ID: "dead", Title: "goes on when the process that loads has died"},
		{ID: "bounded", Title: "waits no longer than it was told"},
		{ID: "error", Title: "tells all of an error, keeps none, and lets the next one try"},
		{ID: "late", Title: "a late process takes nothing from the one that came after it"},
		{ID: "polite", Title: "asks Redis seldom while it waits"},
	},
	Run: run,
}

// answer compares who waits with a lease and with nothing.
func answer(m unit.Metrics) (int, string) {
	with, timed := m["waited_lease"]
	if !timed {
		return 0, "This server shows no timings. On a real one about as many wait: the lease makes all but one of them wait for a load of somebody else."
	}
	without := m["waited_none"]
	because := fmt.Sprintf("Of a hundred readers %.1f waited with a lease, and %.1f with nothing. The lease spares the origin. Who comes while there is no page waits, for a load of somebody else.", with, without)
	switch {
	case with > 0.5*without:
		return 0, because
	case with > 0.1*without:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	rdb := clients(r)
	if err := watched(ctx, r); err != nil {
		return err
	}
	first, err := cold(ctx, r, rdb)
	if err != nil {
		return err
	}
	var second, third map[string]seen
	if !r.Embedded() { // what ends at a moment needs a real clock
		if second, err = hot(ctx, r, rdb); err != nil {
			return err
		}
		if third, err = many(ctx, r, rdb); err != nil {
			return err
		}
	}
	report(r, first, second, third)
	if err := ending(ctx, r, rdb); err != nil {
		return err
	}
	if err := leaving(ctx, r); err != nil {
		return err
	}
	return racing(ctx, r)
}

// watched shows two readers of a cold page on the wire.
func watched(ctx context.Context, r *unit.Run) error {
	r.Step("Two processes and a cold page, watched on the wire.")
	if err := release.Load(ctx, r.Redis()).Err(); err != nil { // Redis keeps it from now on
		return err
	}
	seen, err := r.Trace(ctx, unit.Sample{Title: "a cold page, under a lease", Note: "The second process does not get the lease. It looks again after 5 to 10 ms, and later more seldom, until the page is there."},
		func(ctx context.Context, c *redis.Client) error {
			key := r.Key("watched")
			r.Key(lease("watched"))
			o := newOrigin(r.Duration("load")/2, places)
			process := func() *reader { return &reader{way: way{lease: true}, rdb: c, origin: o, ttl: leaseLife} }
			one, two := make(chan error, 1), make(chan error, 1)
			go func() { _, err := process().fetch(trace.WithRequest(ctx, "web-1: GET /results"), key); one <- err }()
			go func() { _, err := process().fetch(trace.WithRequest(ctx, "web-2: GET /results"), key); two <- err }()
			if err := <-one; err != nil {
				return err
			}
			return <-two
		})
	r.Metric(unit.Metric{Name: "trips_cold", Label: "two processes and a cold page", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	return err
}

// racing plays two processes that want one lease.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Two processes look whether the lease is free, and take it.")
	if _, err := r.Race(ctx, lookRace.Name, "A B A B A B A B A B"); err != nil {
		return err
	}
	r.Step("Every order, with a crash and a lost reply at each step.")
	for _, way := range []struct{ race, metric string }{{lookRace.Name, "look"}, {takeRace.Name, "take"}} {
		report, err := r.Explore(ctx, way.race, race.Options{Faults: true})
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
