package aside

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

// row is the product in the database. In a race it lies in Redis too, so that a read
// of the database is a step like any other.
const (
	row   = "db:drops"
	entry = "cache:drops"

	sold     = "sell"
	recalled = "recalled"
)

var (
	naiveRace  = refill("naive", "write, then DEL; the till stores what it read", naive, changeThenForget)
	firstRace  = refill("forget-first", "DEL, then write", naive, forgetThenChange)
	leasedRace = refill("lease", "the till stores under a lease", leased, changeThenForget)
)

// refill is the race of a till that loads a product and an office that recalls it.
func refill(name, title string, ask func(context.Context, redis.Cmdable, string, loader) (string, error), recall func(context.Context, race.Client, race.Keys) error) race.Scenario {
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.Set(ctx, k(row), sold, 0).Err()
		},
		Actors: []race.Actor{
			{Name: "till", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				k(lease(entry)) // removed with the others
				_, err := ask(ctx, c, k(entry), func(ctx context.Context) (string, error) { return c.Get(ctx, k(row)).Result() })
				return err
			}},
			{Name: "office", Do: recall},
		},
		Watch: []string{row, entry, lease(entry)},
		Good:  "Whoever asks from now on is told what the database says, or the office knows that it must try again.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			if ends[1].Err != nil || ends[1].Crashed {
				return nil //nolint:nilerr // a recall that broke off: no lease helps, see 3.06
			}
			note, err := c.Get(ctx, k(entry)).Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			if err != nil {
				return err
			}
			if note == sold || note == found+sold {
				return &race.Violation{Message: fmt.Sprintf("The database says %q, and the cache says %q for the next %d minutes.", recalled, sold, int(life.Minutes()))}
			}
			return nil
		},
	}
}

// region: order

// changeThenForget is the right order: the database first, then the cache.
func changeThenForget(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Set(ctx, k(row), recalled, 0).Err(); err != nil {
		return err
	}
	return forget(ctx, c, k(entry))
}

// endregion

// forgetThenChange is the other one.
func forgetThenChange(ctx context.Context, c race.Client, k race.Keys) error {
	if err := forget(ctx, c, k(entry)); err != nil {
		return err
	}
	return c.Set(ctx, k(row), recalled, 0).Err()
}
