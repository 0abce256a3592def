package blocking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// region: pop

// popOne waits for a job, takes it, and does it.
func popOne(ctx context.Context, c redis.Cmdable, jobs, _ string, do func(string) error) error {
	popped, err := c.BRPop(ctx, time.Second, jobs).Result()
	if err != nil {
		return err
	}
	return do(popped[1])
}

// endregion

// region: move

// moveOne waits for a job and has Redis write it down in another list as it hands
// it out. It is struck off when it is done.
func moveOne(ctx context.Context, c redis.Cmdable, jobs, hand string, do func(string) error) error {
	job, err := c.BLMove(ctx, jobs, hand, "RIGHT", "LEFT", time.Second).Result()
	if err != nil {
		return err
	}
	if err := do(job); err != nil {
		return err
	}
	return c.LRem(ctx, hand, 1, job).Err()
}

// endregion

var (
	popped = nightShift("brpop", "BRPOP, then do it", popOne)
	moved  = nightShift("blmove", "BLMOVE, do it, then LREM", moveOne)
)

const towels = "room-12"

// nightShift is the race: a porter waits, and a guest rings once. A guest who was
// told that his wish is noted must get it, or it must still be noted somewhere.
func nightShift(name, title string, take func(ctx context.Context, c redis.Cmdable, jobs, hand string, do func(string) error) error) race.Scenario {
	places := []string{"jobs", "hand", "done"}
	return race.Scenario{
		Name:  name,
		Title: title,
		Actors: []race.Actor{
			{Name: "porter", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				err := take(ctx, c, k("jobs"), k("hand"), func(job string) error { return c.LPush(ctx, k("done"), job).Err() })
				if errors.Is(err, redis.Nil) {
					return nil // nobody rang
				}
				return err
			}},
			{Name: "guest", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return c.LPush(ctx, k("jobs"), towels).Err()
			}},
		},
		Watch: places,
		Good:  "Nobody waits for a job that is written down nowhere.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			if guest := ends[1]; guest.Crashed || guest.Err != nil {
				return nil //nolint:nilerr // who got no answer rings again
			}
			for _, place := range places {
				n, err := c.LLen(ctx, k(place)).Result()
				if err != nil {
					return err
				}
				if n > 0 {
					return nil
				}
			}
			return &race.Violation{Message: fmt.Sprintf("The guest of %s was told that his wish is noted. It is in no list, and nobody does it.", towels)}
		},
	}
}

// racing plays what happens when the reply of a waiting command is lost, and then
// every schedule of both ways.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("The porter waits, the guest rings, and the reply that wakes the porter is lost: a cut, or a deadline that passed at that moment.")
	for _, sc := range []race.Scenario{popped, moved} {
		outcome, err := r.Race(ctx, sc.Name, "A? B")
		if err != nil {
			return err
		}
		lost := 0.0
		if outcome.Violation != "" {
			lost = 1
		}
		r.Metric(unit.Metric{Name: "lost_" + sc.Name, Label: "jobs lost with a lost reply: " + sc.Title, Value: lost, Minor: true})
	}
	if r.Embedded() {
		return nil // nothing there ends a wait early, and in some schedules nobody rings
	}
	for _, sc := range []race.Scenario{popped, moved} {
		report, err := r.Explore(ctx, sc.Name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + sc.Name, Label: "schedules that lose a job: " + sc.Title, Value: float64(report.Failing), Minor: true})
	}
	return nil
}
