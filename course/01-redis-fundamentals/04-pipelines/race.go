package batch

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

const (
	tea    = "price:tea"
	teapot = "price:teapot"
)

var (
	twoBatches = sale("two-batches", "a price list in two batches, and a customer", func(ctx context.Context, c race.Client, k race.Keys) error {
		// region: batches
		for _, p := range []price{{k(tea), 4}, {k(teapot), 24}} { // a batch each, for a short race
			pipe := c.Pipeline()
			pipe.Set(ctx, p.key, p.cents, 0)
			if _, err := pipe.Exec(ctx); err != nil {
				return err
			}
		}
		// endregion
		return nil
	})
	oneMSet = sale("mset", "the same list by MSET", func(ctx context.Context, c race.Client, k race.Keys) error {
		return c.MSet(ctx, k(tea), 4, k(teapot), 24).Err()
	})
)

// errMixed is what a customer says who saw one price of each list.
var errMixed = errors.New("saw one old price and one new one")

// sale is the race: all prices change, and a customer looks at two of them.
func sale(name, title string, load func(context.Context, race.Client, race.Keys) error) race.Scenario {
	look := func(ctx context.Context, c redis.Cmdable, k race.Keys) error {
		seen, err := c.MGet(ctx, k(tea), k(teapot)).Result()
		if err == nil && (seen[0] == "5") != (seen[1] == "30") {
			return errMixed
		}
		return err
	}
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.MSet(ctx, k(tea), 5, k(teapot), 30).Err()
		},
		Actors: []race.Actor{
			{Name: "shop", Do: load},
			{Name: "customer", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return look(ctx, c, k) }},
		},
		Watch: []string{tea, teapot},
		Good:  "Nobody saw parts of two price lists.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			if errors.Is(ends[1].Err, errMixed) {
				return &race.Violation{Message: fmt.Sprintf("The customer %v.", errMixed)}
			}
			if err := look(ctx, c, k); errors.Is(err, errMixed) {
				return &race.Violation{Message: "The shop's program has ended, and half of the list stays old."}
			} else if err != nil {
				return err
			}
			return nil
		},
	}
}
