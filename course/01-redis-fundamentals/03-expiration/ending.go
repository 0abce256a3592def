package expiry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// forEver is what TTL answers for a key without an end, and gone for no key.
const (
	forEver = -1
	gone    = -2
)

// ending shows what commands do to the end of a key.
func ending(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{wiping, conditions, missing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// wiping runs commands on keys that have 100 seconds left.
func wiping(ctx context.Context, r *unit.Run) error {
	r.Step("Keys with 100 seconds left. What does each command do to these?")
	key := r.Key("hold:14c")
	table := unit.Table{Title: "The end after a command", Columns: []string{"command", "seconds left"}}
	_, err := r.Trace(ctx, unit.Sample{Title: "an end, and what is left of it", Note: "Commands that replace the value drop the end; those that change it leave the end alone."}, func(ctx context.Context, c *redis.Client) error {
		for _, row := range []struct {
			metric string
			do     []any
		}{
			{"seconds_after_set", []any{"SET", key, "7"}},
			{"seconds_after_keepttl", []any{"SET", key, "7", "KEEPTTL"}},
			{"", []any{"GETSET", key, "7"}},
			{"", []any{"INCR", key}},
			{"", []any{"APPEND", key, "7"}},
			{"", []any{"RENAME", key, r.Key("hold:14d")}},
			{"", []any{"PERSIST", key}},
			{"", []any{"EXPIRE", key, 0}},
		} {
			if err := r.Redis().Set(ctx, key, 6, 100*time.Second).Err(); err != nil {
				return err
			}
			if err := c.Do(trace.WithRequest(ctx, fmt.Sprint(row.do[0])), row.do...).Err(); err != nil {
				return err
			}
			look := key
			if row.do[0] == "RENAME" {
				look = r.Key("hold:14d")
			}
			left, err := secondsLeft(ctx, r.Redis(), look)
			if err != nil {
				return err
			}
			if row.metric != "" {
				r.Metric(unit.Metric{Name: row.metric, Label: "answers TTL after " + words(r, row.do), Value: float64(left), Minor: true})
			}
			table.Rows = append(table.Rows, []string{words(r, row.do), inWords(left)})
		}
		return nil
	})
	r.Table(table)
	return err
}

// conditions tries EXPIRE with each of its conditions, on keys with and without an
// end.
func conditions(ctx context.Context, r *unit.Run) error {
	r.Step("EXPIRE has conditions: NX only without an end, XX only with one, GT only later, LT only sooner.")
	key, rdb := r.Key("condition"), r.Redis()
	table := unit.Table{Title: "Seconds left after EXPIRE", Columns: []string{"before", "EXPIRE", "", "NX", "XX", "GT", "LT"}}
	for _, before := range []int{0, 100} {
		for _, seconds := range []int{50, 200} {
			row := []string{"no end", fmt.Sprint(seconds)}
			if before > 0 {
				row[0] = fmt.Sprint(before)
			}
			for _, condition := range table.Columns[2:] {
				if err := rdb.Set(ctx, key, "x", time.Duration(before)*time.Second).Err(); err != nil {
					return err
				}
				command := []any{"EXPIRE", key, seconds}
				if condition != "" {
					command = append(command, condition)
				}
				if err := rdb.Do(ctx, command...).Err(); err != nil {
					return err
				}
				left, err := secondsLeft(ctx, rdb, key)
				if err != nil {
					return err
				}
				row = append(row, inWords(left))
				if before == 0 && seconds == 50 && (condition == "GT" || condition == "LT") {
					r.Metric(unit.Metric{Name: "seconds_after_" + strings.ToLower(condition), Label: "answers TTL after EXPIRE 50 " + condition + " of a key without an end", Value: float64(left), Minor: true})
				}
			}
			table.Rows = append(table.Rows, row)
		}
	}
	table.Columns[2] = "plain"
	r.Table(table)
	return nil
}

// missing asks for the end of a key that is not there.
func missing(ctx context.Context, r *unit.Run) error {
	moved, err := r.Redis().Expire(ctx, r.Key("nobody"), time.Minute).Result()
	if err != nil {
		return err
	}
	answer := 0.0
	if moved {
		answer = 1
	}
	r.Metric(unit.Metric{Name: "expire_missing", Label: "answers EXPIRE of a missing key", Value: answer, Minor: true})
	return nil
}

// secondsLeft rounds up to a whole second, forEver and gone as they are.
func secondsLeft(ctx context.Context, rdb redis.Cmdable, key string) (int, error) {
	left, err := rdb.PTTL(ctx, key).Result()
	if err != nil || left < 0 {
		return int(left), err // go-redis hands -1 and -2 on as they are
	}
	return int((left + time.Second - 1) / time.Second), nil
}

func inWords(left int) string {
	switch left {
	case forEver:
		return "no end"
	case gone:
		return "gone"
	}
	return fmt.Sprint(left)
}

func words(r *unit.Run, command []any) string {
	return r.Short(strings.TrimSpace(fmt.Sprintln(command...)))
}
