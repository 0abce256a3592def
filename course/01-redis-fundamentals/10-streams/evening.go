package kitchen

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// night is what an evening came to.
type night struct {
	plates           map[int]int // by order: how many plates left the kitchen
	lostAway         int
	lostHand         int
	twice            int
	readAgain        int
	awayFrom, awayTo int // the orders that came while the screen was away
}

func (n *night) total() (plates int) {
	for _, p := range n.plates {
		plates += p
	}
	return plates
}

// evenings sends the same orders down each road, with the same accidents.
func evenings(ctx context.Context, r *unit.Run) error {
	rdb := r.Redis()
	orders, away := r.Int("orders"), r.Int("away")
	table := unit.Table{Title: fmt.Sprintf("One evening of %d orders: who loses what", orders),
		Columns: []string{"", "plates", "lost while away", "lost in a dead cook's hands", "cooked twice", "readable at midnight"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Orders that nobody cooked, and orders cooked twice", Series: []unit.Series{
		{Name: "lost while away", Tone: unit.Bad}, {Name: "lost in hand", Tone: unit.Bad}, {Name: "cooked twice"},
	}}
	r.Metric(unit.Metric{Name: "sent", Label: "orders", Value: float64(orders), Minor: true})
	r.Metric(unit.Metric{Name: "sent_away", Label: "of these, while the screen restarted", Value: float64(away), Minor: true})
	for _, way := range []struct {
		label, metric string
		road          road
	}{
		{"list", "list", &list{rdb: rdb, key: r.Key("orders:list")}},
		{"Pub/Sub", "pubsub", &channel{rdb: rdb, name: r.Key("orders:channel")}},
		{"stream", "stream", &stream{rdb: rdb, key: r.Key("orders"), patience: r.Duration("patience")}},
	} {
		r.Step("An evening by %s: %d orders come while the screen restarts, later a cook drops out with %d in hand.", way.label, away, r.Int("hand"))
		n, err := evening(ctx, r, way.road)
		if err != nil {
			return fmt.Errorf("an evening by %s: %w", way.label, err)
		}
		for _, m := range []unit.Metric{
			{Name: "plates_", Label: "plates by " + way.label, Value: float64(n.total())},
			{Name: "away_", Label: "lost while away, by " + way.label, Value: float64(n.lostAway), Tone: toneOf(n.lostAway), Minor: true},
			{Name: "hand_", Label: "lost in hand, by " + way.label, Value: float64(n.lostHand), Tone: toneOf(n.lostHand), Minor: true},
			{Name: "twice_", Label: "cooked twice, by " + way.label, Value: float64(n.twice), Minor: true},
			{Name: "again_", Label: "readable at midnight, by " + way.label, Value: float64(n.readAgain), Minor: true},
		} {
			m.Name += way.metric
			r.Metric(m)
		}
		table.Rows = append(table.Rows, []string{way.label, fmt.Sprint(n.total()), fmt.Sprint(n.lostAway), fmt.Sprint(n.lostHand), fmt.Sprint(n.twice), fmt.Sprint(n.readAgain)})
		for i, y := range []int{n.lostAway, n.lostHand, n.twice} {
			chart.Series[i].Points = append(chart.Series[i].Points, unit.Point{Label: way.label, Y: float64(y)})
		}
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// evening is one evening on one road. The accidents are placed, not random: each
// run loses what the road loses.
func evening(ctx context.Context, r *unit.Run, way road) (*night, error) {
	orders, away, hand := r.Int("orders"), r.Int("away"), r.Int("hand")
	n := &night{plates: map[int]int{}}
	next := 0
	send := func(count int) error {
		for range count {
			next++
			if err := way.send(ctx, next); err != nil {
				return err
			}
		}
		return nil
	}
	steps := []func() error{
		func() error { return way.open(ctx, "anna") },
		func() error { return send((orders - away - hand) / 2) },
		func() error { return cookAll(ctx, way, n, hand) },
		way.drop, // the screen restarts
		func() error { n.awayFrom = next + 1; err := send(away); n.awayTo = next; return err },
		func() error { return way.open(ctx, "anna") },
		func() error { return cookAll(ctx, way, n, hand) },
		func() error { return send(hand) },
		func() error { return dropOut(ctx, way, n, hand) },
		func() error { return way.open(ctx, "ben") },
		func() error { return send(orders - next) },
		func() error { time.Sleep(r.Duration("patience")); return nil }, // time passes for what the dead cook holds
		func() error { return cookAll(ctx, way, n, hand) },
		way.drop, // ben goes home
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return n, count(ctx, way, n, orders)
}

// cookAll cooks until nothing is left.
func cookAll(ctx context.Context, way road, n *night, batch int) error {
	for {
		taken, err := way.take(ctx, batch)
		if err != nil || len(taken) == 0 {
			return err
		}
		for _, o := range taken {
			n.plates[o.number]++
			if err := way.cooked(ctx, o); err != nil {
				return err
			}
		}
	}
}

// dropOut is a cook who takes a batch, cooks not quite half of it, cooks one more,
// and drops out before that one is acknowledged.
func dropOut(ctx context.Context, way road, n *night, hand int) error {
	taken, err := way.take(ctx, hand)
	if err != nil {
		return err
	}
	for i, o := range taken[:hand/2] {
		n.plates[o.number]++
		if i == hand/2-1 {
			break
		}
		if err := way.cooked(ctx, o); err != nil {
			return err
		}
	}
	return way.drop()
}

// count says what was lost, and where.
func count(ctx context.Context, way road, n *night, orders int) (err error) {
	for number := 1; number <= orders; number++ {
		switch plates := n.plates[number]; {
		case plates > 1:
			n.twice++
		case plates == 1:
		case number >= n.awayFrom && number <= n.awayTo:
			n.lostAway++
		default:
			n.lostHand++
		}
	}
	n.readAgain, err = way.again(ctx)
	return err
}

func toneOf(lost int) unit.Tone {
	if lost > 0 {
		return unit.Bad
	}
	return unit.Good
}
