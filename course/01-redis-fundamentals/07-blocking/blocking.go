// Package blocking is unit 1.07: commands that wait in Redis.
package blocking

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:      "1.07",
	Title:   "Blocking commands",
	Lead:    "Redis is idle, the workers are idle, and every page of the hotel's site fails.",
	Minutes: 45,
	After:   []string{"1.06"},
	Params: []unit.Param{
		{Name: "workers", Label: "workers that wait for a job", Kind: unit.IntParam, Min: "2", Max: "32", Default: "8", Quick: "4"},
		{Name: "patience", Label: "how long a request waits for a connection (PoolTimeout)", Kind: unit.DurationParam, Min: "20ms", Max: "200ms", Default: "50ms", Quick: "20ms"},
		{Name: "window", Label: "how long each way of waiting is watched", Kind: unit.DurationParam, Min: "200ms", Max: "5s", Default: "1s", Quick: "250ms"},
	},
	Predict: unit.Prediction{
		Question: "The pool of a web process has as many connections as there are workers, and each worker waits in BLPOP for a job that does not come. Redis has nothing to do. How many requests are answered?",
		Choices:  []string{"all of them", "some: those that find a free moment", "none"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "with as many connections as waiting workers, every request fails", Metric: "failed_full", Op: "==", Bound: 100},
		{Text: "with one connection more for each client, none fails", Metric: "failed_spare", Op: "==", Bound: 0},
		{Text: "workers with a client of their own make none fail, in the smallest pool", Metric: "failed_own", Op: "==", Bound: 0},
		{Text: "a request that failed sent nothing: one command was on the wire, the BLPOP", Metric: "wire_starved", Op: "==", Bound: 1},
		{Text: "by default a request waits for four pool timeouts before it fails", Metric: "gave_up", Op: ">=", Other: "patience", Bound: 4, Timing: true},
		{Text: "asking every 10 ms asks in vain more than twice as often as BRPOP", Metric: "vain_10ms", Op: ">", Other: "vain_brpop", Bound: 2},
		{Text: "asking every 100 ms finds a job more than twice as late as BRPOP", Metric: "late_100ms", Op: ">", Other: "late_brpop", Bound: 2, Timing: true},
		{Text: "asking without a pause, more than twenty times as often", Metric: "vain_spin", Op: ">", Other: "vain_brpop", Bound: 20},
		{Text: "and costs Redis more than twice its CPU", Metric: "cpu_spin", Op: ">", Other: "cpu_brpop", Bound: 2, Timing: true},
		{Text: "a cancelled context does not end a BLPOP without a timeout", Metric: "deaf", Op: "==", Bound: 1},
		{Text: "and the job that ends it is handed to a program that was told to stop", Metric: "late_job", Op: "==", Bound: 1},
		{Text: "BRPOP loses the job whose reply is lost", Metric: "lost_brpop", Op: "==", Bound: 1},
		{Text: "BLMOVE keeps it", Metric: "lost_blmove", Op: "==", Bound: 0},
		// Timing, for in these schedules seconds are waited for, or cut short by a
		// real server.
		{Text: "no schedule loses a job of BLMOVE", Metric: "failing_blmove", Op: "==", Bound: 0, Need: unit.NeedRedis},
	},
	Races: []race.Scenario{popped, moved},
	Terms: []unit.Term{
		{Word: "connection pool", Means: "The connections that a client keeps open and lends to its callers, one at a time.", Also: []string{"pool", "pools"}},
		{Word: "blocking command", Means: "A command that waits at the server until there is something to answer, and holds its connection meanwhile.", Also: []string{"blocking commands"}},
		{Word: "polling", Means: "Asking again and again whether there is something."},
	},
	Tasks: []unit.Task{
		{ID: "works", Title: "does every job once, the oldest first, also those left by a worker that died"},
		{ID: "quiet", Title: "waits for a job without asking again and again, and is there at once"},
		{ID: "stops", Title: "stops within two seconds when it is told to, also while it waits"},
		{ID: "hand", Title: "finishes the job in hand when it is told to stop"},
		{ID: "crash", Title: "loses no job, wherever it dies and whichever reply is lost"},
	},
	Run: run,
}

// answer says how many requests a full pool answered.
func answer(m unit.Metrics) (int, string) {
	because := fmt.Sprintf("%.0f %% of the requests failed. A command that waits keeps its connection for as long as it waits, and a request that finds no connection never gets to Redis.", m["failed_full"])
	switch m["failed_full"] {
	case 0:
		return 0, because
	case 100:
		return 2, because
	}
	return 1, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{starving, onTheWire, patience, waiting, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// waiting measures the ways of waiting, while two workers do not stop.
func waiting(ctx context.Context, r *unit.Run) error {
	told, err := telling(ctx, r)
	if err != nil {
		return err
	}
	if err := asking(ctx, r); err != nil {
		return err
	}
	return told.looking(ctx, r)
}

// ms is a duration as a figure.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
