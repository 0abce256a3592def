//go:build ignore

// Package exercise is a one-time code, and a transfer that never overdraws.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	life     = 300 * time.Second
	attempts = 3
	tries    = 99
)

// Numbers instead of a transaction: each issued code has a number, INCR gives each
// attempt one of its own, and SET NX lets one caller through.

// Issue stores a one-time code at key: it can be redeemed for 5 minutes, and 3
// attempts may be made. It replaces an earlier code and its attempts.
//
// Everything that Issue and Redeem store lies at key, or at keys that begin with
// it and a colon (key:tries). No such key is ever without an end, also if the
// program dies between two commands. How you store it is up to you.
func Issue(ctx context.Context, rdb Client, key, code string) error {
	pipe := rdb.TxPipeline()
	issued := pipe.Incr(ctx, key+":issued")
	pipe.Expire(ctx, key+":issued", 3*life) // longer than what belongs to a number
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	return rdb.Set(ctx, key+":code", fmt.Sprint(issued.Val(), " ", code), life).Err()
}

// Redeem says whether code is the right one, and uses it up: of all calls with
// the right code one gets true. Each call is an attempt, and after 3 wrong ones
// the right code does not help either. Attempts do not prolong the 5 minutes.
// Without a code at key, or with one that is used, it is false without an error.
// If Redeem returns an error, it returns false.
//
// Redeem costs 5 round trips at most when nobody is in the way.
func Redeem(ctx context.Context, rdb Client, key, code string) (bool, error) {
	stored, err := rdb.Get(ctx, key+":code").Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	number, right, _ := strings.Cut(stored, " ")
	pipe := rdb.TxPipeline()
	attempt := pipe.Incr(ctx, key+":tries:"+number)
	pipe.ExpireNX(ctx, key+":tries:"+number, life)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	if code != right || attempt.Val() > attempts {
		return false, nil
	}
	return rdb.SetNX(ctx, key+":used:"+number, "yes", life).Result()
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
	for range tries {
		err := rdb.Watch(ctx, func(tx *redis.Tx) error {
			both, err := tx.MGet(ctx, from, to).Result()
			if err != nil {
				return err
			}
			has, gets := amount(both[0]), amount(both[1])
			if has < cents {
				return ErrTooLittle
			}
			pipe := tx.TxPipeline()
			pipe.MSet(ctx, from, has-cents, to, gets+cents)
			_, err = pipe.Exec(ctx)
			return err
		}, from, to)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return ErrBusy
}

// amount reads what MGET returned: nothing is 0.
func amount(value any) int64 {
	text, _ := value.(string)
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
