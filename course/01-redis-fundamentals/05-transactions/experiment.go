package transaction

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// window is how long wrong passwords are counted.
const window = 10 * time.Minute

// racing plays two payments each way.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Ann pays the coach 80, Ben pays the pizza 50, at the same time, out of a box with 100.")
	if _, err := r.Race(ctx, getSetRace.Name, "A A B B A B"); err != nil {
		return err
	}
	r.Step("Now with WATCH: whoever is too late looks again.")
	if _, err := r.Race(ctx, watchRace.Name, "A A B B A B B B"); err != nil {
		return err
	}
	r.Step("Every order of the two, in four ways; of the last two also with a crash, and with a lost reply, at each step.")
	for _, way := range []struct {
		scenario, metric string
		faults           bool
	}{{getSetRace.Name, "get_set", false}, {multiRace.Name, "multi", false}, {watchRace.Name, "watch", true}, {scriptRace.Name, "script", true}} {
		if err := explore(ctx, r, way.scenario, way.metric, race.Options{Faults: way.faults}); err != nil {
			return err
		}
	}
	return nil
}

// explore plays every schedule of a race and counts those that fail.
func explore(ctx context.Context, r *unit.Run, scenario, metric string, o race.Options) error {
	report, err := r.Explore(ctx, scenario, o)
	if err != nil {
		return err
	}
	tone := unit.Good
	if report.Failing > 0 {
		tone = unit.Bad
	}
	r.Metric(unit.Metric{Name: "failing_" + metric, Label: "schedules that fail, " + scenario, Value: float64(report.Failing), Tone: tone, Minor: true})
	return nil
}

// watching shows a conflict on the wire, and what a payment costs.
func watching(ctx context.Context, r *unit.Run) error {
	from, to := r.Key(club), r.Key(coach)
	if err := r.Redis().MSet(ctx, from, 1000, to, 0).Err(); err != nil {
		return err
	}
	r.Step("A payment by WATCH while somebody else pays 1 between its look and its EXEC.")
	_, err := r.Trace(ctx, unit.Sample{Title: "a conflict", Note: "EXEC answers nil: nothing was executed. The second try gets through."},
		func(ctx context.Context, c *redis.Client) error {
			disturbed := disturb{Client: c, once: func() error { return r.Redis().Decr(ctx, from).Err() }}
			return payWatched(trace.WithRequest(ctx, "one payment"), &disturbed, from, to, price)
		})
	if err != nil {
		return err
	}
	for _, way := range []struct {
		title, metric string
		by            pay
	}{{"one payment by WATCH", "watch", payWatched}, {"one payment by the script", "script", payByScript}} {
		if err := payScript.Load(ctx, r.Redis()).Err(); err != nil { // Redis keeps it from now on
			return err
		}
		seen, err := r.Trace(ctx, unit.Sample{Title: way.title}, func(ctx context.Context, c *redis.Client) error {
			return way.by(trace.WithRequest(ctx, way.title), c, from, to, price)
		})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "trips_" + way.metric, Label: way.title, Value: float64(seen.RoundTrips), Unit: "round trips"})
	}
	return nil
}

// disturb lets somebody else in before the first transaction is sent.
type disturb struct {
	*redis.Client
	once func() error
}

// Watch is the client's own, with the disturbance after WATCH.
func (d *disturb) Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error {
	return d.Client.Watch(ctx, func(tx *redis.Tx) error {
		if d.once != nil {
			if err := d.once(); err != nil {
				return err
			}
			d.once = nil
		}
		return fn(tx)
	}, keys...)
}

// breaking has a payment fail in its middle, and before it began.
func breaking(ctx context.Context, r *unit.Run) error {
	r.Step("The coach's box holds a text by mistake, and a payment meets it.")
	from, to := r.Key(club), r.Key(coach)
	table := unit.Table{Title: "100 in the club's box, 80 to pay", Columns: []string{"the second half", "left in the box", "what the program is told"}}
	for _, way := range []struct {
		what, metric, note string
		second             func(ctx context.Context, pipe redis.Pipeliner) // nil is the script
	}{
		{"INCRBY of a text, in MULTI", "vanished", "DECRBY was executed, INCRBY failed, and nothing takes the first one back.",
			func(ctx context.Context, pipe redis.Pipeliner) { pipe.IncrBy(ctx, to, price) }},
		{"INCRBY of a text, in the script", "vanished_script", "A script that fails half-way has done the first half.", nil},
		{"INCRBY without an amount, in MULTI", "vanished_refused", "A command that cannot even be queued cancels the transaction: EXEC executes nothing.",
			func(ctx context.Context, pipe redis.Pipeliner) { pipe.Do(ctx, "INCRBY", to) }},
	} {
		if err := r.Redis().MSet(ctx, from, start, to, "ask Tom").Err(); err != nil {
			return err
		}
		var told error
		_, err := r.Trace(ctx, unit.Sample{Title: way.what, Note: way.note}, func(ctx context.Context, c *redis.Client) error {
			ctx = trace.WithRequest(ctx, "one payment")
			if way.second == nil {
				told = payByScript(ctx, c, from, to, price)
				return nil
			}
			_, told = c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
				pipe.DecrBy(ctx, from, price)
				way.second(ctx, pipe)
				return nil
			})
			return nil
		})
		if err != nil {
			return err
		}
		left, err := read(ctx, r.Redis(), from)
		if err != nil {
			return err
		}
		words, _, _ := strings.Cut(fmt.Sprint(told), " script:") // Redis adds where in the script
		table.Rows = append(table.Rows, []string{way.what, fmt.Sprint(left), words})
		r.Metric(unit.Metric{Name: way.metric, Label: "gone from the box and arrived nowhere: " + way.what, Value: float64(start - left), Minor: true})
	}
	r.Table(table)
	return r.Redis().Del(ctx, from, to).Err()
}

// tearing counts an attempt, and dies in between.
func tearing(ctx context.Context, r *unit.Run) error {
	r.Step("A wrong password is counted for ten minutes: INCR, then EXPIRE. And the program dies between the two.")
	if _, err := r.Race(ctx, tornAttempt.Name, "A A!"); err != nil {
		return err
	}
	for _, way := range []struct{ scenario, metric string }{{tornAttempt.Name, "incr_expire"}, {wholeAttempt.Name, "incr_expire_multi"}} {
		if err := explore(ctx, r, way.scenario, way.metric, race.Options{Faults: true}); err != nil {
			return err
		}
	}
	return nil
}
