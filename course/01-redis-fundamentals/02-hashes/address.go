package profile

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

const label = "label" // what the courier printed

var (
	twoHSet = moving("two-hset", "street and city by two HSET", func(ctx context.Context, rdb redis.Cmdable, key, street, city string) error {
		// region: two
		if err := rdb.HSet(ctx, key, "street", street).Err(); err != nil {
			return err
		}
		return rdb.HSet(ctx, key, "city", city).Err()
		// endregion
	})
	oneHSet = moving("one-hset", "street and city by one HSET", func(ctx context.Context, rdb redis.Cmdable, key, street, city string) error {
		// region: one
		return rdb.HSet(ctx, key, "street", street, "city", city).Err()
		// endregion
	})
)

// scenarios are the races of the unit.
var scenarios = []race.Scenario{asJSON, asHash, twoHSet, oneHSet}

// moving is Nora moving to another city while a courier prints a label: an
// address of the old street and the new city, or the other way round, is none.
func moving(name, title string, move func(ctx context.Context, rdb redis.Cmdable, key, street, city string) error) race.Scenario {
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.HSet(ctx, k(nora), "street", "Elm 1", "city", "Bath").Err()
		},
		Actors: []race.Actor{
			{Name: "nora", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return move(ctx, c, k(nora), "Oak 5", "York")
			}},
			{Name: "courier", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				address, err := addressOf(ctx, c, k(nora))
				if err != nil {
					return err
				}
				return c.Set(ctx, k(label), address, 0).Err()
			}},
		},
		Watch: []string{nora, label},
		Good:  "The label and the record hold an address that exists.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			printed, err := c.Get(ctx, k(label)).Result()
			if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: it was never printed
				return err
			}
			stored, err := addressOf(ctx, c, k(nora))
			if err != nil {
				return err
			}
			switch {
			case !exists(stored):
				return &race.Violation{Message: fmt.Sprintf("The record says %s for good, and there is no such address.", stored)}
			case printed != "" && !exists(printed):
				return &race.Violation{Message: fmt.Sprintf("The label says %s, and there is no such address.", printed)}
			}
			return nil
		},
	}
}

func addressOf(ctx context.Context, c race.Client, key string) (string, error) {
	lines, err := c.HMGet(ctx, key, "street", "city").Result()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%v, %v", lines[0], lines[1]), nil
}

func exists(address string) bool {
	return address == "Elm 1, Bath" || address == "Oak 5, York"
}
