package plaza

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// perCar is how many tariffs the audit reads for each car that passes meanwhile.
const perCar = 4

// scanning has an audit read every tariff once, while cars pass.
func scanning(ctx context.Context, r *unit.Run) error {
	tariffs, _, room := sizes(r)
	r.Step("An audit reads each of %s tariffs once, at a lane with room for %d, while cars go on passing.", unit.Figure(float64(tariffs), ""), room)
	chart := unit.Chart{Kind: unit.Lines, Title: "What memory answers: before, while and after the audit runs", XLabel: "cars so far", YLabel: "answered by memory", Unit: "%"}
	table := unit.Table{Title: "An audit at one lane", Columns: []string{"", "cars that memory answered before", "while it ran", "after", "tariffs in memory"}}
	sizes := unit.Chart{Kind: unit.Bars, Title: "Tariffs in memory after the audit", Unit: "tariffs", Series: []unit.Series{{Name: "tariffs"}}, Mark: &unit.Mark{Label: "room", Value: float64(room)}}
	for _, w := range []way{aMap, lru, twice, library} {
		c, err := w.open(r.Redis(), r.Space("scan"), time.Hour, room, time.Hour)
		if err != nil {
			return err
		}
		before, during, after, line, err := audit(ctx, r, c, w.label, tariffs)
		if err != nil {
			return err
		}
		switch w.name {
		case "lru":
			line.Tone = unit.Bad
		case "twice":
			line.Tone = unit.Good
		}
		chart.Series = append(chart.Series, line)
		table.Rows = append(table.Rows, []string{w.label, unit.Figure(before, "%"), unit.Figure(during, "%"), unit.Figure(after, "%"), fmt.Sprint(c.size())})
		sizes.Series[0].Points = append(sizes.Series[0].Points, unit.Point{Label: w.label, Y: float64(c.size())})
		r.Metric(unit.Metric{Name: "during_" + w.name, Label: "answered by memory during the audit, " + w.label, Value: during, Unit: "%", Tone: line.Tone})
		r.Metric(unit.Metric{Name: "before_" + w.name, Label: "answered by memory before the audit, " + w.label, Value: before, Unit: "%", Minor: true})
		r.Metric(unit.Metric{Name: "held_" + w.name, Label: "tariffs in memory, " + w.label, Value: float64(c.size()), Minor: true})
	}
	r.Metric(unit.Metric{Name: "room", Label: "room of a lane", Value: float64(room), Minor: true})
	r.Metric(unit.Metric{Name: "tariffs", Label: "tariffs", Value: float64(tariffs), Minor: true})
	r.Table(table)
	r.Chart(chart)
	r.Chart(sizes)
	return nil
}

// audit lets cars pass, then also the audit, then cars alone again. It returns what memory
// answered of each part, in per cent.
func audit(ctx context.Context, r *unit.Run, c lane, label string, tariffs int) (before, during, after float64, line unit.Series, err error) {
	var (
		o     office
		slice = max(1, tariffs/16) // cars to a point of the curve
		cars  = newTraffic(tariffs, 7)
		asked int // cars
		hits  int // of this slice
		next  int // tariff of the audit
	)
	line.Name = label
	// part is a number of cars, the audit beside them or not.
	part := func(n int, scans bool) (float64, error) {
		all := 0
		for range n {
			if scans {
				for range min(perCar, tariffs-next) {
					if _, _, err := c.toll(ctx, tariff(next), o.load); err != nil {
						return 0, err
					}
					next++
				}
			}
			_, from, err := c.toll(ctx, tariff(cars.next()), o.load)
			if err != nil {
				return 0, err
			}
			if from == cache.Memory {
				hits++
				all++
			}
			if asked++; asked%slice == 0 {
				line.Points = append(line.Points, unit.Point{X: float64(asked), Y: 100 * float64(hits) / float64(slice)})
				hits = 0
				r.Progress(label, asked, 4*tariffs)
			}
		}
		return 100 * float64(all) / float64(n), nil
	}
	if _, err = part(tariffs/2, false); err != nil { // memory fills
		return
	}
	if before, err = part(tariffs/4, false); err != nil {
		return
	}
	if during, err = part(tariffs/perCar, true); err != nil {
		return
	}
	after, err = part(tariffs/4, false)
	return
}
