package pages

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// What is pending of ada, and her row in the table. In these races the table is a
// key too, for an explorer of orders sees the commands to Redis only.
const (
	pending = "pending:ada"
	row     = "table:ada"
)

// flush is how a worker brings the pending page to the table.
type flush func(ctx context.Context, c race.Client, pending, row string) error

var (
	takeRace   = flushing("take", "GETDEL, then write", takes)
	removeRace = flushing("remove", "GET, write, then DEL", removes)
	sameRace   = flushing("same", "GET, write, then delete what is the same", removesSame)
)

// region: take

// takes has the page in its hands alone while it writes.
func takes(ctx context.Context, c race.Client, pending, row string) error {
	page, err := c.GetDel(ctx, pending).Result()
	if err != nil {
		return err
	}
	return c.Set(ctx, row, page, 0).Err()
}

// endregion

// region: remove

// removes leaves the page where it is until it is written.
func removes(ctx context.Context, c race.Client, pending, row string) error {
	page, err := c.Get(ctx, pending).Result()
	if err != nil {
		return err
	}
	if err := c.Set(ctx, row, page, 0).Err(); err != nil {
		return err
	}
	return c.Del(ctx, pending).Err()
}

// endregion

// region: same

var delSame = redis.NewScript(`
	if redis.call('GET', KEYS[1]) == ARGV[1] then
		return redis.call('DEL', KEYS[1])
	end
	return 0`)

// removesSame deletes the page that it has written, and no other.
func removesSame(ctx context.Context, c race.Client, pending, row string) error {
	page, err := c.Get(ctx, pending).Result()
	if err != nil {
		return err
	}
	if err := c.Set(ctx, row, page, 0).Err(); err != nil {
		return err
	}
	return delSame.Run(ctx, c, []string{pending}, page).Err()
}

// endregion

// flushing is the race: page 41 is accepted and pending, ada turns to page 42, and a
// worker flushes.
func flushing(name, title string, by flush) race.Scenario {
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.MSet(ctx, k(pending), 41, k(row), 40).Err()
		},
		Actors: []race.Actor{
			{Name: "ada", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return c.Set(ctx, k(pending), 42, 0).Err()
			}},
			{Name: "worker", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return by(ctx, c, k(pending), k(row)) }},
		},
		Watch: []string{pending, row},
		Good:  "What was accepted is pending or in the table.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			accepted := 41
			if ends[0].Err == nil && !ends[0].Crashed {
				accepted = 42
			}
			for _, key := range []string{pending, row} {
				switch page, err := c.Get(ctx, k(key)).Int(); {
				case err != nil && !errors.Is(err, redis.Nil):
					return err
				case err == nil && page >= accepted:
					return nil
				case err == nil:
					return &race.Violation{Message: fmt.Sprintf("Page %d was accepted, and ada is on page %d.", accepted, page)}
				}
			}
			return &race.Violation{Message: "ada has no page at all."}
		},
	}
}

// racing explores the three.
func racing(ctx context.Context, r *unit.Run, _ string) error {
	r.Step("Page 41 is pending, ada turns to page 42, and a worker flushes: every order, and in each a crash or a lost reply at every command. The table is a key here.")
	for _, s := range []race.Scenario{takeRace, removeRace, sameRace} {
		report, err := r.Explore(ctx, s.Name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + s.Name, Label: "schedules that lose a page: " + s.Title, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
