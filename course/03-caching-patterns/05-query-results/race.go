package seeds

import (
	"context"
	_ "embed"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// What the database has committed of the June page, and its entry in the cache. In
// these races the table is a key too, for an explorer of orders sees the commands to
// Redis only.
const (
	table = "table:june"
	entry = "cache:june"
	lease = "cache:june:lease"
	noted = "table:outbox"

	twenty = "20 seeds"
	none   = "none left"
)

var (
	firstRace  = giving("first", "invalidate, then commit", forgetThenCommit)
	afterRace  = giving("after", "commit, then invalidate", commitThenForget)
	outboxRace = giving("outbox", "commit with a note, invalidate, strike the note", commitWithNote)
)

//go:embed store.lua
var storeLua string

var store = redis.NewScript(storeLua)

// look is a reader as in 3.01, under a lease: whoever invalidates takes it away.
func look(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Get(ctx, k(entry)).Err(); !errors.Is(err, redis.Nil) {
		return err
	}
	const token = "the visitor" // of one visitor; in earnest it is random
	if mine, err := c.SetNX(ctx, k(lease), token, life).Result(); err != nil || !mine {
		return err // another one loads
	}
	row, err := c.Get(ctx, k(table)).Result()
	if err != nil {
		return err
	}
	return store.Run(ctx, c, []string{k(entry), k(lease)}, token, life.Milliseconds(), row).Err()
}

// region: orders

// forgetThenCommit invalidates where the code that changes the rows stands.
func forgetThenCommit(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Del(ctx, k(entry), k(lease)).Err(); err != nil {
		return err
	}
	return c.Set(ctx, k(table), none, 0).Err() // COMMIT
}

// commitThenForget invalidates what is no longer true.
func commitThenForget(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Set(ctx, k(table), none, 0).Err(); err != nil {
		return err
	}
	return c.Del(ctx, k(entry), k(lease)).Err()
}

// commitWithNote commits the rows together with a note of what is to be invalidated.
func commitWithNote(ctx context.Context, c race.Client, k race.Keys) error {
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, k(table), none, 0)
		p.Set(ctx, k(noted), entry, 0)
		return nil
	})
	if err != nil {
		return err
	}
	return strike(ctx, c, k)
}

// strike invalidates what is noted, and strikes the note afterwards. Whoever finds a
// note may do it: the process that wrote it, and a relay if that has died.
func strike(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Del(ctx, k(entry), k(lease)).Err(); err != nil {
		return err
	}
	return c.Del(ctx, k(noted)).Err()
}

// endregion

// giving is the race: a visitor opens the page while the last packet is given out.
func giving(name, title string, give func(ctx context.Context, c race.Client, k race.Keys) error) race.Scenario {
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.MSet(ctx, k(table), twenty, k(entry), twenty).Err()
		},
		Actors: []race.Actor{
			{Name: "desk", Do: give},
			{Name: "visitor", Do: look},
		},
		Watch: []string{table, entry, lease, noted},
		Good:  "Whoever opens the page from now on is told what the database says.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			switch waiting, err := c.Exists(ctx, k(noted)).Result(); {
			case err != nil:
				return err
			case waiting > 0: // the relay of another process comes by
				if err := strike(ctx, c, k); err != nil {
					return err
				}
			}
			is, err := c.Get(ctx, k(table)).Result()
			if err != nil {
				return err
			}
			said, err := c.Get(ctx, k(entry)).Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			if err == nil && said != is {
				err = &race.Violation{Message: "The database says: " + is + ". The page says: " + said + ", for the next five minutes."}
			}
			return err
		},
	}
}

// racing steps the one order, and explores all of three.
func racing(ctx context.Context, r *unit.Run, _ []*library) error {
	r.Step("A visitor between the invalidation and the commit, step by step. He has a lease, as 3.01 taught.")
	if _, err := r.Race(ctx, firstRace.Name, "A B B B B A"); err != nil {
		return err
	}
	r.Step("Every order of their commands, and with a crash and a lost reply at each. The table is a key here.")
	for _, way := range []struct {
		race   race.Scenario
		metric string
		faults bool
	}{{firstRace, "first", false}, {afterRace, "after", false}, {afterRace, "after_faults", true}, {outboxRace, "outbox", true}} {
		found, err := r.Explore(ctx, way.race.Name, race.Options{Faults: way.faults})
		if err != nil {
			return err
		}
		tone, what := unit.Good, "orders"
		if found.Failing > 0 {
			tone = unit.Bad
		}
		if way.faults {
			what = "schedules with crashes and lost replies"
		}
		r.Metric(unit.Metric{Name: "failing_" + way.metric, Label: what + " that leave old rows: " + way.race.Title, Value: float64(found.Failing), Tone: tone, Minor: true})
	}
	return nil
}
