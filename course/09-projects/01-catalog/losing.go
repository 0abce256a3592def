package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// atOnce is how many loads each instance may have at the warehouse.
const atOnce = 20

// region: miss

// errorIsMiss asks the warehouse whenever Redis has no answer, whatever the reason.
func errorIsMiss(read, load reader) reader {
	return func(ctx context.Context, id int) (int, error) {
		if price, err := read(ctx, id); err == nil {
			return price, nil
		}
		return load(ctx, id)
	}
}

// endregion

// region: line

// inLine lets so many ask at once; the others wait for their turn.
func inLine(load reader, places int) reader {
	turn := make(chan struct{}, places)
	return func(ctx context.Context, id int) (int, error) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
			return load(ctx, id)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// endregion

// outageWay is what an instance does when Redis is gone.
type outageWay struct {
	name, label string
	tone        unit.Tone
	instance    func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error)
}

var outageWays = []outageWay{
	{"plain", "an error is an error", unit.Bad, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		return aside(rdb, r.Key("plain:"), d.load), nil
	}},
	{"miss", "an error is a miss", unit.Bad, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		return errorIsMiss(aside(rdb, r.Key("miss:"), d.load), d.load), nil
	}},
	{"line", "a line with places", unit.Good, func(r *unit.Run, rdb *redis.Client, d *depot) (reader, error) {
		prices, err := cache.New(rdb, cache.Options[int, int]{
			Name: r.Space("line"), TTL: minute, OriginLimit: -1, // the line bounds it, and refuses nobody
		})
		if err != nil {
			return nil, err
		}
		load := inLine(d.load, atOnce)
		return func(ctx context.Context, id int) (int, error) { return prices.Fetch(ctx, id, load) }, nil
	}},
}

// losing cuts Redis off and has readers come for as many products.
func losing(ctx context.Context, r *unit.Run) error {
	readers := r.Int("readers")
	table := unit.Table{
		Title:   fmt.Sprintf("Redis is cut off, and %d readers of %[1]d products come to two instances", readers),
		Columns: []string{"", "see an error", "at the warehouse at once"},
	}
	for _, w := range outageWays {
		r.Step("Redis is cut off: %s.", w.label)
		if err := w.outage(ctx, r, readers, &table); err != nil {
			return err
		}
	}
	r.Table(table)
	return nil
}

// outage cuts both instances off, and looks how they do.
func (w outageWay) outage(ctx context.Context, r *unit.Run, readers int, table *unit.Table) error {
	wire, err := front(r)
	if err != nil {
		return err
	}
	defer wire.Close() // nothing of the run is lost with it
	d := newDepot(r.Duration("slow"))
	read, err := pair(r, func(*redis.Client) (reader, error) {
		rdb := r.Client("catalog", func(o *redis.Options) {
			o.Addr, o.TLSConfig, o.PoolSize, o.MaxRetries = wire.TapAddr(), nil, readers, -1
		})
		return w.instance(r, rdb, d)
	})
	if err != nil {
		return err
	}
	heal, err := wire.Throw(tap.Fault{Kind: tap.Cut})
	if err != nil {
		return err
	}
	failed := together(readers, func(i int) error {
		_, err := read[i%2](ctx, 1000+i)
		return err
	})
	heal()
	r.Metric(unit.Metric{Name: "errors_" + w.name, Label: "see an error: " + w.label, Value: float64(len(failed)), Tone: w.tone})
	r.Metric(unit.Metric{Name: "flight_" + w.name, Label: "at the warehouse at once: " + w.label, Value: float64(d.most()), Minor: w.name == "plain", Tone: w.tone})
	table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(len(failed)), fmt.Sprint(d.most())})
	if w.name != "line" {
		return nil
	}
	took, err := recovers(ctx, read, d)
	r.Metric(unit.Metric{Name: "recovery", Label: "Redis is used again after", Value: took.Seconds(), Unit: "s", Timing: true})
	return err
}

// front is a wire before the Redis of the run, which can be cut.
func front(r *unit.Run) (*lab.Wire, error) {
	o := r.Redis().Options()
	return lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig})
}

// recovers reads new products until one that was read at both instances was loaded
// once.
func recovers(ctx context.Context, read [2]reader, d *depot) (time.Duration, error) {
	d.slow = time.Millisecond // nobody else reads now
	begun := time.Now()
	for id := 5000; time.Since(begun) < 10*time.Second; id++ {
		for _, instance := range read {
			if _, err := instance(ctx, id); err != nil {
				return 0, err
			}
		}
		if d.asked(id) == 1 {
			return time.Since(begun), nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0, errors.New("the instances did not come back to Redis within ten seconds")
}
