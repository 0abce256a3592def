//go:build solution

// Package exercise is a one-time code, and a transfer that never overdraws.
package exercise

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// What Transfer answers when nothing was moved.
var (
	ErrTooLittle = errors.New("not enough in the account")
	ErrBusy      = errors.New("others were in the way, too often")
)

// Client is what you work with. *redis.Client is one. While Watch runs your
// function, use its tx alone: tx holds a connection, and there may be no other.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

const (
	life     = 5 * time.Minute
	attempts = 3
	tries    = 50
)

// unhindered calls fn in a transaction until nobody changed a key in between.
func unhindered(ctx context.Context, rdb Client, fn func(*redis.Tx) error, keys ...string) error {
	for range tries {
		err := rdb.Watch(ctx, fn, keys...)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return ErrBusy
}

// Issue stores a one-time code at key: it can be redeemed for 5 minutes, and 3
// attempts may be made. It replaces an earlier code and its attempts.
//
// Everything that Issue and Redeem store lies at key, or at keys that begin with
// it and a colon (key:tries). No such key is ever without an end, also if the
// program dies between two commands. How you store it is up to you.
func Issue(ctx context.Context, rdb Client, key, code string) error {
	_, err := rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Del(ctx, key)
		pipe.HSet(ctx, key, "code", code, "left", attempts)
		pipe.Expire(ctx, key, life)
		return nil
	})
	return err
}

// Redeem says whether code is the right one, and uses it up: of all calls with
// the right code one gets true. Each call is an attempt, and after 3 wrong ones
// the right code does not help either. Attempts do not prolong the 5 minutes.
// Without a code at key, or with one that is used, it is false without an error.
// If Redeem returns an error, it returns false.
//
// Redeem costs 5 round trips at most when nobody is in the way.
func Redeem(ctx context.Context, rdb Client, key, code string) (bool, error) {
	used := false
	err := unhindered(ctx, rdb, func(tx *redis.Tx) error {
		used = false // the try before may have been right, and too late
		stored, err := tx.HGetAll(ctx, key).Result()
		if err != nil || len(stored) == 0 {
			return err
		}
		left, err := strconv.Atoi(stored["left"])
		if err != nil {
			return err
		}
		used = stored["code"] == code
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			if used || left <= 1 {
				pipe.Del(ctx, key)
			} else {
				pipe.HIncrBy(ctx, key, "left", -1) // leaves the end as it is
			}
			return nil
		})
		return err
	}, key)
	return used && err == nil, err
}

// Transfer moves cents, which is above 0, from one account to another. An account
// is a key with a whole number; no key is 0. from and to are different.
//
// It returns nil when the money was moved, ErrTooLittle when from has less than
// cents, and ErrBusy when it gave up since others were in the way: it tries at
// least 10 times, and at most 100. In both cases, and whenever the program dies,
// either both accounts have changed or none has, and from is never below 0.
//
// Transfer costs 5 round trips at most when nobody is in the way.
func Transfer(ctx context.Context, rdb Client, from, to string, cents int64) error {
	return unhindered(ctx, rdb, func(tx *redis.Tx) error {
		has, err := tx.Get(ctx, from).Int64()
		if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: no such key, so has is 0
			return err
		}
		if has < cents {
			return ErrTooLittle
		}
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.DecrBy(ctx, from, cents)
			pipe.IncrBy(ctx, to, cents)
			return nil
		})
		return err
	}, from)
}
