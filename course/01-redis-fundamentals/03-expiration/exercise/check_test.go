//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/03-expiration/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

// slack is how far an end may be off: ends in whole seconds are good enough.
const slack = 1500 * time.Millisecond

func TestIssue(t *testing.T) {
	check.Task(t, "issue", func(c *check.C) {
		for i := range 10 {
			idle, life := minutes(c, 10, 60), minutes(c, 70, 120)
			if i%2 == 0 { // whichever is shorter ends it
				life = minutes(c, 5, 9)
			}
			key, user := c.Key(fmt.Sprintf("token-%d", i)), someText(c)
			begun := time.Now()
			c.NoError(exercise.Issue(c.Context(), c.Redis(), key, user, idle, life), "Issue")
			ends(c, key, begun, min(idle, life), fmt.Sprintf("A token issued with idle %v and life %v", idle, life))
		}
		c.Explore(race.Scenario{
			Name: "issue", Title: "a process that issues a token and dies",
			Actors: []race.Actor{{Name: "web", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return exercise.Issue(ctx, rdb, k("token"), "ada", time.Hour, 24*time.Hour)
			}}},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
				if rdb.PTTL(ctx, k("token")).Val() == -1 {
					return violation("The process died, and its token has no end: whoever finds it is logged in for ever.")
				}
				return nil
			},
		})
	})
}

func TestSliding(t *testing.T) {
	check.Task(t, "sliding", func(c *check.C) {
		for i := range 10 {
			key, user := c.Key(fmt.Sprintf("token-%d", i)), someText(c)
			c.NoError(exercise.Issue(c.Context(), c.Redis(), key, user, minutes(c, 10, 60), 24*time.Hour), "Issue")
			for range 3 { // later, and sooner: idle is from now on
				idle := minutes(c, 10, 300)
				c.NoError(c.Direct().PExpire(c.Context(), key, minutes(c, 1, 9)).Err(), "PEXPIRE") // time passes
				begun := time.Now()
				token, err := exercise.Use(c.Context(), c.Redis(), key, idle)
				c.NoError(err, "Use")
				if token.User != user {
					c.Fail("The token belongs to %q, and Use says %q.", user, token.User)
				}
				ends(c, key, begun, idle, fmt.Sprintf("A token that was used, idle %v,", idle))
			}
		}
	})
}

func TestAbsolute(t *testing.T) {
	check.Task(t, "absolute", func(c *check.C) {
		for i := range 10 {
			idle, life := minutes(c, 10, 60), minutes(c, 70, 120)
			key := c.Key(fmt.Sprintf("token-%d", i))
			begun := time.Now()
			c.NoError(exercise.Issue(c.Context(), c.Redis(), key, "ada", idle, life), "Issue")
			for use := range 3 {
				_, err := exercise.Use(c.Context(), c.Redis(), key, life+minutes(c, 1, 100))
				c.NoError(err, "Use")
				ends(c, key, begun, life, fmt.Sprintf("A token issued for %v at most, after use %d,", life, use+1))
			}
			if c.Rand().IntN(2) == 0 { // what it is called changes nothing about it
				c.NoError(exercise.Rename(c.Context(), c.Redis(), key, someText(c)), "Rename")
				_, err := exercise.Use(c.Context(), c.Redis(), key, life*2)
				c.NoError(err, "Use after Rename")
				ends(c, key, begun, life, fmt.Sprintf("A token issued for %v at most, renamed and used,", life))
			}
		}
	})
}

func TestRevoked(t *testing.T) {
	check.Task(t, "revoked", func(c *check.C) {
		_, err := exercise.Use(c.Context(), c.Redis(), c.Key("nobody"), time.Hour)
		c.Written(err)
		if !errors.Is(err, exercise.ErrNoToken) {
			c.Fail("There is no such token, and Use returned the error %v. The caller waits for ErrNoToken.", err)
		}
		if err := exercise.Rename(c.Context(), c.Redis(), c.Key("nobody"), "phone"); !errors.Is(err, exercise.ErrNoToken) {
			c.Fail("There is no such token, and Rename returned the error %v. The caller waits for ErrNoToken.", err)
		}
		revoking(c, "used", "let in", func(ctx context.Context, rdb redis.Cmdable, key string) error {
			_, err := exercise.Use(ctx, rdb, key, time.Hour)
			return err
		})
		revoking(c, "renamed", "told that it is renamed", func(ctx context.Context, rdb redis.Cmdable, key string) error {
			return exercise.Rename(ctx, rdb, key, "phone")
		})
	})
}

// revoking deletes a token in every moment of a call.
func revoking(c *check.C, done, told string, call func(ctx context.Context, rdb redis.Cmdable, key string) error) {
	var revoked, tooLate bool // the scheduler runs one actor at a time
	c.ExploreOrders(race.Scenario{
		Name: done, Title: "a token that is " + done + " while it is revoked",
		Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			revoked, tooLate = false, false
			return exercise.Issue(ctx, rdb, k("token"), "ada", time.Hour, 24*time.Hour)
		},
		Actors: []race.Actor{
			{Name: "phone", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				err := call(ctx, rdb, k("token"))
				tooLate = revoked
				return err
			}},
			{Name: "ada", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				err := rdb.Del(ctx, k("token")).Err()
				revoked = true
				return err
			}},
		},
		Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
			switch err := ends[0].Err; {
			case rdb.Exists(ctx, k("token")).Val() == 1:
				return violation("Ada revoked the token while it was %s, and it is there again.", done)
			case tooLate && err == nil:
				return violation("Ada revoked the token while it was %s, and the phone was %s.", done, told)
			case err != nil && !errors.Is(err, exercise.ErrNoToken):
				return violation("Ada revoked the token while it was %s, and the phone got the error %q. It waits for ErrNoToken.", done, err)
			}
			return nil
		},
	})
}

func TestLabel(t *testing.T) {
	check.Task(t, "label", func(c *check.C) {
		for i := range 10 {
			key, user, device := c.Key(fmt.Sprintf("token-%d", i)), someText(c), someText(c)
			c.NoError(exercise.Issue(c.Context(), c.Redis(), key, user, time.Hour, 24*time.Hour), "Issue")
			left := minutes(c, 5, 50)
			c.NoError(c.Direct().PExpire(c.Context(), key, left).Err(), "PEXPIRE") // time passes
			begun := time.Now()
			c.NoError(exercise.Rename(c.Context(), c.Redis(), key, device), "Rename")
			ends(c, key, begun, left, fmt.Sprintf("A token with %v left, renamed,", left))
			token, err := exercise.Use(c.Context(), c.Redis(), key, time.Hour)
			c.NoError(err, "Use after Rename")
			if want := (exercise.Token{User: user, Device: device}); token != want {
				c.Fail("The token of %q was renamed to %q. Use returned %q and %q.", want.User, want.Device, token.User, token.Device)
			}
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		key := c.Key("token")
		c.NoError(exercise.Issue(c.Context(), c.Redis(), key, "ada", time.Hour, 24*time.Hour), "Issue")
		for _, call := range []struct {
			what string
			do   func() error
		}{
			{"using a token", func() error { _, err := exercise.Use(c.Context(), c.Redis(), key, time.Hour); return err }},
			{"using it up to its last moment", func() error { _, err := exercise.Use(c.Context(), c.Redis(), key, 48*time.Hour); return err }},
			{"renaming a device", func() error { return exercise.Rename(c.Context(), c.Redis(), key, "phone") }},
		} {
			var err error
			sent := c.Commands(func() { err = call.do() })
			c.NoError(err, call.what)
			if len(sent) > 2 {
				c.Fail("%s took %d commands, and two are enough: %s", call.what, len(sent), lines(c, sent))
			}
		}
	})
}

// ends fails unless the key ends after left, counted from begun.
func ends(c *check.C, key string, begun time.Time, left time.Duration, what string) {
	got, err := c.Direct().PTTL(c.Context(), key).Result()
	c.NoError(err, "PTTL")
	passed := time.Since(begun)
	switch {
	case got == -2:
		c.Fail("%s is not at its key.", what)
	case got == -1:
		c.Fail("%s has no end any more: it lives for ever.", what)
	case got > left+slack:
		c.Fail("%s should end in %v, and ends in %v: that is too late.", what, left, got.Round(time.Second))
	case got < left-passed-slack:
		c.Fail("%s should end in %v, and ends in %v: that is too soon.", what, left, got.Round(time.Second))
	}
}

func minutes(c *check.C, from, to int) time.Duration {
	return time.Duration(from+c.Rand().IntN(to-from+1)) * time.Minute
}

// someText is what people are called, and what breaks home-made formats.
func someText(c *check.C) string {
	texts := []string{"ada", "Ada Lovelace", "a:b", "x|y", `{"user":"eve"}`, "Zoë's phone", "line\nbreak", "1,2;3", ""}
	return texts[c.Rand().IntN(len(texts))]
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
