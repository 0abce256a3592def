//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/02-hashes/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

// TestPartial changes a random part of a profile and compares the whole hash.
func TestPartial(t *testing.T) {
	check.Task(t, "partial", func(c *check.C) {
		for i := range 30 {
			key := c.Key(fmt.Sprintf("customer-%d", i))
			want := map[string]string{}
			if i > 0 { // the first one is not there yet
				want = map[string]string{"name": "Nora", "street": "Elm 1", "city": "Bath", "points": "40", "newsletter": "1", "theme": "dark"}
				c.NoError(c.Direct().HSet(c.Context(), key, want).Err(), "HSET")
			}
			change := someChange(c, i)
			maps.Copy(want, pairs(change))
			err := exercise.Update(c.Context(), c.Redis(), key, change)
			c.NoError(err, "Update"+told(change))
			compare(c, key, change, want)
		}
	})
}

// compare says what Update did to a hash that it should not have done.
func compare(c *check.C, key string, change exercise.Change, want map[string]string) {
	got, err := c.Direct().HGetAll(c.Context(), key).Result()
	if err != nil {
		c.Fail("The profile is no hash any more: %v.", err)
	}
	changed := pairs(change)
	for _, field := range []string{"name", "street", "city", "points", "newsletter", "theme"} {
		now, there := got[field]
		value, expected := want[field]
		_, asked := changed[field]
		switch {
		case there == expected && now == value:
		case asked && !there:
			c.Fail("Update%s, and the hash has no field %s.", told(change), field)
		case asked:
			c.Fail("Update%s, and %s is %q. It should be %q.", told(change), field, now, value)
		case field == "theme" && !there:
			c.Fail("Another program keeps the field theme in the same hash. After Update%s it is gone.", told(change))
		case !there:
			c.Fail("Update%s was not told to touch %s, which was %q and is gone.", told(change), field, value)
		case !expected:
			c.Fail("Update%s was not told to set %s, which is now %q.", told(change), field, now)
		default:
			c.Fail("Update%s was not told to touch %s, which was %q and is now %q.", told(change), field, value, now)
		}
	}
}

// TestConcurrent lets a phone, a till and a job change one profile in every order.
func TestConcurrent(t *testing.T) {
	check.Task(t, "concurrent", func(c *check.C) {
		want := map[string]string{"name": "Nora Lind", "city": "York", "points": "55", "theme": "dark"}
		do := func(name string, f func(ctx context.Context, rdb race.Client, key string) error) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) error { return f(ctx, rdb, k("nora")) }}
		}
		c.ExploreOrders(race.Scenario{
			Name: "concurrent", Title: "four changes of one profile",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.HSet(ctx, k("nora"), "name", "Nora", "city", "Bath", "points", 40, "theme", "dark").Err()
			},
			Actors: []race.Actor{
				do("phone", func(ctx context.Context, rdb race.Client, key string) error {
					return exercise.Update(ctx, rdb, key, exercise.Change{Name: new("Nora Lind")})
				}),
				do("desk", func(ctx context.Context, rdb race.Client, key string) error {
					return exercise.Update(ctx, rdb, key, exercise.Change{City: new("York")})
				}),
				do("till", func(ctx context.Context, rdb race.Client, key string) error {
					_, err := exercise.AddPoints(ctx, rdb, key, 15)
					return err
				}),
			},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				for _, end := range ends {
					if end.Err != nil {
						return violation("A change returned an error: %v", end.Err)
					}
				}
				got, err := rdb.HGetAll(ctx, k("nora")).Result()
				if err != nil {
					return violation("The profile is no hash any more: %v.", err)
				}
				for _, field := range []string{"name", "city", "points", "theme"} {
					if got[field] != want[field] {
						return violation("The change of %s to %q was acknowledged and then lost: it is %q.", field, want[field], got[field])
					}
				}
				return nil
			},
		})
		twoTills(c)
	})
}

// twoTills adds points at two tills.
func twoTills(c *check.C) {
	till := func(name string, n int64) race.Actor {
		return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			_, err := exercise.AddPoints(ctx, rdb, k("nora"), n)
			return err
		}}
	}
	c.ExploreOrders(race.Scenario{
		Name: "points", Title: "two tills", Actors: []race.Actor{till("till-1", 15), till("till-2", -5)},
		Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
			for _, end := range ends {
				if end.Err != nil {
					return violation("AddPoints returned an error: %v", end.Err)
				}
			}
			if points := rdb.HGet(ctx, k("nora"), "points").Val(); points != "10" {
				return violation("One till added 15 points, the other took 5, and the profile has %q: the two wrote over each other.", points)
			}
			return nil
		},
	})
}

// TestWhole reads while street and city change together.
func TestWhole(t *testing.T) {
	check.Task(t, "whole", func(c *check.C) {
		var seen string
		c.ExploreOrders(race.Scenario{
			Name: "whole", Title: "a move, and a courier who reads",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.HSet(ctx, k("nora"), "street", "Elm 1", "city", "Bath").Err()
			},
			Actors: []race.Actor{
				{Name: "nora", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
					return exercise.Update(ctx, rdb, k("nora"), exercise.Change{Street: new("Oak 5"), City: new("York")})
				}},
				{Name: "courier", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
					p, err := exercise.Load(ctx, rdb, k("nora"))
					seen = shown(p.Street) + ", " + shown(p.City)
					return err
				}},
			},
			Check: func(_ context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
				for _, end := range ends {
					if end.Err != nil {
						return violation("A call returned an error: %v", end.Err)
					}
				}
				if seen != `"Elm 1", "Bath"` && seen != `"Oak 5", "York"` {
					return violation("Nora moves from Elm 1, Bath to Oak 5, York. The courier loaded %s: half a change.", seen)
				}
				return nil
			},
		})
	})
}

// TestTyped reads what is there, what is not, and what should not be.
func TestTyped(t *testing.T) {
	check.Task(t, "typed", func(c *check.C) {
		_, err := exercise.Load(c.Context(), c.Redis(), c.Key("nobody"))
		c.Written(err)
		if !errors.Is(err, exercise.ErrNoProfile) {
			c.Fail("Nobody has a profile at this key, and Load returned the error %v. The caller waits for ErrNoProfile.", err)
		}
		for i := range 30 {
			key, stored := c.Key(fmt.Sprintf("customer-%d", i)), map[string]string{"theme": "dark"}
			for field, values := range map[string][]string{
				"name": {"", "Nora"}, "street": {"", "Elm 1"}, "city": {"", "Bath"},
				"points": {"0", strconv.Itoa(c.Rand().IntN(1000) - 500), "9007199254740993"}, "newsletter": {"0", "1"},
			} {
				if i%2 == 0 || field == "name" { // every other one has but a name
					stored[field] = values[c.Rand().IntN(len(values))]
				}
			}
			c.NoError(c.Direct().HSet(c.Context(), key, stored).Err(), "HSET")
			p, err := exercise.Load(c.Context(), c.Redis(), key)
			c.NoError(err, "Load")
			for field, value := range fieldsOf(p) {
				if want, there := stored[field]; !there && value != nil {
					c.Fail("The profile has no %s, and Load says %s: %s.", field, *value, "missing and "+*value+" must not look the same")
				} else if there && value == nil {
					c.Fail("The profile has %s %q, and Load says that it was never set.", field, want)
				} else if there && *value != want {
					c.Fail("The profile has %s %q, and Load says %q.", field, want, *value)
				}
			}
		}
		broken(c)
	})
}

// broken stores what is no number, and what is no hash.
func broken(c *check.C) {
	for field, text := range map[string]string{"points": "many", "newsletter": "perhaps"} {
		key := c.Key("broken-" + field)
		c.NoError(c.Direct().HSet(c.Context(), key, "name", "Nora", field, text).Err(), "HSET")
		if p, err := exercise.Load(c.Context(), c.Redis(), key); err == nil {
			value := fieldsOf(p)[field]
			c.Fail("%s holds the text %q. Load says %s, and returns no error.", field, text, shown(value))
		}
	}
	key := c.Key("string")
	c.NoError(c.Direct().Set(c.Context(), key, "no hash", 0).Err(), "SET")
	if _, err := exercise.Load(c.Context(), c.Redis(), key); err == nil || errors.Is(err, exercise.ErrNoProfile) {
		c.Fail("The key holds a string, which is an error of its own: Load returned %v.", err)
	}
}

// TestCost counts commands, and looks which fields are sent.
func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		key := c.Key("nora")
		update := func(change exercise.Change) func() error {
			return func() error { return exercise.Update(c.Context(), c.Redis(), key, change) }
		}
		for _, call := range []struct {
			what string
			want int
			do   func() error
		}{
			{"a change of four fields", 1, update(exercise.Change{new("Nora"), new("Elm 1"), new("Bath"), new(true)})},
			{"a change of one field", 1, update(exercise.Change{City: new("York")})},
			{"a change of nothing", 0, update(exercise.Change{})},
			{"adding points", 1, func() error { _, err := exercise.AddPoints(c.Context(), c.Redis(), key, 5); return err }},
			{"loading the profile", 1, func() error { _, err := exercise.Load(c.Context(), c.Redis(), key); return err }},
		} {
			var err error
			sent := c.Commands(func() { err = call.do() })
			c.NoError(err, call.what)
			if len(sent) != call.want {
				c.Fail("%s took %d commands, and %d is enough: %s", call.what, len(sent), call.want, lines(c, sent))
			}
		}
	})
}

// someChange draws a change. Zero values are frequent, for they are easily lost.
func someChange(c *check.C, i int) exercise.Change {
	var change exercise.Change
	pick := func(values ...string) *string {
		if c.Rand().IntN(2) == 0 {
			return nil
		}
		return new(values[c.Rand().IntN(len(values))])
	}
	change.Name = pick("", "Nora Lind")
	change.Street, change.City = pick("", "Oak 5"), pick("", "York")
	if c.Rand().IntN(2) == 0 {
		change.Newsletter = new(c.Rand().IntN(2) == 0)
	}
	if i < 2 { // never nothing: the first creates a profile, the second unsets a choice
		change.Newsletter = new(false)
	}
	return change
}

// pairs is what a change should write.
func pairs(change exercise.Change) map[string]string {
	p := map[string]string{}
	for field, value := range fieldsOf(exercise.Profile{Name: change.Name, Street: change.Street, City: change.City, Newsletter: change.Newsletter}) {
		if value != nil {
			p[field] = *value
		}
	}
	return p
}

// fieldsOf is a profile as the hash holds it; what was never set is nil.
func fieldsOf(p exercise.Profile) map[string]*string {
	fields := map[string]*string{"name": p.Name, "street": p.Street, "city": p.City, "points": nil, "newsletter": nil}
	if p.Points != nil {
		fields["points"] = new(strconv.FormatInt(*p.Points, 10))
	}
	if p.Newsletter != nil {
		fields["newsletter"] = new("0")
		if *p.Newsletter {
			fields["newsletter"] = new("1")
		}
	}
	return fields
}

// told is a change as a person reads it: (city "York").
func told(change exercise.Change) string {
	var words []string
	p := pairs(change)
	for _, field := range []string{"name", "street", "city", "newsletter"} {
		if value, ok := p[field]; ok {
			words = append(words, fmt.Sprintf("%s %q", field, value))
		}
	}
	return "(" + strings.Join(words, ", ") + ")"
}

func shown(s *string) string {
	if s == nil {
		return "never set"
	}
	return strconv.Quote(*s)
}

// violation is the sentence that a learner reads about a broken order.
func violation(format string, args ...any) error {
	return &race.Violation{Message: fmt.Sprintf(format, args...)}
}

func lines(c *check.C, sent []trace.Event) string {
	var out []string
	for _, e := range sent {
		out = append(out, c.Line(e))
	}
	return strings.Join(out, ", ")
}
