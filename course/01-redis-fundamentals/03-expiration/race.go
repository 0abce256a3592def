package expiry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	token = "token:ada" // remembers a device
	week  = 7 * 24 * time.Hour
)

// errGone says that a token is not there any more.
var errGone = errors.New("the token is gone")

// region: renew-set

// renewBySet reads a token and writes it again with a new end.
func renewBySet(ctx context.Context, rdb redis.Cmdable, key string) error {
	user, err := rdb.Get(ctx, key).Result()
	if err != nil {
		return err
	}
	return rdb.Set(ctx, key, user, week).Err()
}

// endregion

// region: renew-expire

// renewByExpire reads a token and moves its end, if it is still there.
func renewByExpire(ctx context.Context, rdb redis.Cmdable, key string) error {
	if err := rdb.Get(ctx, key).Err(); err != nil {
		return err
	}
	moved, err := rdb.Expire(ctx, key, week).Result()
	if err == nil && !moved {
		return errGone
	}
	return err
}

// endregion

// scenarios are the races of the unit.
var scenarios = []race.Scenario{
	logout("renew-set", "renewing by SET", renewBySet),
	logout("renew-expire", "renewing by EXPIRE", renewByExpire),
	issue("set-expire", "SET, then EXPIRE", func(ctx context.Context, rdb redis.Cmdable, key string) error {
		if err := rdb.Set(ctx, key, "ada", 0).Err(); err != nil {
			return err
		}
		return rdb.Expire(ctx, key, week).Err()
	}),
	issue("set-ex", "SET with EX", func(ctx context.Context, rdb redis.Cmdable, key string) error {
		return rdb.Set(ctx, key, "ada", week).Err()
	}),
}

// logout is Ada logging out on her lost phone while a thief's next request renews
// the token.
func logout(name, title string, renew func(context.Context, redis.Cmdable, string) error) race.Scenario {
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.Set(ctx, k(token), "ada", week).Err()
		},
		Actors: []race.Actor{
			{Name: "phone", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return renew(ctx, c, k(token)) }},
			{Name: "ada", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return c.Del(ctx, k(token)).Err() }},
		},
		Watch: []string{token},
		Good:  "A token that was revoked stays revoked.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			if ends[1].Err != nil || ends[1].Crashed {
				return nil //nolint:nilerr // nobody was told that it is revoked
			}
			there, err := c.Exists(ctx, k(token)).Result()
			if err != nil {
				return err
			}
			if there == 1 {
				return &race.Violation{Message: "Ada was told that the phone is logged out. Its token is there, for another week."}
			}
			return nil
		},
	}
}

// issue is one program that makes a token. It may die on the way.
func issue(name, title string, do func(context.Context, redis.Cmdable, string) error) race.Scenario {
	return race.Scenario{
		Name:   name,
		Title:  title,
		Actors: []race.Actor{{Name: "web", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return do(ctx, c, k(token)) }}},
		Watch:  []string{token},
		Good:   "There is no token without an end.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			left, err := c.TTL(ctx, k(token)).Result()
			if err != nil {
				return err
			}
			if left == forEver {
				return &race.Violation{Message: fmt.Sprintf("%s is there and has no end: it lives for ever.", token)}
			}
			return nil
		},
	}
}

// racing plays the logout that did not last, and then every order of each way.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Ada logs her lost phone out. In the same moment the phone renews its token.")
	for _, name := range []string{"renew-set", "renew-expire"} {
		if _, err := r.Race(ctx, name, "A B A"); err != nil {
			return err
		}
	}
	r.Step("Now every order, with a crash and a lost reply at each command.")
	for _, sc := range scenarios {
		report, err := r.Explore(ctx, sc.Name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + sc.Name, Label: "schedules that go wrong, " + sc.Title, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
