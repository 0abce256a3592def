//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/05-transactions/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

// ledger makes transfers one after the other, beside accounts in a Go map.
func ledger(c *check.C) {
	names := []string{"ann", "ben", "cem", "dot"}
	has := map[string]int64{"ann": 1000, "ben": 500} // the others have no key yet
	for name, n := range has {
		c.NoError(c.Direct().Set(c.Context(), c.Key(name), n, 0).Err(), "SET")
	}
	for i := range 40 {
		order := c.Rand().Perm(len(names))
		from, to := names[order[0]], names[order[1]]
		if i == 0 { // later, all may have been paid
			from, to = "cem", "ann"
		}
		cents := 1 + int64(c.Rand().IntN(400))
		if has[from] > 0 && c.Rand().IntN(4) == 0 {
			cents = has[from] // all of it
		}
		var want error
		before := has[from]
		if has[from] < cents {
			want = exercise.ErrTooLittle
		} else {
			has[from], has[to] = has[from]-cents, has[to]+cents
		}
		err := exercise.Transfer(c.Context(), c.Redis(), c.Key(from), c.Key(to), cents)
		c.Written(err)
		if !errors.Is(err, want) {
			c.Fail("%s has %d and pays %d to %s, with nobody in the way. Transfer returned %s, want %s.", from, before, cents, to, name(err), name(want))
		}
		for _, account := range []string{from, to} {
			if n := balance(c.Context(), c, c.Key(account)); n != has[account] {
				c.Fail("%s had %d and was to pay %d to %s. Afterwards %s has %d, want %d.", from, before, cents, to, account, n, has[account])
			}
		}
	}
}

// payment is a transfer between accounts of these names.
type payment struct {
	from, to string
	cents    int64
}

// together makes two payments at the same time: the accounts must be as after one
// and then the other, and each must be told what became of it.
func together(title string, start map[string]int64, payments [2]payment) race.Scenario {
	told := make([]error, len(payments))
	var actors []race.Actor
	for i, p := range payments {
		actors = append(actors, race.Actor{Name: []string{"ann", "ben"}[i], Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			told[i] = exercise.Transfer(ctx, rdb, k(p.from), k(p.to), p.cents)
			return told[i]
		}})
	}
	return race.Scenario{
		Name: "together", Title: title, Actors: actors,
		Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			for name, n := range start {
				if err := rdb.Set(ctx, k(name), n, 0).Err(); err != nil {
					return err
				}
			}
			return nil
		},
		Check: func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
			story := ""
			for i, p := range payments {
				story += fmt.Sprintf("%s pays %d to %s: %s. ", p.from, p.cents, p.to, outcome(told[i]))
				if told[i] != nil && !errors.Is(told[i], exercise.ErrTooLittle) {
					return violation("%sThe only thing that may keep it from being paid is that there is not enough.", story)
				}
			}
			has := map[string]int64{}
			after := ""
			for _, p := range payments {
				for _, account := range []string{p.from, p.to} {
					if _, seen := has[account]; seen {
						continue
					}
					n, err := rdb.Get(ctx, k(account)).Int64()
					if err != nil && !errors.Is(err, redis.Nil) {
						return err
					}
					has[account] = n
					after += fmt.Sprintf(" %s %d,", account, n)
				}
			}
			if explains(start, has, told, payments[0], payments[1]) || explains(start, has, []error{told[1], told[0]}, payments[1], payments[0]) {
				return nil
			}
			return violation("%sThe accounts hold:%s which neither order of the two explains.", story, after)
		},
	}
}

// explains says whether these payments, one after the other, lead from one state
// of the accounts to the other, and to what was told of each.
func explains(start, end map[string]int64, told []error, payments ...payment) bool {
	has := maps.Clone(start)
	for i, p := range payments {
		enough := has[p.from] >= p.cents
		if enough != (told[i] == nil) {
			return false
		}
		if enough {
			has[p.from], has[p.to] = has[p.from]-p.cents, has[p.to]+p.cents
		}
	}
	for account, n := range end {
		if has[account] != n {
			return false
		}
	}
	return true
}
