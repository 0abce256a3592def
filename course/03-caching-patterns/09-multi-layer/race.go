package plaza

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// In a race the memory of the lane lies in Redis too, so that keeping and forgetting are
// steps like any other. The letter is what travels to the lane.
const (
	entry    = "redis:A4"
	inMemory = "memory:A4"
	heard    = "heard:A4"
	letters  = "letters"

	old = "old" // the toll
)

var (
	lateRace  = passing("late", "the lane keeps what it read", false, deleteThenTell)
	guardRace = passing("guard", "the lane keeps what it read if it has heard nothing since", true, deleteThenTell)
	earlyRace = passing("tell-first", "the office tells before it deletes", true, tellThenDelete)
)

// keepIf keeps a value if nothing was heard since the reader looked. In the lane this is a
// comparison under a mutex.
var keepIf = redis.NewScript(`
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

func passing(name, title string, guarded bool, change func(context.Context, race.Client, race.Keys) error) race.Scenario {
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.MSet(ctx, k(entry), old, k(heard), "0").Err()
		},
		Actors: []race.Actor{
			{Name: "reader", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return read(ctx, c, k, guarded) }},
			{Name: "office", Do: change},
			{Name: "listener", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return hear(ctx, c, k, guarded) }},
		},
		Watch: []string{entry, inMemory, letters},
		Good:  "What memory holds, Redis holds too, or memory will hear of it.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			text, err := c.Get(ctx, k(inMemory)).Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			if err == nil && text == old {
				return &race.Violation{Message: "The lane has been told, and takes the old toll until its own memory ends."}
			}
			return err
		},
	}
}

// read is a reader that finds nothing in memory. What Redis has not, it loads: that is
// the new toll, and no matter here.
func read(ctx context.Context, c race.Client, k race.Keys, guarded bool) error {
	before := ""
	if guarded {
		var err error
		if before, err = c.Get(ctx, k(heard)).Result(); err != nil {
			return err
		}
	}
	text, err := c.Get(ctx, k(entry)).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	if guarded {
		return keepIf.Run(ctx, c, []string{k(inMemory), k(heard)}, before, text).Err()
	}
	return c.Set(ctx, k(inMemory), text, 0).Err()
}

// hear waits for one letter, and forgets.
func hear(ctx context.Context, c race.Client, k race.Keys, guarded bool) error {
	if err := c.BLPop(ctx, 10*time.Second, k(letters)).Err(); err != nil {
		return err
	}
	if !guarded {
		return c.Del(ctx, k(inMemory)).Err()
	}
	_, err := c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Incr(ctx, k(heard))
		pipe.Del(ctx, k(inMemory))
		return nil
	})
	return err
}

// region: order

// deleteThenTell is the right order: who hears of it and asks again finds nothing old.
func deleteThenTell(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.Del(ctx, k(entry)).Err(); err != nil {
		return err
	}
	return c.RPush(ctx, k(letters), "A4").Err()
}

// endregion

// tellThenDelete is the other one.
func tellThenDelete(ctx context.Context, c race.Client, k race.Keys) error {
	if err := c.RPush(ctx, k(letters), "A4").Err(); err != nil {
		return err
	}
	return c.Del(ctx, k(entry)).Err()
}

// racing plays the message that arrives before what it is about, and then every order.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("The lane reads the old toll. Before it has put it into memory, the message comes that it is old.")
	if _, err := r.Race(ctx, lateRace.Name, lateSchedule); err != nil {
		return err
	}
	if r.Embedded() {
		return nil // there each schedule in which the listener waits takes its time
	}
	r.Step("Every order, three ways.")
	for _, sc := range []race.Scenario{lateRace, guardRace, earlyRace} {
		report, err := r.Explore(ctx, sc.Name, race.Options{})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		name := map[string]string{"late": "late", "guard": "guard", "tell-first": "early"}[sc.Name]
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "orders that leave the old toll in memory, " + sc.Name, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}

const lateSchedule = "A B B C C A"
