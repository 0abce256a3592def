//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/01-strings/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestExact(t *testing.T) {
	check.Task(t, "exact", func(c *check.C) {
		const people = 50
		each := 10 + c.Rand().IntN(10)
		given := int64(people * each)
		key := c.Key("likes")
		var mu sync.Mutex
		counted := int64(0)
		c.Clients(people, func(_ int, rdb *redis.Client) {
			for range each {
				_, ok, err := exercise.Like(c.Context(), rdb, key, given)
				c.NoError(err, "Like")
				if ok {
					mu.Lock()
					counted++
					mu.Unlock()
				}
			}
		})
		likes, err := exercise.Likes(c.Context(), c.Redis(), key, given)
		c.NoError(err, "Likes")
		if likes != given {
			c.Fail("%d people gave %d likes, and %d are counted: some read the same number and wrote over each other.", people, given, likes)
		}
		if counted != given {
			c.Fail("%d likes were given below the ceiling, and Like said of %d only that they count.", given, counted)
		}
	})
}

func TestCeiling(t *testing.T) {
	check.Task(t, "ceiling", func(c *check.C) {
		const ceiling = 2
		told := make([]bool, 3)
		person := func(i int, name string) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
				told[i] = false
				_, told[i], err = exercise.Like(ctx, rdb, k("likes"), ceiling)
				return err
			}}
		}
		c.ExploreOrders(race.Scenario{
			Name: "ceiling", Title: "three people, a ceiling of two",
			Actors: []race.Actor{person(0, "alice"), person(1, "bob"), person(2, "carol")},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				counting := 0
				for i, end := range ends {
					if end.Err != nil {
						return violation("Like returned an error: %v", end.Err)
					}
					if told[i] {
						counting++
					}
				}
				if counting != ceiling {
					return violation("Three people liked a photo with a ceiling of %d, and %d were told that their like counts.", ceiling, counting)
				}
				likes, err := exercise.Likes(ctx, rdb, k("likes"), ceiling)
				if err != nil {
					return violation("Likes returned an error: %v", err)
				}
				if likes != ceiling {
					return violation("Three people liked a photo with a ceiling of %d, and Likes says %d.", ceiling, likes)
				}
				return nil
			},
		})
		likes, err := exercise.Likes(c.Context(), c.Redis(), c.Key("nobody"), ceiling)
		c.NoError(err, "Likes of a photo that nobody liked")
		if likes != 0 {
			c.Fail("Nobody liked this photo, and Likes says %d.", likes)
		}
	})
}

func TestText(t *testing.T) {
	check.Task(t, "text", func(c *check.C) {
		key := c.Key("title")
		const text = "sunset over the bay"
		c.NoError(c.Redis().Set(c.Context(), key, text, 0).Err(), "SET")
		likes, counted, err := exercise.Like(c.Context(), c.Redis(), key, 10)
		c.Written(err)
		left, getErr := c.Redis().Get(c.Context(), key).Result()
		c.NoError(getErr, "GET")
		if left != text {
			c.Fail("The key held the text %q, which is gone: it is %q now.", text, left)
		}
		if err == nil {
			c.Fail("The key holds the text %q. Like answered %d likes, counted %v, and no error.", text, likes, counted)
		}
		if n, err := exercise.Likes(c.Context(), c.Redis(), key, 10); err == nil {
			c.Fail("The key holds the text %q. Likes answered %d, and no error.", text, n)
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		key := c.Key("likes")
		for _, call := range []struct {
			what string
			do   func() error
		}{
			{"the first like of a photo", func() error { _, _, err := exercise.Like(c.Context(), c.Redis(), key, 1); return err }},
			{"a like above the ceiling", func() error { _, _, err := exercise.Like(c.Context(), c.Redis(), key, 1); return err }},
			{"reading the likes", func() error { _, err := exercise.Likes(c.Context(), c.Redis(), key, 1); return err }},
		} {
			var err error
			sent := c.Commands(func() { err = call.do() })
			c.NoError(err, call.what)
			if len(sent) != 1 {
				c.Fail("%s took %d commands, and one is enough: %s", call.what, len(sent), lines(c, sent))
			}
		}
	})
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
