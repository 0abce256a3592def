//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/05-transactions/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

const wrong = "not it"

func TestLife(t *testing.T) {
	check.Task(t, "life", func(c *check.C) {
		key, right := c.Key("login:ann"), code(c)
		redeem(c, key, right, false, "Nothing was issued, and a code was accepted.")
		issue(c, key, right)
		redeem(c, key, wrong, false, "A wrong code was accepted.")
		endless(c, key, "Issue")
		pass(c, key, 4*time.Minute+50*time.Second)
		redeem(c, key, right, true, "The code was issued 4 minutes 50 seconds ago, and the right code was not accepted.")

		right = code(c)
		issue(c, key, right)
		pass(c, key, 5*time.Minute+time.Second)
		redeem(c, key, right, false, "The code was issued 5 minutes 1 second ago, and it was still accepted.")

		right = code(c)
		issue(c, key, right)
		for range 2 {
			pass(c, key, 2*time.Minute)
			redeem(c, key, wrong, false, "A wrong code was accepted.")
			endless(c, key, "Redeem of a wrong code")
		}
		pass(c, key, 70*time.Second)
		redeem(c, key, right, false, "The code was issued 5 minutes 10 seconds ago, with two wrong attempts since, and it was still accepted: the attempts gave it new time.")
		endless(c, key, "Redeem after the code's end")
	})
}

func TestAttempts(t *testing.T) {
	check.Task(t, "attempts", func(c *check.C) {
		key, right := c.Key("login:ann"), code(c)
		for _, tried := range []int{2, 3, 4, 0} { // each code replaces the one before
			issue(c, key, right)
			for range tried {
				redeem(c, key, wrong, false, "A wrong code was accepted.")
			}
			if tried < 3 {
				redeem(c, key, right, true, fmt.Sprintf("%d wrong codes were tried since the code was issued, and the right one was not accepted.", tried))
			} else {
				redeem(c, key, right, false, fmt.Sprintf("%d wrong codes were tried, and then the right one was accepted.", tried))
			}
		}
		guess := func(name string) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				_, err := exercise.Redeem(ctx, rdb, k("login"), wrong)
				return err
			}}
		}
		c.ExploreOrders(race.Scenario{
			Name: "attempts", Title: "two wrong codes at the same time, after a first one",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				if err := exercise.Issue(ctx, rdb, k("login"), right); err != nil {
					return err
				}
				_, err := exercise.Redeem(ctx, rdb, k("login"), wrong)
				return err
			},
			Actors: []race.Actor{guess("ann"), guess("eve")},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				if err := failed(ends, "Redeem"); err != nil {
					return err
				}
				ok, err := exercise.Redeem(ctx, rdb, k("login"), right)
				if err != nil {
					return violation("Redeem returned an error: %v", err)
				}
				if ok {
					return violation("Three wrong codes were tried, two of them at the same time, and then the right one was accepted: an attempt was not counted.")
				}
				return nil
			},
		})
	})
}

func TestOnce(t *testing.T) {
	check.Task(t, "once", func(c *check.C) {
		key, right := c.Key("login:ann"), code(c)
		issue(c, key, right)
		redeem(c, key, right, true, "The right code was not accepted.")
		redeem(c, key, right, false, "The right code was accepted a second time.")
		told := make([]bool, 2)
		use := func(i int, name string) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
				told[i] = false
				told[i], err = exercise.Redeem(ctx, rdb, k("login"), right)
				return err
			}}
		}
		c.ExploreOrders(race.Scenario{
			Name: "once", Title: "the right code, twice at the same time",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return exercise.Issue(ctx, rdb, k("login"), right)
			},
			Actors: []race.Actor{use(0, "ann"), use(1, "eve")},
			Check: func(_ context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
				switch {
				case failed(ends, "Redeem") != nil:
					return failed(ends, "Redeem")
				case told[0] && told[1]:
					return violation("Two used the right code at the same time, and it was accepted twice.")
				case !told[0] && !told[1]:
					return violation("Two used the right code at the same time, and it was accepted of neither.")
				}
				return nil
			},
		})
	})
}

func TestCrash(t *testing.T) {
	check.Task(t, "crash", func(c *check.C) {
		right := code(c)
		c.Explore(race.Scenario{
			Name: "crash", Title: "a code is issued, tried and used",
			Actors: []race.Actor{{Name: "ann", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				if err := exercise.Issue(ctx, rdb, k("login"), right); err != nil {
					return err
				}
				for _, tried := range []string{wrong, right} {
					if _, err := exercise.Redeem(ctx, rdb, k("login"), tried); err != nil {
						return err
					}
				}
				return nil
			}}},
			Check: func(ctx context.Context, _ race.Client, k race.Keys, ends []race.End) error {
				var found string
				err := each(ctx, c, k("login"), func(key string, left time.Duration) error {
					if left < 0 {
						found = key
					}
					return nil
				})
				if err == nil && found != "" {
					return violation("The program ended half-way, and what it had stored has no end: it stays in Redis for ever.")
				}
				return err
			},
		})
	})
}

func TestOverdraw(t *testing.T) {
	check.Task(t, "overdraw", func(c *check.C) {
		ledger(c)
		for _, s := range []struct {
			title    string
			start    map[string]int64
			payments [2]payment
		}{
			{"100 in an account, 80 and 50 to pay", map[string]int64{"club": 100}, [2]payment{{"club", "coach", 80}, {"club", "pizza", 50}}},
			{"100 in an account, 60 and 40 to pay", map[string]int64{"club": 100}, [2]payment{{"club", "coach", 60}, {"club", "pizza", 40}}},
			{"two accounts pay into the same third", map[string]int64{"club": 30, "fans": 40}, [2]payment{{"club", "coach", 30}, {"fans", "coach", 40}}},
			{"two accounts pay each other", map[string]int64{"club": 30, "fans": 0}, [2]payment{{"club", "fans", 30}, {"fans", "club", 10}}},
		} {
			c.ExploreOrders(together(s.title, s.start, s.payments))
		}
	})
}

func TestWhole(t *testing.T) {
	check.Task(t, "whole", func(c *check.C) {
		c.Explore(race.Scenario{
			Name: "whole", Title: "a transfer breaks off",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.MSet(ctx, k("club"), 100, k("coach"), 5).Err()
			},
			Actors: []race.Actor{{Name: "ann", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return exercise.Transfer(ctx, rdb, k("club"), k("coach"), 30)
			}}},
			Check: func(ctx context.Context, _ race.Client, k race.Keys, ends []race.End) error {
				club, coach := balance(ctx, c, k("club")), balance(ctx, c, k("coach"))
				moved := club == 70 && coach == 35
				switch {
				case !moved && (club != 100 || coach != 5):
					return violation("30 were on their way from an account with 100 to one with 5 when the program was cut off. They hold %d and %d now.", club, coach)
				case !moved && ends[0].Err == nil && !ends[0].Crashed:
					return violation("Transfer returned no error, and nothing was moved.")
				}
				return nil
			},
		})
	})
}

func TestRetry(t *testing.T) {
	check.Task(t, "retry", func(c *check.C) {
		const few, least, most = 5, 10, 100
		from, to := c.Key("club"), c.Key("coach")
		c.NoError(c.Direct().MSet(c.Context(), from, 100, to, 0).Err(), "MSET")
		d := &disturber{c: c, keys: []string{from, to}, times: few}
		c.Redis().AddHook(d)
		err := exercise.Transfer(c.Context(), c.Redis(), from, to, 30)
		c.Written(err)
		if err != nil {
			c.Fail("Somebody was in the way %d times, between the look at the account and EXEC, and then nobody was. Transfer returned %s after %d tries.", few, name(err), d.seen)
		}
		if n := balance(c.Context(), c, from); n != 70 {
			c.Fail("Somebody was in the way %d times. Transfer of 30 returned no error, and of 100 there are %d left.", few, n)
		}

		d.seen, d.times, d.limit = 0, 1_000, most
		err = exercise.Transfer(c.Context(), c.Redis(), from, to, 30)
		n := balance(c.Context(), c, from)
		switch {
		case err == nil && d.seen == 0 && n == 40: // nobody can be in its way, as in the way of a script
		case err == nil:
			c.Fail("Somebody is in the way at every try. Transfer returned no error, and of 70 there are %d left.", n)
		case !errors.Is(err, exercise.ErrBusy):
			c.Fail("Somebody is in the way at every try. Transfer returned %s, want ErrBusy.", name(err))
		case d.seen < least:
			c.Fail("Transfer returned ErrBusy after %d tries, and must try %d times at least.", d.seen, least)
		case n != 70:
			c.Fail("Transfer returned ErrBusy, and of 70 there are %d left.", n)
		}
	})
}

// disturber touches accounts just before a transaction is sent, as somebody does
// who pays in and out again.
type disturber struct {
	c     *check.C
	keys  []string
	times int // how often it still does
	seen  int // transactions
	limit int // of these; 0 is none
}

// DialHook is redis.Hook's and changes nothing.
func (d *disturber) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is redis.Hook's and changes nothing.
func (d *disturber) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook sees a transaction with its MULTI.
func (d *disturber) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 && cmds[0].Name() == "multi" {
			d.seen++
			if d.limit > 0 && d.seen > d.limit {
				d.c.Fail("Somebody is in the way at every try, and Transfer has tried more than %d times: it would go on for ever.", d.limit)
			}
			if d.times > 0 {
				d.times--
				for _, key := range d.keys {
					d.c.NoError(d.c.Direct().IncrBy(ctx, key, 0).Err(), "INCRBY")
				}
			}
		}
		return next(ctx, cmds)
	}
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		const most = 5
		key, from, to := c.Key("login"), c.Key("club"), c.Key("coach")
		issue(c, key, "314159")
		c.NoError(c.Direct().Set(c.Context(), from, 100, 0).Err(), "SET")
		for _, call := range []struct {
			what string
			do   func() error
		}{
			{"a wrong code", func() error { _, err := exercise.Redeem(c.Context(), c.Redis(), key, wrong); return err }},
			{"the right code", func() error { _, err := exercise.Redeem(c.Context(), c.Redis(), key, "314159"); return err }},
			{"a transfer", func() error { return exercise.Transfer(c.Context(), c.Redis(), from, to, 60) }},
			{"a transfer of too much", func() error {
				if err := exercise.Transfer(c.Context(), c.Redis(), from, to, 60); !errors.Is(err, exercise.ErrTooLittle) {
					return err
				}
				return nil
			}},
		} {
			var err error
			trips := c.RoundTrips(func() { err = call.do() })
			c.NoError(err, call.what)
			if trips > most {
				c.Fail("%s took %d round trips with nobody in the way, and %d must do.", call.what, trips, most)
			}
		}
	})
}
