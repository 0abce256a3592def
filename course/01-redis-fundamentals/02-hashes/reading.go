package profile

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// region: int

// withInt cannot say that there are no points.
type withInt struct {
	Points int `redis:"points"`
}

// endregion

// region: pointer

// withPointer can: nil.
type withPointer struct {
	Points *int `redis:"points"`
}

// endregion

// reading asks for the points of three customers. One has 0, one has no such
// field, and one is nobody.
func reading(ctx context.Context, r *unit.Run) error {
	r.Step("Who has 0 points? Ada has 0, Ben never got any, and Cem is not a customer.")
	rdb := r.Redis()
	if err := rdb.HSet(ctx, r.Key("ada"), "name", "Ada", "points", 0).Err(); err != nil {
		return err
	}
	if err := rdb.HSet(ctx, r.Key("ben"), "name", "Ben").Err(); err != nil {
		return err
	}
	table := unit.Table{Title: "The same three, read in four ways", Columns: []string{"customer", "HGET points", "fields by HGETALL", "scanned into an int", "into a pointer"}}
	zerosInt, zerosPointer := 0, 0
	_, err := r.Trace(ctx, unit.Sample{Title: "three customers, read", Note: "No error in sight: a hash that is not there is an empty hash."}, func(ctx context.Context, c *redis.Client) error {
		for _, who := range []string{"ada", "ben", "cem"} {
			ctx := trace.WithRequest(ctx, who)
			one, err := c.HGet(ctx, r.Key(who), "points").Result()
			if errors.Is(err, redis.Nil) {
				one = "(nil)"
			} else if err != nil {
				return err
			}
			all := c.HGetAll(ctx, r.Key(who))
			var plain withInt
			var pointer withPointer
			if err := errors.Join(all.Scan(&plain), all.Scan(&pointer)); err != nil {
				return err
			}
			if plain.Points == 0 {
				zerosInt++
			}
			shown := "nil"
			if pointer.Points != nil {
				shown = fmt.Sprint(*pointer.Points)
				zerosPointer++
			}
			table.Rows = append(table.Rows, []string{who, one, fmt.Sprint(len(all.Val())), fmt.Sprint(plain.Points), shown})
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "zeros_int", Label: "have 0 points, says an int", Value: float64(zerosInt), Tone: unit.Bad, Minor: true})
	r.Metric(unit.Metric{Name: "zeros_pointer", Label: "has 0 points, says a pointer", Value: float64(zerosPointer), Tone: unit.Good, Minor: true})
	return nil
}
