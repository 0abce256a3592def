package formats

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/codec"
)

// cost is what a value costs in a format.
type cost struct {
	bytes          int
	encode, decode time.Duration
	allocations    float64 // of a decode
}

// weigh encodes and decodes a value so often and takes the best of five rounds, for
// whatever else the machine does only makes it slower.
func weigh[T any](c codec.Codec[T], v T, times int) (cost, error) {
	data, err := c.Encode("bike", v)
	if err != nil {
		return cost{}, err
	}
	out := cost{bytes: len(data)}
	out.encode, _, err = best(times, func() error { _, err := c.Encode("bike", v); return err })
	if err != nil {
		return cost{}, err
	}
	out.decode, out.allocations, err = best(times, func() error { _, err := c.Decode("bike", data); return err })
	return out, err
}

func best(times int, do func() error) (least time.Duration, allocations float64, err error) {
	const rounds = 5
	for range rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		for range max(1, times/rounds) {
			if err := do(); err != nil {
				return 0, 0, err
			}
		}
		each := time.Since(begun) / time.Duration(max(1, times/rounds))
		runtime.ReadMemStats(&after)
		if least == 0 || each < least {
			least, allocations = each, float64(after.Mallocs-before.Mallocs)/float64(max(1, times/rounds))
		}
	}
	return least, allocations, nil
}

// sizes weighs one bike and a page of them in each format.
func sizes(ctx context.Context, r *unit.Run) error {
	all := formats
	for _, f := range formats {
		all = append(slices.Clip(all), compressed(f))
	}
	one, many, rounds := bike(3), page(r.Int("bikes")), r.Int("rounds")
	r.Step("One bike and a page of %d, in %d formats.", len(many), len(all))
	table := unit.Table{Title: "One bike", Columns: []string{"format", "bytes", "page, bytes"}}
	if !r.Embedded() {
		table.Columns = append(table.Columns, "encode", "decode", "allocations of a decode")
	}
	charts := []unit.Chart{
		{Kind: unit.Bars, Title: "Bytes of one bike", Series: []unit.Series{{Name: "bytes"}}},
		{Kind: unit.Bars, Title: fmt.Sprintf("Bytes of a page of %d bikes", len(many)), Series: []unit.Series{{Name: "bytes"}}},
	}
	for i, f := range all {
		r.Progress("formats", i, len(all))
		single, err := weigh(f.one, one, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", f.label, err)
		}
		whole, err := f.many.Encode("page", many)
		if err != nil {
			return fmt.Errorf("%s: %w", f.label, err)
		}
		r.Metric(unit.Metric{Name: "bytes_" + f.name, Label: f.label + ", one bike", Value: float64(single.bytes), Unit: "B", Minor: i >= len(formats)})
		r.Metric(unit.Metric{Name: "bytes_page_" + f.name, Label: f.label + ", a page", Value: float64(len(whole)), Unit: "B", Minor: true})
		r.Metric(unit.Metric{Name: "ns_encode_" + f.name, Label: f.label + ", encode", Value: float64(single.encode.Nanoseconds()) / 1000, Unit: "µs", Timing: true, Minor: true})
		r.Metric(unit.Metric{Name: "ns_decode_" + f.name, Label: f.label + ", decode", Value: float64(single.decode.Nanoseconds()) / 1000, Unit: "µs", Timing: true, Minor: i >= len(formats)})
		row := []string{f.label, unit.Figure(float64(single.bytes), ""), unit.Figure(float64(len(whole)), "")}
		if !r.Embedded() {
			row = append(row, micros(single.encode), micros(single.decode), unit.Figure(single.allocations, ""))
		}
		table.Rows = append(table.Rows, row)
		charts[0].Series[0].Points = append(charts[0].Series[0].Points, unit.Point{Label: f.label, Y: float64(single.bytes)})
		charts[1].Series[0].Points = append(charts[1].Series[0].Points, unit.Point{Label: f.label, Y: float64(len(whole))})
	}
	r.Table(table)
	for _, c := range charts {
		r.Chart(c)
	}
	return show(ctx, r, one)
}

func micros(d time.Duration) string { return unit.Figure(float64(d.Nanoseconds())/1000, "µs") }

// show stores the bike in three formats, to be looked at on the wire.
func show(ctx context.Context, r *unit.Run, one Bike) error {
	_, err := r.Trace(ctx, unit.Sample{
		Title: "the same bike, three times",
		Note:  "JSON can be read in redis-cli, and each value names all its fields. CBOR names them too, in fewer bytes. Protocol Buffers has numbers in their place: without the schema nobody knows what they are.",
	}, func(ctx context.Context, c *redis.Client) error {
		for _, f := range []format{formats[0], formats[2], formats[3]} {
			data, err := f.one.Encode("bike", one)
			if err != nil {
				return err
			}
			if err := c.Set(trace.WithRequest(ctx, f.label), r.Key("bike:"+f.name), data, time.Hour).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
