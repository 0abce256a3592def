package lifts

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// The row of lift 4, and its entry in the cache. In these races the row is a key too,
// for an explorer of orders sees the commands to Redis only.
const (
	row   = "table:lift-4"
	entry = "cache:lift-4"
)

type change func(ctx context.Context, c race.Client, row, entry, state string) error

var (
	throughRace = operators("through", "database, then SET", func(ctx context.Context, c race.Client, row, entry, state string) error {
		if err := commit.Run(ctx, c, []string{row}, state).Err(); err != nil {
			return err
		}
		return c.HSet(ctx, entry, "state", state).Err()
	})
	asideRace = operators("aside", "database, then DEL", func(ctx context.Context, c race.Client, row, entry, state string) error {
		if err := commit.Run(ctx, c, []string{row}, state).Err(); err != nil {
			return err
		}
		return c.Del(ctx, entry).Err()
	})
	versionsRace = operators("versions", "database, then SET if newer", versioned)
)

// commit is the database: a write, and which one it was.
var commit = redis.NewScript(`
	redis.call('HSET', KEYS[1], 'state', ARGV[1])
	return redis.call('HINCRBY', KEYS[1], 'version', 1)`)

// region: versions

var setNewer = redis.NewScript(`
	if tonumber(redis.call('HGET', KEYS[1], 'version') or '0') >= tonumber(ARGV[2]) then
		return 0
	end
	return redis.call('HSET', KEYS[1], 'state', ARGV[1], 'version', ARGV[2])`)

// versioned stores a state unless the cache has that of a later write. The database
// says which write is later: nobody else can.
func versioned(ctx context.Context, c race.Client, row, entry, state string) error {
	version, err := commit.Run(ctx, c, []string{row}, state).Int64()
	if err != nil {
		return err
	}
	return setNewer.Run(ctx, c, []string{entry}, state, version).Err()
}

// endregion

// operators is the race: one closes lift 4 and the other opens it.
func operators(name, title string, by change) race.Scenario {
	person := func(who, state string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return by(ctx, c, k(row), k(entry), state)
		}}
	}
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.HSet(ctx, k(row), "state", opened, "version", 1).Err()
		},
		Actors: []race.Actor{person("valley", closed), person("summit", opened)},
		Watch:  []string{row, entry},
		Good:   "The cache says what the database says, or nothing.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			is, err := c.HGet(ctx, k(row), "state").Result()
			if err != nil {
				return err
			}
			said, err := c.HGet(ctx, k(entry), "state").Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			if err == nil && said != is {
				err = &race.Violation{Message: fmt.Sprintf("The lift is %s in the database, and %s on the board.", is, said)}
			}
			return err
		},
	}
}

// racing explores the three, without crashes: those were counted before.
func racing(ctx context.Context, r *unit.Run, _ *database) error {
	r.Step("The valley closes lift 4, and the summit opens it. Every order of their commands. The table is a key here.")
	for _, s := range []race.Scenario{throughRace, asideRace, versionsRace} {
		report, err := r.Explore(ctx, s.Name, race.Options{})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + s.Name, Label: "orders that leave them apart: " + s.Title, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
