package profile

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// storing looks at how Redis keeps a hash: in one flat piece of memory while it
// is small, in a real hash table from then on.
func storing(ctx context.Context, r *unit.Run) error {
	if r.Embedded() { // it knows neither encodings nor what they cost
		return r.Keys(ctx, "The records", "ada", "ben", "wire:hash")
	}
	if err := longer(ctx, r); err != nil {
		return err
	}
	if err := wider(ctx, r); err != nil {
		return err
	}
	return r.Keys(ctx, "The same kind of hash, before and after the limit", "ada", "note")
}

// weigh returns how a key is kept and how many bytes that takes.
func weigh(ctx context.Context, rdb redis.Cmdable, key string) (encoding string, bytes int64, err error) {
	// region: weigh
	if encoding, err = rdb.ObjectEncoding(ctx, key).Result(); err != nil {
		return "", 0, err
	}
	// SAMPLES 0: weigh every field, and do not guess from five of them.
	bytes, err = rdb.MemoryUsage(ctx, key, 0).Result()
	// endregion
	return encoding, bytes, err
}

// maxLonger is where looking for the length that is too long ends.
const maxLonger = 4096

// longer makes one value of a record of 20 fields one byte longer at a time, until
// the encoding changes.
func longer(ctx context.Context, r *unit.Run) error {
	r.Step("A record of 20 short fields gets a note. The note grows by one byte at a time.")
	rdb, key := r.Redis(), r.Key("note")
	if err := createHash(ctx, rdb, key, record(20)); err != nil {
		return err
	}
	table := unit.Table{Title: "One note in a record of 20 fields", Columns: []string{"the note", "encoding", "bytes"}}
	row := func(what, encoding string, bytes int64) {
		table.Rows = append(table.Rows, []string{what, encoding, unit.Figure(float64(bytes), "")})
	}
	small, before, err := weigh(ctx, rdb, key)
	if err != nil {
		return err
	}
	row("none", small, before)
	for length := 1; length <= maxLonger; length++ {
		if err := rdb.HSet(ctx, key, "note", strings.Repeat("x", length)).Err(); err != nil {
			return err
		}
		encoding, bytes, err := weigh(ctx, rdb, key)
		if err != nil {
			return err
		}
		if encoding == small {
			before = bytes
			continue
		}
		row(fmt.Sprintf("%d bytes", length-1), small, before)
		row(fmt.Sprintf("%d bytes", length), encoding, bytes)
		r.Metric(unit.Metric{Name: "longest_value", Label: "the longest value that fits the small form", Value: float64(length - 1), Unit: "B", Minor: true})
		r.Metric(unit.Metric{Name: "bytes_fitting_value", Label: fmt.Sprintf("the record with a note of %d bytes", length-1), Value: float64(before), Unit: "B"})
		r.Metric(unit.Metric{Name: "bytes_long_value", Label: fmt.Sprintf("with a note of %d bytes", length), Value: float64(bytes), Unit: "B", Tone: unit.Bad})
		break
	}
	if err := rdb.HDel(ctx, key, "note").Err(); err != nil {
		return err
	}
	encoding, bytes, err := weigh(ctx, rdb, key)
	if err != nil {
		return err
	}
	row("taken away", encoding, bytes)
	r.Metric(unit.Metric{Name: "bytes_after_hdel", Label: "after HDEL of the note", Value: float64(bytes), Unit: "B", Tone: unit.Bad})
	r.Table(table)
	return nil
}

// maxWider is where looking for the field that is one too many ends.
const maxWider = 2048

// wider adds one field at a time, until the encoding changes and a bit beyond.
func wider(ctx context.Context, r *unit.Run) error {
	r.Step("A record of short fields gets one more field at a time.")
	rdb, key := r.Redis(), r.Key("wider")
	chart := unit.Chart{
		Kind: unit.Lines, Title: "Bytes of memory a field, as the hash grows", XLabel: "fields", Unit: "B", LogX: true,
		Series: []unit.Series{{Name: "a hash"}},
	}
	point := func(n int, bytes int64) {
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{X: float64(n), Y: float64(bytes) / float64(n)})
	}
	first, before, next, end := "", int64(0), 1, maxWider
	for n := 1; n <= end; n++ {
		if err := rdb.HSet(ctx, key, field(n), "value").Err(); err != nil {
			return err
		}
		encoding, bytes, err := weigh(ctx, rdb, key)
		if err != nil {
			return err
		}
		if first == "" {
			first = encoding
		}
		flips := encoding != first && end == maxWider
		if flips {
			point(n-1, before)
			end = n + n/2
			r.Metric(unit.Metric{Name: "most_fields", Label: "the most fields that fit the small form", Value: float64(n - 1), Minor: true})
			r.Metric(unit.Metric{Name: "bytes_at", Label: fmt.Sprintf("a hash of %d fields", n-1), Value: float64(before), Unit: "B"})
			r.Metric(unit.Metric{Name: "bytes_above", Label: fmt.Sprintf("a hash of %d fields", n), Value: float64(bytes), Unit: "B", Tone: unit.Bad})
		}
		if flips || n >= next || n == end {
			point(n, bytes)
			next = n + n/8 + 1 // evenly on a logarithmic axis
		}
		before = bytes
	}
	r.Chart(chart)
	return nil
}
