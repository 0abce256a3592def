package transaction

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
)

// The boxes, what is in the club's at the start, and the two prices.
const (
	club  = "cash:club"
	coach = "cash:coach"
	pizza = "cash:pizza"

	start = 100
	price = 80
	snack = 50
)

var (
	getSetRace = payments("get-set", "GET, then MSET", payByGetSet)
	multiRace  = payments("multi", "GET, then MULTI", payByMulti)
	watchRace  = payments("watch", "WATCH, GET, MULTI, and again", payWatched)
	scriptRace = payments("script", "a script", payByScript)
)

// payments is the race: ann pays the coach and ben the pizza, out of one box that
// has enough for either, and not for both.
func payments(name, title string, by pay) race.Scenario {
	person := func(who, to string, amount int64) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return by(ctx, c, k(club), k(to), amount)
		}}
	}
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.MSet(ctx, k(club), start, k(coach), 0, k(pizza), 0).Err()
		},
		Actors: []race.Actor{person("ann", coach, price), person("ben", pizza, snack)},
		Watch:  []string{club, coach, pizza},
		Good:   "What is in the three boxes is what was in them before, and the club's is not overdrawn.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			var box [3]int64
			for i, name := range []string{club, coach, pizza} {
				var err error
				if box[i], err = read(ctx, c, k(name)); err != nil {
					return err
				}
			}
			wrong := ""
			switch total := box[0] + box[1] + box[2]; {
			case total != start:
				wrong = fmt.Sprintf("that is %d, out of %d", total, start)
			case box[0] < 0:
				wrong = "the box is overdrawn"
			case told(ends[0]) && box[1] != price || told(ends[1]) && box[2] != snack:
				wrong = "somebody was told that it was paid, and it was not"
			default:
				return nil
			}
			return &race.Violation{Message: fmt.Sprintf("The club has %d, the coach %d, the pizza %d: %s.", box[0], box[1], box[2], wrong)}
		},
	}
}

// told says that the actor was told that it paid.
func told(e race.End) bool { return e.Err == nil && !e.Crashed }

// locked is the counter of wrong passwords.
const locked = "wrong:ann"

var (
	tornAttempt = attempt("incr-expire", "INCR, then EXPIRE", func(ctx context.Context, c race.Client, key string) error {
		// region: torn
		if err := c.Incr(ctx, key).Err(); err != nil {
			return err
		}
		return c.ExpireNX(ctx, key, window).Err()
		// endregion
	})
	wholeAttempt = attempt("incr-expire-multi", "INCR and EXPIRE in MULTI", func(ctx context.Context, c race.Client, key string) error {
		// region: whole
		pipe := c.TxPipeline()
		pipe.Incr(ctx, key)
		pipe.ExpireNX(ctx, key, window) // the first attempt sets the end, later ones leave it
		_, err := pipe.Exec(ctx)
		return err
		// endregion
	})
)

// attempt is a race of one, against its own death: a wrong password is counted,
// for ten minutes.
func attempt(name, title string, count func(context.Context, race.Client, string) error) race.Scenario {
	return race.Scenario{
		Name:  name,
		Title: title,
		Actors: []race.Actor{{Name: "login", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return count(ctx, c, k(locked))
		}}},
		Watch: []string{locked},
		Good:  "The counter has an end, or there is none.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			left, err := c.TTL(ctx, k(locked)).Result()
			if err != nil {
				return err
			}
			if left == -1 { // it is there, and has no end
				return &race.Violation{Message: fmt.Sprintf("%s counts for ever: one day ann is locked out, and nothing will let her in.", locked)}
			}
			return nil
		},
	}
}
