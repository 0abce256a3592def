//go:build ignore

// Package exercise is a one-time code, and a transfer that never overdraws.
package exercise

import (
	"context"
	"errors"

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

// A code and its attempts in one hash: the whole rule in one place.
var issue = redis.NewScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'code', ARGV[1], 'tries', 0)
redis.call('PEXPIRE', KEYS[1], 300000)
return 1`)

var redeem = redis.NewScript(`
local code = redis.call('HGET', KEYS[1], 'code')
if not code then
  return 0
end
if code == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) >= 3 then
  redis.call('DEL', KEYS[1])
end
return 0`)

var transfer = redis.NewScript(`
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  return 0
end
redis.call('INCRBY', KEYS[2], ARGV[1])
redis.call('DECRBY', KEYS[1], ARGV[1])
return 1`)

// Issue stores a one-time code at key: it can be redeemed for 5 minutes, and 3
// attempts may be made. It replaces an earlier code and its attempts.
//
// Everything that Issue and Redeem store lies at key, or at keys that begin with
// it and a colon (key:tries). No such key is ever without an end, also if the
// program dies between two commands. How you store it is up to you.
func Issue(ctx context.Context, rdb Client, key, code string) error {
	return issue.Run(ctx, rdb, []string{key}, code).Err()
}

// Redeem says whether code is the right one, and uses it up: of all calls with
// the right code one gets true. Each call is an attempt, and after 3 wrong ones
// the right code does not help either. Attempts do not prolong the 5 minutes.
// Without a code at key, or with one that is used, it is false without an error.
// If Redeem returns an error, it returns false.
//
// Redeem costs 5 round trips at most when nobody is in the way.
func Redeem(ctx context.Context, rdb Client, key, code string) (bool, error) {
	return redeem.Run(ctx, rdb, []string{key}, code).Bool()
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
	moved, err := transfer.Run(ctx, rdb, []string{from, to}, cents).Bool()
	if err == nil && !moved {
		return ErrTooLittle
	}
	return err
}
