package canteen

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// The keys of a race. The recipe lies in Redis too, so that a read of the database is a
// step like any other.
const (
	recipe  = "db:stew"
	entry   = "cache:stew"
	index   = "tag:stew"
	version = "version:stew"

	plain = "no nuts"
	nuts  = "nuts"
)

var (
	tagRace = change("tags", "load, SADD, SET; SMEMBERS, DEL", loadTagged, dropTagged,
		func(_ context.Context, _ race.Client, k race.Keys) (string, error) {
			return k(entry), nil
		})
	versionRace = change("versions", "the till reads the version before it loads; INCR", loadVersioned,
		func(ctx context.Context, c race.Client, k race.Keys) error { return c.Incr(ctx, k(version)).Err() },
		current)
)

// region: tagged

// loadTagged stores what it loads, and lists it under its tag.
func loadTagged(ctx context.Context, c race.Client, k race.Keys) error {
	text, err := c.Get(ctx, k(recipe)).Result()
	if err != nil {
		return err
	}
	if err := c.SAdd(ctx, k(index), k(entry)).Err(); err != nil {
		return err
	}
	return c.Set(ctx, k(entry), text, 0).Err()
}

// dropTagged deletes what is listed.
func dropTagged(ctx context.Context, c race.Client, k race.Keys) error {
	keys, err := c.SMembers(ctx, k(index)).Result()
	if err != nil {
		return err
	}
	return c.Del(ctx, append(keys, k(index))...).Err()
}

// endregion

// region: versioned

// current is where a reader looks now.
func current(ctx context.Context, c race.Client, k race.Keys) (string, error) {
	v, err := c.Get(ctx, k(version)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", err
	}
	return k(entry + ":" + v), nil
}

// loadVersioned stores where it looked before it loaded.
func loadVersioned(ctx context.Context, c race.Client, k race.Keys) error {
	key, err := current(ctx, c, k)
	if err != nil {
		return err
	}
	text, err := c.Get(ctx, k(recipe)).Result()
	if err != nil {
		return err
	}
	return c.Set(ctx, key, text, 0).Err()
}

// endregion

// change is the race of a till that loads a page and a kitchen that changes the dish.
func change(name, title string, load, tell func(context.Context, race.Client, race.Keys) error, where func(context.Context, race.Client, race.Keys) (string, error)) race.Scenario {
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.Set(ctx, k(recipe), plain, 0).Err()
		},
		Actors: []race.Actor{
			{Name: "till", Do: load},
			{Name: "kitchen", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				if err := c.Set(ctx, k(recipe), nuts, 0).Err(); err != nil {
					return err
				}
				return tell(ctx, c, k)
			}},
		},
		Watch: []string{recipe, entry, index, version},
		Good:  "Whoever asks from now on is told of the nuts, or the kitchen knows that its message broke off.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			k(index)
			k(version)
			if ends[1].Err != nil || ends[1].Crashed {
				return nil //nolint:nilerr // a message that is lost: measured elsewhere
			}
			key, err := where(ctx, c, k)
			if err != nil {
				return err
			}
			text, err := c.Get(ctx, key).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			if text == plain {
				return &race.Violation{Message: fmt.Sprintf("The kitchen has said %q, and everybody was told. The cache says %q.", nuts, plain)}
			}
			return nil
		},
	}
}

// racing plays a load that meets an invalidation, and then every order.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("A till loads a page while the kitchen changes the dish, step by step.")
	if _, err := r.Race(ctx, tagRace.Name, "A A B B B A"); err != nil {
		return err
	}
	r.Step("Every order, with a crash and a lost reply at each step.")
	for _, name := range []string{tagRace.Name, versionRace.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules that fail, " + name, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
