// Package exam is unit 2.06: what the probes of an exam portal say while its Redis
// fails, and what an orchestrator makes of it.
package exam

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "2.06",
	Title:    "Liveness, readiness, startup",
	Lead:     "Redis was away for three minutes. The exam was away for almost five.",
	Minutes:  50,
	After:    []string{"1.07", "2.02"},
	Packages: []string{"health"},
	Params: []unit.Param{
		{Name: "outage", Label: "how long Redis is away, in the simulation", Kind: unit.DurationParam, Min: "5s", Max: "15m", Default: "3m", Quick: "3m"},
		{Name: "instances", Label: "instances of the portal", Kind: unit.IntParam, Min: "2", Max: "100", Default: "12", Quick: "12"},
	},
	Predict: unit.Prediction{
		Question: "Redis is away for three minutes. The liveness probe of the portal asks Redis, so the orchestrator restarts what does not answer. An instance starts in 20 seconds. How long after Redis is back do all instances serve again?",
		Choices:  []string{"at once: they were restarted meanwhile", "within 20 seconds, the time of a start", "a good deal later"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "readiness says no at each of the five faults", Metric: "unready", Op: "==", Bound: 5},
		{Text: "and yes after each of them", Metric: "back", Op: "==", Bound: 5},
		{Text: "liveness says yes all the time", Metric: "live_no", Op: "==", Bound: 0},
		{Text: "so does startup, once it has said so", Metric: "startup_no", Op: "==", Bound: 0},
		{Text: "a probe that sends PING says 200 while nothing can be written", Metric: "blind_readonly", Op: ">", Bound: 0},
		{Text: "and does not answer in time when Redis is slow", Metric: "silent_slow", Op: ">", Bound: 0},
		{Text: "without hysteresis one lost check in five makes an instance flap", Metric: "flaps_one", Op: ">", Bound: 5},
		{Text: "three in a row are never lost", Metric: "flaps_three", Op: "==", Bound: 0},
		{Text: "when liveness asks Redis, every instance is restarted", Metric: "restarts_storm", Op: ">=", Other: "instances"},
		{Text: "when it does not, none is", Metric: "restarts_calm", Op: "==", Bound: 0},
		{Text: "and the portal is back sooner", Metric: "after_calm", Op: "<", Other: "after_storm"},
	},
	Terms: []unit.Term{
		{Word: "liveness", Means: "Whether a program still runs as it should; if not, only a restart helps.", Also: []string{"liveness probe"}},
		{Word: "readiness", Means: "Whether a program can serve now; if not, requests go elsewhere.", Also: []string{"readiness probe"}},
		{Word: "hysteresis", Means: "More than one observation in a row before a verdict changes, so that it does not follow each accident."},
		{Word: "orchestrator", Means: "What starts, restarts and replaces instances by what their probes say: Kubernetes, Nomad, systemd."},
		{Word: "restart storm", Means: "All instances restarting at once, and again, for a reason that no restart mends."},
	},
	Tasks: []unit.Task{
		{ID: "startup", Title: "has not started before the check has worked"},
		{ID: "live", Title: "is alive, whatever the check says"},
		{ID: "steady", Title: "changes its mind after some results in a row, and not before"},
		{ID: "timeout", Title: "counts a check that hangs as failed, in time"},
		{ID: "prompt", Title: "answers at once, while a check is under way too"},
		{ID: "stale", Title: "does not trust a result that is too old"},
		{ID: "drain", Title: "is not ready any more when it is told to go, and alive"},
		{ID: "works", Title: "a check that fails when nothing can be written"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	after := m["after_storm"]
	because := fmt.Sprintf("%.0f s. An instance that fails at its start is started again after 10 s, then 20, 40, 80: the longer Redis is away, the longer nobody looks whether it is back.", after)
	switch {
	case after <= 3:
		return 0, because
	case after <= starts.Seconds():
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{probing, flapping, storming} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
