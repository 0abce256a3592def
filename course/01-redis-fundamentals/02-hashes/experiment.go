package profile

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// racing plays the accident, and then every order of each way.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Nora changes her street while the shop adds to her points: nora reads, shop reads, nora writes, shop writes.")
	for _, play := range []struct{ scenario, schedule string }{{asJSON.Name, "A B A B"}, {asHash.Name, "A B"}, {twoHSet.Name, "A B A B"}} {
		if _, err := r.Race(ctx, play.scenario, play.schedule); err != nil {
			return err
		}
	}
	r.Step("Now every order in which the commands of two can reach Redis, with a crash and a lost reply at each.")
	for _, sc := range scenarios {
		report, err := r.Explore(ctx, sc.Name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + sc.Name, Label: "schedules that go wrong, " + sc.Title, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
	}
	return nil
}

// record is a customer record of n short fields. The first services fields belong
// to the services.
func record(n int) map[string]string {
	fields := map[string]string{}
	for i := range n {
		fields[field(i)] = fmt.Sprintf("value %d of Nora", i)
	}
	return fields
}

func field(i int) string { return fmt.Sprintf("field-%03d", i) }

// onTheWire changes one field of the same record both ways, and weighs it.
func onTheWire(ctx context.Context, r *unit.Run) error {
	fields := r.Int("fields")
	r.Step("One field of %d is changed. What goes over the wire, in both directions?", fields)
	chart := unit.Chart{Kind: unit.Bars, Title: "Bytes on the wire for one changed field", Unit: "B", Series: []unit.Series{{Name: "bytes"}}}
	for _, s := range shapes {
		key := r.Key("wire:" + s.name)
		if err := s.create(ctx, r.Redis(), key, record(fields)); err != nil {
			return err
		}
		title := "one changed field of " + s.title
		seen, err := r.Trace(ctx, unit.Sample{Title: title}, func(ctx context.Context, c *redis.Client) error {
			return s.change(trace.WithRequest(ctx, title), c, key, field(0), "Oak 5")
		})
		if err != nil {
			return err
		}
		bytes := 0.0
		for _, e := range seen.Events {
			if e.Kind == trace.Command {
				bytes += float64(e.Sent + e.Received)
			}
		}
		r.Metric(unit.Metric{Name: "bytes_" + s.name, Label: title, Value: bytes, Unit: "B"})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: s.title, Y: bytes})
	}
	r.Chart(chart)
	return nil
}

// loading gives every service a field of its own. It changes it, and looks before
// it changes it again.
func loading(ctx context.Context, r *unit.Run) error {
	services, each := r.Int("services"), r.Int("changes")
	total := services * each
	rdb := r.Client("services", func(o *redis.Options) { o.PoolSize = services })
	chart := unit.Chart{
		Kind: unit.Bars, Title: "Changes that their author found again", Series: []unit.Series{{Name: "found"}},
		Mark: &unit.Mark{Label: "made", Value: float64(total)},
	}
	for _, s := range shapes {
		r.Step("%d services make %d changes each to %s. Nobody writes a field of another.", services, each, s.title)
		key := r.Key("load:" + s.name)
		if err := s.create(ctx, rdb, key, record(r.Int("fields"))); err != nil {
			return err
		}
		var lost atomic.Int64
		took, err := r.Load(ctx, s.title, services, each, func(ctx context.Context, service, i int) error {
			mine, value := field(service), strconv.Itoa(i)
			if err := s.change(ctx, rdb, key, mine, value); err != nil {
				return err
			}
			now, err := s.look(ctx, rdb, key, mine)
			if now != value {
				lost.Add(1)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "lost_" + s.name, Label: "changes that were gone, " + s.title, Value: float64(lost.Load()), Tone: toneOf(int(lost.Load()))})
		r.Metric(unit.Metric{Name: "rate_" + s.name, Label: s.title, Value: float64(total) / took.Seconds(), Unit: "changes/s", Timing: true, Minor: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: s.title, Y: float64(int64(total) - lost.Load())})
	}
	r.Metric(unit.Metric{Name: "changes", Label: "changes made, each way", Value: float64(total), Minor: true})
	r.Chart(chart)
	return nil
}

func toneOf(lost int) unit.Tone {
	if lost > 0 {
		return unit.Bad
	}
	return unit.Good
}
