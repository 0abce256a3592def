package kitchen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// oneOrder shows the life of an order in a stream with two groups.
func oneOrder(ctx context.Context, r *unit.Run) error {
	r.Step("One order, a stream, and two groups that read it: the kitchen cooks, the till counts.")
	key := r.Key("table:7")
	read := func(group, cook string) []any {
		return []any{"XREADGROUP", "GROUP", group, cook, "COUNT", 10, "STREAMS", key, ">"}
	}
	_, err := r.Trace(ctx, unit.Sample{Title: "the life of an order", Note: "The till got the order too: each group has its own place in the stream, and its own list of what is pending."},
		func(ctx context.Context, c *redis.Client) error {
			ctx = trace.WithRequest(ctx, "table 7 orders soup")
			id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []any{"order", 1, "dish", "soup"}}).Result()
			if err != nil {
				return err
			}
			for _, step := range [][]any{
				{"XGROUP", "CREATE", key, "kitchen", 0},
				{"XGROUP", "CREATE", key, "till", 0},
				read("kitchen", "anna"),
				{"XPENDING", key, "kitchen"},
				{"XACK", key, "kitchen", id},
				{"XPENDING", key, "kitchen"},
				read("kitchen", "anna"),
				read("till", "tess"),
			} {
				if err := c.Do(ctx, step...).Err(); err != nil && !errors.Is(err, redis.Nil) {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	return r.Keys(ctx, "Acknowledged by the kitchen, pending at the till, and still in the stream", "table:7")
}

// rescue shows what a dead cook leaves behind, and who may take it.
func rescue(ctx context.Context, r *unit.Run) error {
	r.Step("Anna took five orders and dropped out. Ben takes three and is at work.")
	patience := r.Duration("patience")
	for _, way := range []struct {
		name, metric, label string
		minIdle             time.Duration
	}{
		{"at-once", "robbed_at_once", "claimed from a cook at work, min-idle-time 0", 0},
		{"patiently", "robbed_patiently", "claimed from a cook at work, min-idle-time " + unit.Span(patience), patience},
	} {
		s := &stream{rdb: r.Redis(), key: r.Key("rescue:" + way.name)}
		for number := range 8 {
			if err := s.send(ctx, number+1); err != nil {
				return err
			}
		}
		if err := s.open(ctx, "anna"); err != nil {
			return err
		}
		if err := hold(ctx, s, "anna", 5); err != nil {
			return err
		}
		time.Sleep(patience)
		if way.name == "patiently" {
			r.Step("Now with a min-idle-time of %s.", unit.Span(patience))
		}
		robbed, err := claim(ctx, r, s, way.name, way.minIdle)
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: way.metric, Label: way.label, Value: float64(robbed), Tone: toneOf(robbed)})
	}
	return r.Keys(ctx, "A group with orders in hand", "rescue:patiently")
}

// hold has a cook take n orders.
func hold(ctx context.Context, s *stream, cook string, n int64) error {
	return s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{Streams: []string{s.key, ">"}, Group: kitchenGroup, Consumer: cook, Count: n, Block: -1}).Err()
}

// claim has ben take three orders and carla claim, in one round trip: ben cannot
// have been silent for long. It returns how many orders ben lost.
func claim(ctx context.Context, r *unit.Run, s *stream, name string, minIdle time.Duration) (robbed int, err error) {
	rdb := s.rdb
	pipe := rdb.Pipeline()
	pipe.XReadGroup(ctx, &redis.XReadGroupArgs{Streams: []string{s.key, ">"}, Group: kitchenGroup, Consumer: "ben", Count: 3, Block: -1})
	before := pipe.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: s.key, Group: kitchenGroup, Start: "-", End: "+", Count: 10})
	pipe.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: s.key, Group: kitchenGroup, Consumer: "carla", MinIdle: minIdle, Start: "0", Count: 10})
	after := pipe.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: s.key, Group: kitchenGroup, Start: "-", End: "+", Count: 10})
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	table := unit.Table{Title: "Pending entries, before and after Carla claims " + strings.ReplaceAll(name, "-", " "), Columns: []string{"order", "held by", "then by", "times delivered"}}
	for i, was := range before.Val() {
		now := after.Val()[i]
		if was.Consumer == "ben" && now.Consumer != "ben" {
			robbed++
		}
		table.Rows = append(table.Rows, []string{fmt.Sprint(i + 1), was.Consumer, now.Consumer, fmt.Sprint(now.RetryCount)})
	}
	r.Table(table)
	return robbed, nil
}

// trimming bounds a stream twice, while the kitchen is behind.
func trimming(ctx context.Context, r *unit.Run) error {
	away := r.Int("away")
	r.Step("A stream grows for ever. While the kitchen is away, bound it: by length, and by what is done.")
	chart := unit.Chart{Kind: unit.Bars, Title: "Orders thrown away before anybody read them", Series: []unit.Series{{Name: "orders"}}}
	for _, way := range []struct {
		label, metric string
		trim          func(context.Context, *stream) error
	}{
		{"XTRIM MAXLEN, half of what waits", "trimmed_maxlen", func(ctx context.Context, s *stream) error {
			return s.rdb.XTrimMaxLen(ctx, s.key, int64(away/2)).Err()
		}},
		{"XTRIM MINID, the oldest in hand", "trimmed_minid", trimDone},
	} {
		s := &stream{rdb: r.Redis(), key: r.Key(way.metric), patience: time.Hour}
		if err := s.open(ctx, "anna"); err != nil {
			return err
		}
		for number := range 20 {
			if err := s.send(ctx, number+1); err != nil {
				return err
			}
		}
		n := &night{plates: map[int]int{}}
		if err := cookAll(ctx, s, n, 10); err != nil {
			return err
		}
		for number := range away {
			if err := s.send(ctx, 21+number); err != nil {
				return err
			}
		}
		if err := hold(ctx, s, "anna", 1); err != nil {
			return err
		}
		if err := way.trim(ctx, s); err != nil {
			return err
		}
		left, err := s.rdb.XLen(ctx, s.key).Result()
		if err != nil {
			return err
		}
		lost := max(0, away-int(left))
		r.Metric(unit.Metric{Name: way.metric, Label: "thrown away unread by " + way.label, Value: float64(lost), Tone: toneOf(lost)})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: float64(lost)})
	}
	r.Chart(chart)
	return nil
}

// trimDone throws away what lies before the oldest order in hand.
func trimDone(ctx context.Context, s *stream) error {
	pending, err := s.rdb.XPending(ctx, s.key, kitchenGroup).Result()
	if err != nil {
		return err
	}
	return s.rdb.XTrimMinID(ctx, s.key, pending.Lower).Err()
}
