// Package carpark is unit 2.02: the life of connections, from the first dial to a
// deploy while cars stand at the gate.
package carpark

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "2.02",
	Title:    "Connections and their life",
	Lead:     "At 17:05 you deploy. Drivers have paid, and the barrier stays down.",
	Minutes:  60,
	After:    []string{"1.04", "1.07", "2.01"},
	Packages: []string{"connect"},
	Params: []unit.Param{
		{Name: "requests", Label: "requests, each way", Kind: unit.IntParam, Min: "20", Max: "2000", Default: "300", Quick: "30"},
		{Name: "drivers", Label: "drivers at the gates during a deploy", Kind: unit.IntParam, Min: "8", Max: "64", Default: "16", Quick: "16"},
	},
	Predict: unit.Prediction{
		Question: "A new instance is up, and the old one is told to stop. It calls http.Server.Shutdown, which waits for every request under way, and closes its Redis client after that. The balancer asks every instance ten times a second whether it is ready. Which requests fail?",
		Choices:  []string{"none: Shutdown waits for all", "those that were under way", "those that came just after"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "a client that was opened has no connection", Metric: "conns_open", Op: "==", Bound: 0},
		{Text: "the first command costs more round trips than the second", Metric: "trips_first", Op: ">", Bound: 1, Other: "trips_second"},
		{Text: "a client for each request dials for each request", Metric: "dialled_each", Op: "==", Other: "requests"},
		{Text: "and has more than twice the round trips of a shared one", Metric: "trips_each", Op: ">", Bound: 2, Other: "trips_shared"},
		{Text: "a client that is not closed keeps its connection", Metric: "left_never", Op: "==", Other: "requests"},
		{Text: "a shared client dials no more than its pool is large", Metric: "dialled_shared", Op: "<=", Bound: poolSize},
		{Text: "with 64 connections allowed, clients that are never closed shut everybody out", Metric: "died_at", Op: "<=", Bound: maxClients + 1, Need: unit.NeedOwnServer},
		{Text: "connections that are borrowed and not given back empty the pool", Metric: "leak_timeouts", Op: ">", Bound: 0},
		{Text: "closing gives all of them back", Metric: "conns_closed", Op: "==", Bound: 0},
		{Text: "whose client is closed while they wait are told an error", Metric: "closed_told", Op: "==", Bound: waiting, Need: unit.NeedOwnServer},
		{Text: "and Redis does all of it", Metric: "closed_done", Op: "==", Bound: waiting, Need: unit.NeedOwnServer},
		{Text: "a killed server takes money and opens nothing", Metric: "paid_killed", Op: ">", Bound: 0},
		{Text: "so does one that closes Redis first", Metric: "paid_redis_first", Op: ">", Bound: 0},
		{Text: "Shutdown alone takes no money for nothing", Metric: "paid_shutdown", Op: "==", Bound: 0},
		{Text: "but requests fail", Metric: "failed_shutdown", Op: ">", Bound: 0},
		{Text: "a drained one fails nobody", Metric: "failed_drained", Op: "==", Bound: 0},
	},
	Terms: []unit.Term{
		{Word: "handshake", Means: "What is said on a new connection before the first command: who, with which password, in which protocol.", Also: []string{"handshakes"}},
		{Word: "drain", Means: "To let a server end what it has while nothing new is sent to it.", Also: []string{"drained", "draining", "drains"}},
		{Word: "balancer", Means: "What stands before several instances and gives each request to one that says it is ready.", Also: []string{"load balancer"}},
	},
	Tasks: []unit.Task{
		{ID: "serves", Title: "opens gates, and says 503 when Redis fails"},
		{ID: "one", Title: "has one client for all requests"},
		{ID: "drains", Title: "is not ready first, and takes requests until the balancer knows"},
		{ID: "ends", Title: "lets requests under way end, with their Redis"},
		{ID: "closes", Title: "leaves no connection behind, also when it must cut a request off"},
		{ID: "redis-hangs", Title: "answers in time when Redis does not"},
		{ID: "slow-clients", Title: "waits for no client for ever"},
	},
	Run: run,
}

func answer(m unit.Metrics) (int, string) {
	failed, paid := m["failed_shutdown"], m["paid_shutdown"]
	because := fmt.Sprintf("%.0f failed, and none of them was under way. Shutdown closes the listener at once; the balancer hears of it at its next question, and sends requests until then.", failed)
	switch {
	case paid > 0:
		return 1, fmt.Sprintf("%.0f were under way and lost.", paid)
	case failed == 0:
		return 0, "None: in this run the balancer noticed before it had to send anything."
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{beginning, sharing, exhausting, pooling, closing, deploying} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
