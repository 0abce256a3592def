package guestlist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// fill puts the tickets ARGV[1] to ARGV[2], at most 1000 of them, at the end of a
// list, into a set and into a sorted set. It spares the client a million arguments.
var fill = redis.NewScript(`
local names, scored = {}, {}
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local name = string.format('T-%07d', i)
  names[#names + 1] = name
  scored[#scored + 1] = 0
  scored[#scored + 1] = name
end
redis.call('RPUSH', KEYS[1], unpack(names))
redis.call('SADD', KEYS[2], unpack(names))
redis.call('ZADD', KEYS[3], unpack(scored))
`)

// forged is a ticket that nobody sold: a list must be read to its end to say so.
const forged = "T-X"

// keeping is one way to keep the tickets, and the command that finds one in it.
type keeping struct {
	label, metric, key, command string
	calls                       func(size int) int // how many calls of it share a round trip
}

var keepings = []keeping{
	{label: "list", metric: "list", key: "tickets:list", command: "LPOS", calls: func(size int) int { return max(3, min(50, 500_000/size)) }},
	{label: "set", metric: "set", key: "tickets:set", command: "SISMEMBER", calls: func(int) int { return 200 }},
	{label: "sorted set", metric: "sorted", key: "tickets:sorted", command: "ZSCORE", calls: func(int) int { return 200 }},
}

// sold is how many tickets this run works with. The embedded server measures no
// times, so it need not wait for a million.
func sold(r *unit.Run) int {
	if r.Embedded() {
		return min(r.Int("tickets"), 10_000)
	}
	return r.Int("tickets")
}

// growing sells tickets, and stops at each power of ten to ask for a forged one.
func growing(ctx context.Context, r *unit.Run) error {
	n := sold(r)
	r.Step("%s tickets, in a list, in a set and in a sorted set. At each power of ten: is the forged ticket among them?", unit.Figure(float64(n), ""))
	chart := unit.Chart{Kind: unit.Lines, Title: "One question at the door: is this ticket on the list?", XLabel: "tickets", Unit: "µs", LogX: true, LogY: true, Timing: true,
		Series: []unit.Series{{Name: "list, LPOS", Tone: unit.Bad}, {Name: "set, SISMEMBER", Tone: unit.Good}, {Name: "sorted set, ZSCORE"}}}
	table := unit.Table{Title: "Time for one answer, in µs", Columns: []string{"tickets", "list", "set", "sorted set"}}
	filled := 0
	for _, size := range sizes(n) {
		if err := sell(ctx, r, filled, size, n); err != nil {
			return err
		}
		filled = size
		if r.Embedded() {
			continue
		}
		row := []string{unit.Figure(float64(size), "")}
		for i, keep := range keepings {
			us, err := timeOf(ctx, r.Redis(), keep, r.Key(keep.key), size)
			if err != nil {
				return err
			}
			row = append(row, fmt.Sprintf("%.1f", us))
			chart.Series[i].Points = append(chart.Series[i].Points, unit.Point{X: float64(size), Y: us})
			if size == 100 && keep.metric == "set" {
				r.Metric(unit.Metric{Name: "set_small_us", Label: "in a set of 100", Value: us, Unit: "µs", Timing: true, Minor: true})
			}
			if size == n {
				r.Metric(unit.Metric{Name: keep.metric + "_us", Label: fmt.Sprintf("in a %s of %s", keep.label, unit.Figure(float64(n), "")), Value: us, Unit: "µs", Timing: true})
			}
		}
		table.Rows = append(table.Rows, row)
	}
	if !r.Embedded() {
		r.Table(table)
		r.Chart(chart)
		if err := weigh(ctx, r, n); err != nil {
			return err
		}
	}
	return oneAnswer(ctx, r, n)
}

// sizes are the powers of ten from a hundred, and n itself.
func sizes(n int) []int {
	var out []int
	for size := 100; size < n; size *= 10 {
		out = append(out, size)
	}
	return append(out, n)
}

// sell fills the three keys with the tickets after from, up to the one numbered to.
func sell(ctx context.Context, r *unit.Run, from, to, all int) error {
	var keys []string
	for _, keep := range keepings {
		keys = append(keys, r.Key(keep.key))
	}
	for ; from < to; from += 1000 {
		if err := fill.Run(ctx, r.Redis(), keys, from+1, min(from+1000, to)).Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		r.Progress("tickets sold", min(from+1000, to), all)
	}
	return nil
}

// timeOf asks for the forged ticket often in one round trip, so that the way to
// Redis and back does not hide what happens there, and takes the best of a few.
func timeOf(ctx context.Context, rdb *redis.Client, keep keeping, key string, size int) (float64, error) {
	calls := keep.calls(size)
	return bestOf(calls, func() error {
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range calls {
				p.Do(ctx, keep.command, key, forged)
			}
			return nil
		})
		if errors.Is(err, redis.Nil) { // LPOS and ZSCORE: it is not there
			return nil
		}
		return err
	})
}

// bestOf repeats do and returns the shortest time of one of its calls, in µs.
func bestOf(calls int, do func() error) (float64, error) {
	var best time.Duration
	for i := range 5 {
		began := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		if took := time.Since(began); i == 0 || took < best {
			best = took
		}
	}
	return float64(best.Nanoseconds()) / 1000 / float64(calls), nil
}

// weigh shows what the quick answer is paid with.
func weigh(ctx context.Context, r *unit.Run, n int) error {
	chart := unit.Chart{Kind: unit.Bars, Title: "Memory for one ticket", Unit: "B", Series: []unit.Series{{Name: "bytes"}}}
	for _, keep := range keepings {
		size, err := r.Redis().MemoryUsage(ctx, r.Key(keep.key)).Result()
		if err != nil {
			return err
		}
		each := float64(size) / float64(n)
		r.Metric(unit.Metric{Name: "bytes_" + keep.metric, Label: "for one ticket in a " + keep.label, Value: each, Unit: "B", Minor: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: keep.label, Y: each})
	}
	r.Chart(chart)
	return nil
}

// oneAnswer shows the two ways to a yes or no on the wire, at a small festival.
func oneAnswer(ctx context.Context, r *unit.Run, n int) error {
	r.Step("One yes or no, twice: by fetching a small guest list of 10,000, and by asking.")
	small := r.Key("tickets:small")
	for from := 0; from < min(n, 10_000); from += 1000 {
		names := make([]any, 1000)
		for i := range names {
			names[i] = fmt.Sprintf("T-%07d", from+i+1)
		}
		if err := r.Redis().SAdd(ctx, small, names...).Err(); err != nil {
			return err
		}
	}
	for _, way := range []struct {
		metric, title string
		ask           func(ctx context.Context, c *redis.Client) error
	}{
		{"smembers", "fetch the list, look in Go", func(ctx context.Context, c *redis.Client) error { return c.SMembers(ctx, small).Err() }},
		{"sismember", "ask", func(ctx context.Context, c *redis.Client) error { return c.SIsMember(ctx, small, ticket).Err() }},
	} {
		if _, err := received(ctx, r, way.metric, way.title, way.ask); err != nil {
			return err
		}
	}
	return nil
}

// received traces do and reports how many bytes came back to the program.
func received(ctx context.Context, r *unit.Run, metric, title string, do func(ctx context.Context, c *redis.Client) error) (float64, error) {
	seen, err := r.Trace(ctx, unit.Sample{Title: title}, func(ctx context.Context, c *redis.Client) error {
		return do(trace.WithRequest(ctx, title), c)
	})
	if err != nil {
		return 0, err
	}
	bytes := int64(0)
	for _, e := range seen.Events {
		if e.Kind == trace.Command { // not the handshake of the connection
			bytes += e.Received
		}
	}
	r.Metric(unit.Metric{Name: "bytes_" + metric, Label: "came back: " + title, Value: float64(bytes), Unit: "B"})
	return float64(bytes), nil
}
