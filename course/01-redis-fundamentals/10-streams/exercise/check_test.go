//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/10-streams/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

const group = "kitchen"

func TestEvening(t *testing.T) {
	check.Task(t, "evening", func(c *check.C) {
		early, late := 5+c.Rand().IntN(10), 20+c.Rand().IntN(20)
		e := newEvening(c)
		anna, ben := e.cook("anna", time.Hour), e.cook("ben", time.Hour)
		e.order(early)
		c.NoError(anna.Open(c.Context()), "Open")
		c.NoError(ben.Open(c.Context()), "Open of the second cook")
		e.order(late)
		told := 0
		for _, k := range []exercise.Kitchen{anna, ben, anna, anna, ben} {
			told += e.work(k, int64(1+c.Rand().IntN(9)), nil)
		}
		told += e.workAll(anna, 7)
		for i, dish := range e.dishes {
			switch plates := e.plates[dish]; {
			case plates == 0 && i < early:
				c.Fail("%d orders came before the kitchen opened. %s is one of them, and nobody cooked it: the group began behind them.", early, dish)
			case plates == 0:
				c.Fail("%d orders came, Work said that there are no more, and nobody cooked %s.", len(e.dishes), dish)
			case plates > 1:
				c.Fail("Nobody dropped out, and %s was cooked %d times.", dish, plates)
			}
		}
		if told != len(e.dishes) {
			c.Fail("%d orders were cooked, and Work counted %d.", len(e.dishes), told)
		}
		if left := e.pending(); len(left) > 0 {
			c.Fail("Everything is cooked, and %d orders are still pending: they were not acknowledged, and somebody will cook them again.", len(left))
		}
	})
}

func TestCrash(t *testing.T) {
	check.Task(t, "crash", func(c *check.C) {
		e := newEvening(c)
		anna, ben := e.cook("anna", time.Minute), e.cook("ben", time.Minute)
		c.NoError(anna.Open(c.Context()), "Open")
		e.order(12)
		last := 2 + c.Rand().IntN(4) // how many anna cooks before she drops out
		burnt := e.dishes[0]
		e.work(anna, 8, func(o exercise.Order) error {
			if o.Dish == burnt {
				return errors.New("burnt") // the first one, so nothing was cooked
			}
			if len(e.plates) == last {
				runtime.Goexit() // it is on the stove, and she is gone
			}
			e.plates[o.Dish]++
			return nil
		})
		held := e.pending()
		cooked := len(e.plates)
		for _, dish := range e.dishes[1:8] {
			if e.plates[dish] == 0 && !slices.Contains(held, dish) {
				c.Fail("Anna dropped out while %s was on the stove, and it is not pending: it was acknowledged before the work was done, and nobody will cook it.", dish)
			}
		}
		if !slices.Contains(held, burnt) {
			c.Fail("%s was burnt: cook returned an error, and the order was acknowledged all the same. Nobody will cook it.", burnt)
		}
		e.age()
		e.workAll(ben, 5)
		for _, dish := range e.dishes {
			if e.plates[dish] == 0 {
				c.Fail("Anna dropped out with %d orders in hand, long ago. Ben worked until nothing was left, and nobody cooked %s: it is still in her hands.", len(held), dish)
			}
		}
		for _, dish := range e.dishes {
			if e.plates[dish] > 1 {
				c.Fail("Anna cooked %d orders and dropped out over the next one. Ben cooked %s again: the orders before it were done, and not acknowledged.", cooked, dish)
			}
		}
	})
}

func TestLiving(t *testing.T) {
	check.Task(t, "living", func(c *check.C) {
		const busy, left = 50, 10
		e := newEvening(c)
		ben := e.cook("ben", time.Minute)
		c.NoError(ben.Open(c.Context()), "Open")
		e.order(busy + left)
		e.take("dan", busy+left)
		e.age()
		e.handOver("lea", e.ids[:busy]) // she takes them now, so she is at work
		for range left {
			e.work(ben, 2, nil)
		}
		for _, dish := range e.dishes[:busy] {
			if e.plates[dish] > 0 {
				c.Fail("Lea took %s a moment ago and is cooking it. Ben took it out of her hands, and it is cooked twice.", dish)
			}
		}
		if found := len(e.plates); found != left {
			c.Fail("Dan dropped out with %d orders, long ago. They lie behind %d that Lea is cooking, and Ben found %d of them.", left, busy, found)
		}
	})
}

func TestTrim(t *testing.T) {
	check.Task(t, "trim", func(c *check.C) {
		e := newEvening(c)
		ben := e.cook("ben", time.Hour)
		c.NoError(ben.Open(c.Context()), "Open")
		c.NoError(c.Direct().XGroupCreate(c.Context(), e.stream, "till", "0").Err(), "XGROUP CREATE")
		e.order(40)
		e.takeAs("till", "tess", 10)
		e.trim(ben, 0, "Ben has read nothing yet, and the till holds all that it has read.")
		e.work(ben, 30, nil)
		e.trim(ben, 0, "The till has acknowledged nothing yet.")
		c.NoError(c.Direct().XAck(c.Context(), e.stream, "till", e.ids[:10]...).Err(), "XACK")
		e.trim(ben, 10, "The till is done with 10 orders and has not read the others; the kitchen is done with 30.")
		e.takeAs("till", "tess", 30)
		c.NoError(c.Direct().XAck(c.Context(), e.stream, "till", e.ids[10:]...).Err(), "XACK")
		e.trim(ben, 30, "The till is done with all 40; the kitchen is done with 30 and has not read the others.")
		e.take("dan", 5)
		c.NoError(c.Direct().XAck(c.Context(), e.stream, group, e.ids[31:34]...).Err(), "XACK")
		e.trim(ben, 30, "The kitchen is done with 33 of 35 orders that were handed out, and holds the 31st and the 35th.")
		trimWhileTaking(c)
	})
}

// trimWhileTaking plays every order of one cook who trims and one who takes what
// is new, and fails at it, so that it stays pending.
func trimWhileTaking(c *check.C) {
	kitchen := func(rdb redis.Cmdable, k race.Keys, cook string) exercise.Kitchen {
		return exercise.Kitchen{Redis: rdb, Stream: k("orders"), Group: group, Cook: cook, Patience: time.Hour}
	}
	c.ExploreOrders(race.Scenario{
		Name: "trim", Title: "one trims while another takes orders",
		Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			if err := kitchen(rdb, k, "anna").Open(ctx); err != nil {
				return err
			}
			for i := range 4 {
				if err := rdb.XAdd(ctx, &redis.XAddArgs{Stream: k("orders"), ID: fmt.Sprintf("%d-0", i+1), Values: []any{"dish", i + 1}}).Err(); err != nil {
					return err
				}
			}
			_, err := kitchen(rdb, k, "anna").Work(ctx, 2, func(exercise.Order) error { return nil })
			return err
		},
		Actors: []race.Actor{
			{Name: "anna", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				_, err := kitchen(rdb, k, "anna").Trim(ctx)
				return err
			}},
			{Name: "ben", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				_, err := kitchen(rdb, k, "ben").Work(ctx, 2, func(exercise.Order) error { return errors.New("burnt") })
				return err
			}},
		},
		Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
			for i, what := range []string{"Trim", "Work"} {
				if ends[i].Err != nil {
					return &race.Violation{Message: fmt.Sprintf("%s returned an error while the other was at work: %v", what, ends[i].Err)}
				}
			}
			left, err := rdb.XRange(ctx, k("orders"), "3-0", "4-0").Result()
			if err == nil && len(left) < 2 {
				return &race.Violation{Message: fmt.Sprintf("Ben took two orders while Anna trimmed, and %d of them are thrown away: they were handed out between her questions, and she took them for done.", 2-len(left))}
			}
			return err
		},
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		const n = 20
		e := newEvening(c)
		ben := e.cook("ben", time.Hour)
		c.NoError(ben.Open(c.Context()), "Open")
		if cooked := e.work(ben, n, nil); cooked != 0 {
			c.Fail("Nobody ordered anything, and Work says that it cooked %d.", cooked)
		}
		e.order(2 * n)
		sent := c.Commands(func() { e.work(ben, n, nil) })
		counts := map[string]int{}
		for _, s := range sent {
			counts[s.Name]++
		}
		if len(e.plates) != n {
			c.Fail("%d orders were waiting. Work was asked for %d of them and cooked %d.", 2*n, n, len(e.plates))
		}
		if len(sent) > n+5 {
			c.Fail("%d orders took %d commands, and %d are enough: one to look for what was left, one to read, and %d to acknowledge. Sent: %v.", n, len(sent), n+2, n, counts)
		}
	})
}

// evening is a stream of orders, and what became of them.
type evening struct {
	c      *check.C
	stream string
	dishes []string // in their order
	ids    []string
	plates map[string]int
}

func newEvening(c *check.C) *evening {
	return &evening{c: c, stream: c.Key("orders"), plates: map[string]int{}}
}

func (e *evening) cook(name string, patience time.Duration) exercise.Kitchen {
	return exercise.Kitchen{Redis: e.c.Redis(), Stream: e.stream, Group: group, Cook: name, Patience: patience}
}

func (e *evening) order(n int) {
	for range n {
		dish := fmt.Sprintf("order %d", len(e.dishes)+1)
		id, err := e.c.Direct().XAdd(e.c.Context(), &redis.XAddArgs{Stream: e.stream, Values: []any{"dish", dish}}).Result()
		e.c.NoError(err, "XADD")
		e.dishes, e.ids = append(e.dishes, dish), append(e.ids, id)
	}
}

// work lets a cook work, and counts the plates. A nil cook cooks everything. It
// returns what Work returned, 0 if cook ended the goroutine.
func (e *evening) work(k exercise.Kitchen, n int64, cook func(exercise.Order) error) (cooked int) {
	if cook == nil {
		cook = func(o exercise.Order) error { e.plates[o.Dish]++; return nil }
	}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		cooked, err = k.Work(e.c.Context(), n, cook)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		e.c.Fail("Work did not return within 2 s. Does it wait for an order to come? In go-redis, XReadGroup with a Block of 0 waits for ever.")
	}
	e.c.NoError(err, "Work")
	return cooked
}

// workAll works until nothing is left.
func (e *evening) workAll(k exercise.Kitchen, n int64) (cooked int) {
	for {
		now := e.work(k, n, nil)
		if cooked += now; now == 0 {
			return cooked
		}
		if cooked > 2*len(e.dishes) {
			e.c.Fail("%d orders came, and Work has counted %d by now: the same ones come again and again.", len(e.dishes), cooked)
		}
	}
}

// pending lists the dishes that the kitchen has in hand.
func (e *evening) pending() []string {
	entries, err := e.c.Direct().XPendingExt(e.c.Context(), &redis.XPendingExtArgs{Stream: e.stream, Group: group, Start: "-", End: "+", Count: 1000}).Result()
	e.c.NoError(err, "XPENDING")
	var dishes []string
	for _, entry := range entries {
		dishes = append(dishes, e.dishes[slices.Index(e.ids, entry.ID)])
	}
	return dishes
}

// age makes everything that is pending an hour old.
func (e *evening) age() {
	for _, dish := range e.pending() {
		id := e.ids[slices.Index(e.dishes, dish)]
		e.c.NoError(e.c.Direct().Do(e.c.Context(), "XCLAIM", e.stream, group, "dan", 0, id, "IDLE", time.Hour.Milliseconds(), "JUSTID").Err(), "XCLAIM")
	}
}

func (e *evening) take(cook string, n int64) { e.takeAs(group, cook, n) }

func (e *evening) takeAs(group, cook string, n int64) {
	e.c.NoError(e.c.Direct().XReadGroup(e.c.Context(), &redis.XReadGroupArgs{Streams: []string{e.stream, ">"}, Group: group, Consumer: cook, Count: n, Block: -1}).Err(), "XREADGROUP")
}

// handOver gives pending orders to a cook, who has them from now on.
func (e *evening) handOver(cook string, ids []string) {
	e.c.NoError(e.c.Direct().XClaimJustID(e.c.Context(), &redis.XClaimArgs{Stream: e.stream, Group: group, Consumer: cook, Messages: ids}).Err(), "XCLAIM")
}

// trim trims, and fails unless the first done orders are gone, but for the newest
// of them, and no other.
func (e *evening) trim(k exercise.Kitchen, done int, state string) {
	before := e.c.Direct().XLen(e.c.Context(), e.stream).Val()
	told, err := k.Trim(e.c.Context())
	e.c.NoError(err, "Trim")
	left, err := e.c.Direct().XRange(e.c.Context(), e.stream, "-", "+").Result()
	e.c.NoError(err, "XRANGE")
	gone := len(e.ids) - len(left)
	switch {
	case gone > done:
		e.c.Fail("%s Trim threw away %d orders, %d too many: the first of them is %s.", state, gone, gone-done, e.dishes[done])
	case gone < done-1:
		e.c.Fail("%s Of the %d orders that nobody needs any more, Trim left %d.", state, done, done-gone)
	case told != before-int64(len(left)):
		e.c.Fail("%s Trim threw away %d orders and says %d.", state, before-int64(len(left)), told)
	}
}
