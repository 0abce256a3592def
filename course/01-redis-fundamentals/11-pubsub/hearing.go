package broadcast

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// unheard publishes before anybody listens, and after.
func unheard(ctx context.Context, r *unit.Run) error {
	r.Step("A notice to a channel that nobody listens to, then one to a channel with a display.")
	channel := r.Key("line:9")
	var heard int64
	_, err := r.Trace(ctx, unit.Sample{Title: "one notice unheard, one heard", Note: "PUBLISH answers how many connections it was handed to. Nothing is kept: no command reads what a channel said."},
		func(ctx context.Context, c *redis.Client) (err error) {
			heard, err = c.Publish(trace.WithRequest(ctx, "14:02"), channel, "platform 4").Result()
			if err != nil {
				return err
			}
			// region: subscribe
			sub := c.Subscribe(ctx, channel)
			defer sub.Close()
			if _, err := sub.Receive(ctx); err != nil { // the server's confirmation
				return err
			}
			// endregion
			if err := c.Publish(trace.WithRequest(ctx, "14:05"), channel, "5 min late").Err(); err != nil {
				return err
			}
			_, err = sub.ReceiveMessage(ctx)
			return err
		})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "heard_by_nobody", Label: "displays that heard the first, and no error", Value: float64(heard)})
	return nil
}

// unconfirmed publishes right after Subscribe has returned, on a network that
// takes its time, and then right after the confirmation.
func unconfirmed(ctx context.Context, r *unit.Run) error {
	const each = 5
	r.Step("Subscribe returns when its command is written, not when the server has read it. %d notices are published at once, and %d after the confirmation.", each, each)
	channel := r.Key("line:12")
	publish := func(from int) error {
		for n := from; n < from+each; n++ {
			if err := r.Redis().Publish(ctx, channel, n).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	heard := map[int]bool{}
	_, err := r.Trace(ctx, unit.Sample{
		Title:  "a subscription on a slow network",
		Note:   "The notices before the confirmation were published while SUBSCRIBE was on its way.",
		Faults: []tap.Fault{{Kind: tap.Latency, Command: "SUBSCRIBE", Delay: 200 * time.Millisecond}},
	}, func(ctx context.Context, c *redis.Client) error {
		sub := c.Subscribe(ctx, channel)
		defer sub.Close()
		if err := publish(1); err != nil { // too early
			return err
		}
		if _, err := sub.Receive(ctx); err != nil {
			return err
		}
		if err := publish(each + 1); err != nil {
			return err
		}
		for !heard[2*each] {
			message, err := sub.ReceiveMessage(ctx)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(message.Payload)
			if err != nil {
				return err
			}
			heard[n] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	early, late := each, each
	for n := range heard {
		if n <= each {
			early--
		} else {
			late--
		}
	}
	r.Metric(unit.Metric{Name: "lost_unconfirmed", Label: fmt.Sprintf("of %d lost before the confirmation", each), Value: float64(early), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "lost_confirmed", Label: fmt.Sprintf("of %d lost after it", each), Value: float64(late), Tone: unit.Good})
	return nil
}

// patterns has one display subscribe in three ways that overlap.
func patterns(ctx context.Context, r *unit.Run) error {
	if !r.Has(unit.NeedRedis) {
		r.Step("Patterns that overlap need a real Redis: the embedded server sends one copy where Redis sends three.")
		return nil
	}
	r.Step("One display subscribes to a channel and to two patterns.")
	sub := r.Redis().Subscribe(ctx, r.Key("stop:9"))
	defer sub.Close()
	if err := sub.PSubscribe(ctx, r.Key("stop:?"), r.Key("stop:*")); err != nil {
		return err
	}
	for range 3 {
		if _, err := sub.Receive(ctx); err != nil { // three confirmations
			return err
		}
	}
	table := unit.Table{Title: "Notices that one display got", Columns: []string{"published to", "PUBLISH", "by stop:9", "by stop:?", "by stop:*"}}
	for _, channel := range []string{"stop:9", "stop:7", "stop:12", "stop:9:lift"} {
		copies, err := r.Redis().Publish(ctx, r.Key(channel), "hello").Result()
		if err != nil {
			return err
		}
		by := map[string]int{}
		for range copies {
			message, err := sub.ReceiveMessage(ctx)
			if err != nil {
				return err
			}
			by[r.Short(message.Pattern)]++
		}
		if channel == "stop:9" {
			r.Metric(unit.Metric{Name: "copies", Label: "copies of one notice at one display", Value: float64(copies), Minor: true})
		}
		table.Rows = append(table.Rows, []string{channel, fmt.Sprint(copies), fmt.Sprint(by[""]), fmt.Sprint(by["stop:?"]), fmt.Sprint(by["stop:*"])})
	}
	r.Table(table)
	return nil
}
