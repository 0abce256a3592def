package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// alone is how many prices a single caller sets through auto-pipelining.
const alone = 4

// auto shows auto-pipelining with nobody to share a batch with.
func auto(ctx context.Context, r *unit.Run) error {
	r.Step("Auto-pipelining again, with one caller who waits for each reply.")
	seen, err := r.Trace(ctx, unit.Sample{
		Title: "one caller, auto-pipelined",
		Note:  "There is never a second command to go along with the first.",
	}, func(ctx context.Context, c *redis.Client) error {
		return autoPipelined(1)(ctx, c, priceList(r, "price", alone))
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "trips_alone", Label: fmt.Sprintf("%d prices of one caller, auto-pipelined", alone), Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	return nil
}

// refusing sends a pipeline of which two commands are refused.
func refusing(ctx context.Context, r *unit.Run) error {
	r.Step("Five commands in a pipeline, and Redis refuses two of them.")
	tea, name := r.Key("price:tea"), r.Key("name:tea")
	var cmds []redis.Cmder
	var told error
	_, err := r.Trace(ctx, unit.Sample{Title: "a pipeline in which two commands fail", Note: "The commands behind a failed one were executed all the same."},
		func(ctx context.Context, c *redis.Client) error {
			ctx = trace.WithRequest(ctx, "one pipeline")
			// region: errors
			pipe := c.Pipeline()
			pipe.Set(ctx, tea, 5, 0)
			pipe.HSet(ctx, tea, "cents", 5) // a string, not a hash
			pipe.Set(ctx, name, "Darjeeling", 0)
			pipe.Incr(ctx, name) // a text, not a number
			pipe.Incr(ctx, tea)
			cmds, told = pipe.Exec(ctx)
			// endregion
			return nil
		})
	if err != nil {
		return err
	}
	table := unit.Table{Title: "What Exec returned: " + r.Short(fmt.Sprint(told)), Columns: []string{"command", "its own error"}}
	refused, named := 0, 0
	// region: each
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			refused++
			if errors.Is(told, err) {
				named++
			}
		}
	}
	// endregion
	for _, cmd := range cmds {
		own := "–"
		if cmd.Err() != nil {
			own = cmd.Err().Error()
		}
		table.Rows = append(table.Rows, []string{r.Short(words(cmd.Args())), own})
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "refused", Label: "commands that Redis refused", Value: float64(refused), Tone: unit.Bad, Minor: true})
	r.Metric(unit.Metric{Name: "told", Label: "of these in the error of Exec", Value: float64(named), Tone: unit.Bad, Minor: true})
	return nil
}

func words(args []any) string {
	line := fmt.Sprintln(args...)
	return line[:len(line)-1]
}

// racing plays a customer who looks while a list is loaded in two batches.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("A list in two batches, and a customer who looks between them.")
	if _, err := r.Race(ctx, twoBatches.Name, "A B A"); err != nil {
		return err
	}
	for _, s := range []struct{ scenario, metric string }{{twoBatches.Name, "batches"}, {oneMSet.Name, "mset"}} {
		report, err := r.Explore(ctx, s.scenario, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + s.metric, Label: "schedules that show two lists at once, " + s.scenario, Value: float64(report.Failing), Minor: true})
	}
	return nil
}

// The bounds of looking for a pipeline that is half done.
const (
	tearPrices = 2000
	tearLeast  = 20
	tearMost   = 300
	tearTime   = 3 * time.Second
)

// tearing looks at the first and the last price of a list while it is written.
func tearing(ctx context.Context, r *unit.Run) error {
	r.Step("%s prices in one pipeline, and a reader who looks at the first and the last of them in one MGET.", unit.Figure(tearPrices, ""))
	list := priceList(r, "half", tearPrices)
	least, most := tearLeast, tearMost
	for _, w := range []struct {
		name, label string
		load        loader
	}{{"pipeline", "one pipeline", pipelined}, {"mset", "MSET", mset}} {
		torn, played, err := tear(ctx, r, list, least, most, w.load)
		if err != nil {
			return err
		}
		least, most = played, played // the same chance for both
		r.Metric(unit.Metric{Name: "torn_" + w.name, Label: "reads that saw half of a list, " + w.label, Value: float64(torn), Tone: toneOf(torn)})
	}
	return nil
}

// tear writes the list at least so many times, each time with other prices, and
// goes on, to a bound, until a reader saw two lists at once. It returns how many
// reads did, and how often it wrote.
func tear(ctx context.Context, r *unit.Run, list []price, least, most int, load loader) (torn, played int, err error) {
	writer, end := r.Client("writer", nil), time.Now().Add(tearTime)
	first, last := list[0].key, list[len(list)-1].key
	for round := range most {
		if played >= least && (torn > 0 || time.Now().After(end)) {
			break
		}
		for i := range list {
			list[i].cents = round
		}
		written := make(chan error, 1)
		go func() { written <- load(ctx, writer, list) }()
		for done := false; !done; {
			select {
			case err = <-written:
				done = true
			default:
				seen, readErr := r.Redis().MGet(ctx, first, last).Result()
				if readErr != nil {
					<-written //nolint:errcheck // why we stop is what is told
					return torn, played, readErr
				}
				if seen[0] != seen[1] {
					torn++
				}
			}
		}
		if err != nil {
			return torn, played, err
		}
		played++
	}
	return torn, played, nil
}

// The replies that a reader asks for in one go, or in batches.
const (
	heldReplies = 1000
	heldBytes   = 20_000
	heldBatch   = 50
)

// holding asks Redis, at the end of a pipeline, how much it keeps for this one
// client: replies that are made and not sent yet.
func holding(ctx context.Context, r *unit.Run) error {
	if r.Embedded() { // it has no CLIENT INFO
		return nil
	}
	r.Step("Reading %s values of 20 kB: in one giant pipeline, and in batches of %d.", unit.Figure(heldReplies, ""), heldBatch)
	key := r.Key("photo")
	if err := r.Redis().Set(ctx, key, make([]byte, heldBytes), 0).Err(); err != nil {
		return err
	}
	for _, w := range []struct {
		name, label string
		size        int
	}{{"giant", "for one giant pipeline", heldReplies}, {"batches", fmt.Sprintf("for batches of %d", heldBatch), heldBatch}} {
		most := 0
		for range heldReplies / w.size {
			pipe := r.Redis().Pipeline()
			for range w.size {
				pipe.Get(ctx, key)
			}
			// region: held
			me := pipe.ClientInfo(ctx) // the last command: what do you hold for me?
			// endregion
			if _, err := pipe.Exec(ctx); err != nil {
				return err
			}
			most = max(most, me.Val().OutputMemory)
		}
		r.Metric(unit.Metric{Name: "held_" + w.name, Label: "memory of Redis " + w.label, Value: float64(most) / 1e6, Unit: "MB"})
	}
	return nil
}

func toneOf(torn int) unit.Tone {
	if torn > 0 {
		return unit.Bad
	}
	return unit.Good
}
