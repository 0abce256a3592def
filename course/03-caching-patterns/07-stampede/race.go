package stampede

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

// The keys of a race: the page, its lease, and how often it was made.
const (
	results = "results"
	made    = "made"
)

var (
	noneRace = coldPage("none", "GET, load, SET", func(context.Context, race.Client, string) (bool, error) { return true, nil })
	lookRace = coldPage("look-then-take", "GET of the lease, then SET", func(ctx context.Context, c race.Client, key string) (bool, error) {
		n, err := c.Exists(ctx, key).Result()
		if err != nil || n > 0 {
			return false, err
		}
		return true, c.Set(ctx, key, "mine", leaseLife).Err()
	})
	takeRace = coldPage("take", "SET of the lease with NX", func(ctx context.Context, c race.Client, key string) (bool, error) {
		return c.SetNX(ctx, key, "mine", leaseLife).Result()
	})
)

// coldPage is the race of two processes that find no page. Who does not get the lease
// goes home here, rather than wait.
func coldPage(name, title string, take func(ctx context.Context, c race.Client, key string) (bool, error)) race.Scenario {
	process := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			if err := c.Get(ctx, k(results)).Err(); !errors.Is(err, redis.Nil) {
				return err
			}
			mine, err := take(ctx, c, k(lease(results)))
			if err != nil || !mine {
				return err
			}
			if err := c.Incr(ctx, k(made)).Err(); err != nil {
				return err
			}
			return c.Set(ctx, k(results), "page", leaseLife).Err()
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Actors: []race.Actor{process("web-1"), process("web-2")},
		Watch:  []string{results, lease(results), made},
		Good:   "The page was made once at most.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			k(lease(results))
			n, err := c.Get(ctx, k(made)).Int()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			if n > 1 {
				return &race.Violation{Message: fmt.Sprintf("The page was made %d times.", n)}
			}
			return nil
		},
	}
}
