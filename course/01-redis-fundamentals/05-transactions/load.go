package transaction

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// method is one way to pay under load, and from which box.
type method struct {
	name, label string
	by          pay
	apart       bool // each client out of a box of its own
	tone        unit.Tone
}

// methods count in tries how often a payment was tried.
func methods(tries *atomic.Int64) []method {
	counted := func(ctx context.Context, c race.Client, from, to string, amount int64) error {
		for range maxTries {
			tries.Add(1)
			if err := payByWatch(ctx, c, from, to, amount); !errors.Is(err, redis.TxFailedErr) {
				return err
			}
		}
		return errBusy
	}
	return []method{
		{"watch", "WATCH, one box for all", counted, false, unit.Bad},
		{"apart", "WATCH, a box for each", counted, true, unit.Plain},
		{"script", "script, one box for all", func(ctx context.Context, c race.Client, from, to string, amount int64) error {
			tries.Add(1)
			return payByScript(ctx, c, from, to, amount)
		}, false, unit.Good},
	}
}

// paying has more and more clients pay at the same time.
func paying(ctx context.Context, r *unit.Run) error {
	most, total := r.Int("clients"), r.Int("payments")
	rdb := r.Client("load", func(o *redis.Options) { o.PoolSize = most })
	var tries atomic.Int64
	all := methods(&tries)
	per := unit.Chart{Kind: unit.Lines, Title: "Tries for one payment", XLabel: "clients", YLabel: "tries"}
	speed := unit.Chart{Kind: unit.Lines, Title: "Payments a second", XLabel: "clients", YLabel: "payments/s", Unit: "payments/s", Timing: true}
	for _, m := range all {
		per.Series = append(per.Series, unit.Series{Name: m.label, Tone: m.tone})
		speed.Series = append(speed.Series, unit.Series{Name: m.label, Tone: m.tone})
	}
	for _, clients := range levels(most) {
		r.Step("%s payments of 1 by %s, three ways.", unit.Figure(float64(total), ""), unit.Figure(float64(clients), plural(clients)))
		for i, m := range all {
			boxes := func(client int) (from, to string) {
				if !m.apart {
					client = 0
				}
				return r.Key(fmt.Sprintf("box:%s:%d", m.name, client)), r.Key(fmt.Sprintf("paid:%s:%d", m.name, client))
			}
			for c := range clients {
				from, _ := boxes(c)
				if err := rdb.Set(ctx, from, total, 0).Err(); err != nil {
					return err
				}
			}
			tries.Store(0)
			took, err := r.Load(ctx, m.label, clients, total/clients, func(ctx context.Context, client, _ int) error {
				from, to := boxes(client)
				return m.by(ctx, rdb, from, to, 1)
			})
			if err != nil {
				return err
			}
			paid := float64(total / clients * clients)
			each, rate := float64(tries.Load())/paid, paid/took.Seconds()
			per.Series[i].Points = append(per.Series[i].Points, unit.Point{X: float64(clients), Y: each})
			speed.Series[i].Points = append(speed.Series[i].Points, unit.Point{X: float64(clients), Y: rate})
			report(r, m, clients, most, each, rate)
		}
	}
	r.Chart(per)
	r.Chart(speed)
	return nil
}

// report tells the figures of one client and of all.
func report(r *unit.Run, m method, clients, most int, each, rate float64) {
	if clients == 1 && m.name == "watch" {
		r.Metric(unit.Metric{Name: "tries_alone", Label: "tries for one payment, one client", Value: each, Minor: true})
	}
	if clients != most {
		return
	}
	name := map[string]string{"watch": "tries_most", "apart": "tries_apart", "script": "tries_script"}[m.name]
	r.Metric(unit.Metric{Name: name, Label: "tries for one payment, " + m.label, Value: each, Tone: m.tone})
	r.Metric(unit.Metric{Name: "rate_" + m.name, Label: m.label, Value: rate, Unit: "payments/s", Timing: true, Tone: m.tone})
}

// levels are 1, 4, 16 … and most.
func levels(most int) []int {
	var out []int
	for n := 1; n < most; n *= 4 {
		out = append(out, n)
	}
	return append(out, most)
}

func plural(clients int) string {
	if clients == 1 {
		return "client"
	}
	return "clients at once"
}
