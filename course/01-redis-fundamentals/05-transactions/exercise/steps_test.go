//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/05-transactions/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

// code is a code of six digits.
func code(c *check.C) string { return fmt.Sprintf("%06d", c.Rand().IntN(1_000_000)) }

func issue(c *check.C, key, code string) {
	c.NoError(exercise.Issue(c.Context(), c.Redis(), key, code), "Issue")
}

// redeem tries a code, and ends the task with the sentence when the answer is
// another than want.
func redeem(c *check.C, key, code string, want bool, sentence string) {
	got, err := exercise.Redeem(c.Context(), c.Redis(), key, code)
	c.NoError(err, "Redeem")
	if got != want {
		c.Fail("%s", sentence)
	}
}

// each calls f with every key that lies at key or begins with it, and with the
// time it has left: negative if it has no end.
func each(ctx context.Context, c *check.C, key string, f func(key string, left time.Duration) error) error {
	found := c.Direct().Scan(ctx, 0, key+"*", 1000).Iterator()
	for found.Next(ctx) {
		left, err := c.Direct().PTTL(ctx, found.Val()).Result()
		if err != nil {
			return err
		}
		if left == -2 { // gone since
			continue
		}
		if err := f(found.Val(), left); err != nil {
			return err
		}
	}
	return found.Err()
}

// endless ends the task if a key has no end.
func endless(c *check.C, key, after string) {
	err := each(c.Context(), c, key, func(key string, left time.Duration) error {
		if left < 0 {
			c.Fail("After %s the key %s has no end: it stays in Redis for ever.", after, key)
		}
		return nil
	})
	c.NoError(err, "SCAN")
}

// pass lets time pass for what is stored at key: what would have ended is
// deleted, and the rest ends sooner.
func pass(c *check.C, key string, d time.Duration) {
	err := each(c.Context(), c, key, func(key string, left time.Duration) error {
		switch {
		case left < 0:
			return nil
		case left <= d:
			return c.Direct().Del(c.Context(), key).Err()
		}
		return c.Direct().PExpire(c.Context(), key, left-d).Err()
	})
	c.NoError(err, "PEXPIRE")
}

// balance reads an account past the learner's client.
func balance(ctx context.Context, c *check.C, account string) int64 {
	n, err := c.Direct().Get(ctx, account).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		c.Fail("An account does not hold a whole number any more: %v", err)
	}
	return n
}

// failed is the violation of an actor that returned an error, if one did.
func failed(ends []race.End, what string) error {
	for _, end := range ends {
		if end.Err != nil {
			return violation("%s returned an error: %v", what, end.Err)
		}
	}
	return nil
}

// outcome says what became of a payment.
func outcome(err error) string {
	if err == nil {
		return "paid"
	}
	return name(err)
}

// name is how the learner calls an error.
func name(err error) string {
	switch {
	case err == nil:
		return "no error"
	case errors.Is(err, exercise.ErrTooLittle):
		return "ErrTooLittle"
	case errors.Is(err, exercise.ErrBusy):
		return "ErrBusy"
	case errors.Is(err, redis.TxFailedErr):
		return "redis.TxFailedErr"
	case errors.Is(err, redis.Nil):
		return "redis.Nil"
	}
	return fmt.Sprintf("the error %q", err)
}

// violation is the sentence that a learner reads about a broken order.
func violation(format string, args ...any) error {
	return &race.Violation{Message: fmt.Sprintf(format, args...)}
}
