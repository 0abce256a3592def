package plaza

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

const (
	lanes = 4
	each  = 4 // cars at a lane at the same time
)

// layers are the places that an answer can come from, from the nearest on.
var layers = []struct {
	source      cache.Source
	name, label string
}{{cache.Memory, "memory", "memory, L1"}, {cache.Redis, "redis", "Redis, L2"}, {cache.Origin, "office", "the office"}}

// sizes are what was asked for, and less on the embedded server, whose scripts are slow.
func sizes(r *unit.Run) (tariffs, reads, room int) {
	tariffs, reads, room = r.Int("tariffs"), r.Int("reads"), r.Int("room")
	if r.Embedded() {
		return tariffs / 2, reads / 8, room / 2
	}
	return tariffs, reads, room
}

// reading sends cars through the lanes, and then times a read of each layer.
func reading(ctx context.Context, r *unit.Run) error {
	tariffs, reads, room := sizes(r)
	asked := make([]string, reads)
	for i, c := 0, newTraffic(tariffs, 9); i < reads; i++ {
		asked[i] = tariff(c.next())
	}
	r.Step("%s cars pass %d lanes. There are %s tariffs, and a lane has room for %d. Everything begins empty.",
		unit.Figure(float64(reads), ""), lanes, unit.Figure(float64(tariffs), ""), room)
	ratio := unit.Chart{Kind: unit.Bars, Title: "Which layer answers", Unit: "%"}
	table := unit.Table{Title: "Who answered", Columns: []string{"", "memory", "Redis", "the office", "tariffs in the memory of a lane"}}
	shares := map[string][]float64{}
	for _, w := range []way{noMemory, aMap, lru, twice, library} {
		share, held, err := w.serve(ctx, r, asked, room)
		if err != nil {
			return err
		}
		shares[w.name] = share
		row := []string{w.label}
		for i, l := range layers {
			row = append(row, unit.Figure(share[i], "%"))
			if w.name == noMemory.name || w.name == twice.name || w.name == library.name { // the table has all
				r.Metric(unit.Metric{Name: l.name + "_" + w.name, Label: "answered by " + l.label + ": " + w.label, Value: share[i], Unit: "%", Minor: w.name != twice.name})
			}
			if len(ratio.Series) <= i {
				ratio.Series = append(ratio.Series, unit.Series{Name: l.label})
			}
			ratio.Series[i].Points = append(ratio.Series[i].Points, unit.Point{Label: w.label, Y: share[i]})
		}
		table.Rows = append(table.Rows, append(row, fmt.Sprint(held)))
	}
	r.Table(table)
	r.Chart(ratio)
	if r.Embedded() {
		return nil
	}
	return timing(ctx, r, shares)
}

// serve sends the cars through lanes of this kind. It returns the share of each
// layer in per cent, and how many tariffs the first lane holds at the end.
func (w way) serve(ctx context.Context, r *unit.Run, asked []string, room int) (share []float64, held int, err error) {
	all := make([]lane, lanes)
	for i := range all {
		rdb := r.Client(fmt.Sprintf("lane-%d", i+1), func(o *redis.Options) { o.PoolSize, o.ContextTimeoutEnabled = each, true })
		if all[i], err = w.open(rdb, r.Space(w.name), time.Hour, room, time.Hour); err != nil {
			return nil, 0, err
		}
	}
	var (
		by [3]atomic.Int64
		o  office
		n  = lanes * each
	)
	_, err = r.Load(ctx, w.label, n, len(asked)/n, func(ctx context.Context, client, i int) error {
		_, from, err := all[client%lanes].toll(ctx, asked[i*n+client], o.load)
		by[from].Add(1)
		return err
	})
	for _, l := range layers {
		share = append(share, 100*float64(by[l.source].Load())/float64(len(asked)/n*n))
	}
	return share, all[0].size(), err
}

// timing reads one tariff from each layer, and says what share of all time each
// layer takes.
func timing(ctx context.Context, r *unit.Run, shares map[string][]float64) error {
	r.Step("One tariff, from each layer.")
	o := &office{delay: r.Duration("delay")}
	took := make([]float64, len(layers)) // ns
	chart := unit.Chart{Kind: unit.Bars, Title: "A read, by the layer that answers", Unit: "ns", LogY: true, Timing: true, Series: []unit.Series{{Name: "a read"}}}
	for _, probe := range []struct {
		layer int
		way   way
		label string
		reads int
	}{
		{0, aMap, "memory: a map", 100_000},
		{0, twice, "memory: bounded", 100_000},
		{0, library, "memory: kit/cache", 100_000},
		{1, noMemory, "Redis", 300},
		{2, noMemory, "the office", 10},
	} {
		c, err := probe.way.open(r.Redis(), r.Space("timed-"+probe.way.name), time.Hour, 16, time.Hour)
		if err != nil {
			return err
		}
		ns, err := timed(ctx, c, o, layers[probe.layer].source, probe.reads)
		if err != nil {
			return err
		}
		if took[probe.layer] == 0 || probe.way.name == twice.name {
			took[probe.layer] = ns
		}
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: probe.label, Y: ns})
		r.Metric(unit.Metric{Name: fmt.Sprintf("ns_%s_%s", layers[probe.layer].name, probe.way.name), Label: "a read, " + probe.label, Value: ns, Unit: "ns", Timing: true, Minor: probe.layer == 0 && probe.way.name != twice.name})
	}
	r.Chart(chart)
	table := unit.Table{Title: "Where the time of all reads goes: " + twice.label, Columns: []string{"", "a read", "of 100 reads", "of 100 parts of the time"}}
	mean := func(way string) (sum float64) {
		for i := range layers {
			sum += shares[way][i] / 100 * took[i]
		}
		return sum
	}
	with := mean(twice.name)
	for i, l := range layers {
		share := shares[twice.name][i]
		table.Rows = append(table.Rows, []string{l.label, human(took[i]), unit.Figure(share, ""), unit.Figure(share*took[i]/with, "")})
	}
	table.Rows = append(table.Rows, []string{"a read on average", human(with), "100", "100"}, []string{"without memory", human(mean("none")), "100", "–"})
	r.Table(table)
	r.Metric(unit.Metric{Name: "time_office", Label: "of all time, spent on the office", Value: shares[twice.name][2] * took[2] / with, Unit: "%", Timing: true})
	r.Metric(unit.Metric{Name: "mean_none", Label: "the mean read, no memory", Value: mean("none") / 1e3, Unit: "µs", Timing: true, Minor: true})
	r.Metric(unit.Metric{Name: "mean_twice", Label: "the mean read, with memory", Value: with / 1e3, Unit: "µs", Timing: true, Minor: true})
	return nil
}

// timed is how many nanoseconds a read from this layer takes: the median of nine rounds.
func timed(ctx context.Context, c lane, o *office, from cache.Source, reads int) (float64, error) {
	for range 3 { // so that every layer has it
		if _, _, err := c.toll(ctx, tariff(0), o.load); err != nil {
			return 0, err
		}
	}
	const rounds = 9
	times := make([]float64, 0, rounds)
	next := 1
	for range rounds {
		n := max(1, reads/rounds)
		begun := time.Now()
		for range n {
			key := tariff(0)
			if from == cache.Origin {
				key = tariff(next) // nobody has it
				next++
			}
			_, got, err := c.toll(ctx, key, o.load)
			if err == nil && got != from {
				err = fmt.Errorf("a read that was to come from %v came from %v", from, got)
			}
			if err != nil {
				return 0, err
			}
		}
		times = append(times, float64(time.Since(begun))/float64(n))
	}
	slices.Sort(times)
	return times[rounds/2], nil
}

// human writes nanoseconds in the unit that they deserve.
func human(ns float64) string {
	switch {
	case ns < 1e3:
		return unit.Figure(ns, "ns")
	case ns < 1e6:
		return unit.Figure(ns/1e3, "µs")
	}
	return unit.Figure(ns/1e6, "ms")
}
