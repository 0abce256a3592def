package stations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// link is a client at some distance of Redis, and what counts its commands.
type link struct {
	*redis.Client
	wire *lab.Wire
	seen *trace.Recorder
}

// open opens a client of one map's size that is so far from Redis.
func open(r *unit.Run, away time.Duration, change func(*redis.Options)) (*link, error) {
	l := &link{seen: trace.NewRecorder(1000)}
	var err error
	l.Client = r.Client("map", func(o *redis.Options) {
		o.PoolSize, o.MaxRetries = perMap, -1
		if change != nil {
			change(o)
		}
		if l.wire, err = lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig, Sink: l.seen.Sink()}); err != nil {
			return
		}
		o.Addr, o.TLSConfig = l.wire.TapAddr(), nil
		_, err = l.wire.Throw(tap.Fault{Kind: tap.Latency, Delay: away})
	})
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// close ends what stands between; the client is closed with the run.
func (l *link) close() error {
	if l.wire == nil {
		return nil
	}
	return l.wire.Close()
}

// leaves is when a reader leaves.
const leaves = 10 * time.Millisecond

// farewell is one manner of leaving.
type farewell struct {
	name    string
	enabled bool // ContextTimeoutEnabled
	ending  func(ctx context.Context) (context.Context, context.CancelFunc)
}

var farewells = []farewell{
	{"cancel", false, func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(leaves, cancel)
		return ctx, cancel
	}},
	{"deadline", false, withDeadline},
	{"enabled", true, withDeadline},
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, leaves)
}

// leaving has a reader leave before and during each way.
func leaving(ctx context.Context, r *unit.Run, keys []string) error {
	away := r.Duration("away")
	r.Metric(unit.Metric{Name: "away", Label: "Redis answers after", Value: milliseconds(away), Unit: "ms", Timing: true, Minor: true})
	table := unit.Table{
		Title: fmt.Sprintf("The reader leaves after %s, and Redis answers after %s", unit.Span(leaves), unit.Span(away)),
		Columns: []string{"", "left before: commands sent", "cancel(): returns after", "deadline: returns after",
			"deadline and ContextTimeoutEnabled"},
	}
	waits := unit.Chart{Kind: unit.Bars, Title: "How long a call keeps its goroutine after the reader has left", YLabel: "ms", Unit: "ms", Timing: true,
		Series: []unit.Series{{Name: "cancel()", Tone: unit.Bad}, {Name: "deadline"}, {Name: "deadline and ContextTimeoutEnabled", Tone: unit.Good}}}
	for i, w := range ways {
		r.Step("A reader leaves: %s.", w.label)
		r.Progress("readers leave", i, len(ways))
		sent, err := w.before(ctx, r, keys)
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "sent_" + w.name, Label: "left before: " + w.label, Value: float64(sent), Unit: "commands", Minor: true})
		row := []string{w.label, fmt.Sprint(sent)}
		for n, f := range farewells {
			if r.Embedded() {
				row = append(row, "–") // a matter of time, and that server shows none
				continue
			}
			waited, err := w.during(ctx, r, keys, f)
			if err != nil {
				return err
			}
			r.Metric(unit.Metric{Name: f.name + "_" + w.name, Label: fmt.Sprintf("%s, %s", waits.Series[n].Name, w.label), Value: waited, Unit: "ms", Timing: true, Minor: true})
			row = append(row, unit.Figure(waited, "ms"))
			waits.Series[n].Points = append(waits.Series[n].Points, unit.Point{Label: w.label, Y: max(0, waited-milliseconds(leaves))})
		}
		table.Rows = append(table.Rows, row)
	}
	r.Table(table)
	r.Chart(waits)
	return nil
}

// before draws a map with a context that is over, and counts what was sent.
func (w way) before(ctx context.Context, r *unit.Run, keys []string) (int, error) {
	l, err := open(r, time.Millisecond, nil)
	if err != nil {
		return 0, err
	}
	defer l.close() // nothing of the run is lost with it
	if err := w.draw(ctx, l.Client, keys); err != nil {
		return 0, err
	}
	l.seen.Reset()
	over, cancel := context.WithCancel(ctx)
	cancel()
	_ = w.draw(over, l.Client, keys) // cancelled, or not: what counts is what was sent
	// What was queued without waiting is sent by now or goes before this.
	if err := w.draw(ctx, l.Client, keys); err != nil {
		return 0, err
	}
	return len(l.seen.Commands()) - len(keys), nil
}

// during draws a map for a reader who leaves meanwhile, and returns after how many
// milliseconds the call was back.
func (w way) during(ctx context.Context, r *unit.Run, keys []string, f farewell) (float64, error) {
	l, err := open(r, time.Millisecond, func(o *redis.Options) { o.ContextTimeoutEnabled = f.enabled })
	if err != nil {
		return 0, err
	}
	defer l.close()
	if err := w.draw(ctx, l.Client, keys); err != nil { // connections are made
		return 0, err
	}
	if _, err := l.wire.Throw(tap.Fault{Kind: tap.Latency, Delay: r.Duration("away")}); err != nil {
		return 0, err
	}
	leaving, cancel := f.ending(ctx)
	defer cancel()
	begun := time.Now()
	_ = w.draw(leaving, l.Client, keys) // over or not, and the same either way
	return milliseconds(time.Since(begun)), nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
