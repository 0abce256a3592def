package queue

import (
	"context"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// racing steps the two ways to lose an order, and then plays every schedule of
// all three ways.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Two orders wait. Anna takes one and drops out before she serves it: first with RPOP, then with a rail.")
	for _, name := range []string{pocket.Name, rail.Name} {
		if _, err := r.Race(ctx, name, "A A! "+healthy(name)); err != nil {
			return err
		}
	}
	r.Step("So read first and remove later? Nobody drops out here; the two only work at the same time.")
	if _, err := r.Race(ctx, peek.Name, "A B A B A B"); err != nil {
		return err
	}
	r.Step("Now every order of the commands, and a crash and a lost reply at each of them.")
	for _, sc := range []race.Scenario{pocket, peek, rail} {
		// Reading first goes wrong without any fault, and that is the point of it.
		report, err := r.Explore(ctx, sc.Name, race.Options{Faults: sc.Name != peek.Name})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + sc.Name, Label: "schedules that lose an order: " + sc.Title, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
		r.Metric(unit.Metric{Name: "schedules_" + sc.Name, Label: "schedules played: " + sc.Title, Value: float64(report.Played), Minor: true})
	}
	return nil
}

// healthy is the schedule of Ben, who cooks his order to the end.
func healthy(name string) string {
	if name == rail.Name {
		return "B B B"
	}
	return "B B"
}

func toneOf(lost int) unit.Tone {
	if lost > 0 {
		return unit.Bad
	}
	return unit.Good
}
