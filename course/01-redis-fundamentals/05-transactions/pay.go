package transaction

import (
	"context"
	_ "embed"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

var errTooLittle = errors.New("not enough in the box")

// pay moves money from one box to another.
type pay func(ctx context.Context, c race.Client, from, to string, amount int64) error

// region: get-set

// payByGetSet reads both boxes, computes, and writes both.
func payByGetSet(ctx context.Context, c race.Client, from, to string, amount int64) error {
	has, err := read(ctx, c, from)
	if err != nil {
		return err
	}
	gets, err := read(ctx, c, to)
	if err != nil {
		return err
	}
	if has < amount {
		return errTooLittle
	}
	return c.MSet(ctx, from, has-amount, to, gets+amount).Err()
}

// endregion

// region: multi

// payByMulti looks, and then moves the money in a transaction.
func payByMulti(ctx context.Context, c race.Client, from, to string, amount int64) error {
	has, err := read(ctx, c, from)
	if err != nil {
		return err
	}
	if has < amount {
		return errTooLittle
	}
	_, err = c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.DecrBy(ctx, from, amount)
		pipe.IncrBy(ctx, to, amount)
		return nil
	})
	return err
}

// endregion

// region: watch

// payByWatch does the same, if nobody touched the box since it looked.
func payByWatch(ctx context.Context, c race.Client, from, to string, amount int64) error {
	return c.Watch(ctx, func(tx *redis.Tx) error {
		has, err := read(ctx, tx, from)
		if err != nil {
			return err
		}
		if has < amount {
			return errTooLittle
		}
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.DecrBy(ctx, from, amount)
			pipe.IncrBy(ctx, to, amount)
			return nil
		})
		return err // redis.TxFailedErr if somebody did
	}, from)
}

// endregion

// region: retry

// payWatched tries until nobody was in the way, but not for ever.
func payWatched(ctx context.Context, c race.Client, from, to string, amount int64) error {
	for range maxTries {
		err := payByWatch(ctx, c, from, to, amount)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return errBusy
}

// endregion

// maxTries is far beyond what the experiment needs.
const maxTries = 10_000

var errBusy = errors.New("others were in the way, too often")

//go:embed pay.lua
var payLua string

// region: run-script

var payScript = redis.NewScript(payLua)

// payByScript sends the name of the script, and its text if Redis does not have it.
func payByScript(ctx context.Context, c race.Client, from, to string, amount int64) error {
	paid, err := payScript.Run(ctx, c, []string{from, to}, amount).Int()
	if err == nil && paid == 0 {
		return errTooLittle
	}
	return err
}

// endregion

// read returns what is in a box: nothing, when there is no such key.
func read(ctx context.Context, c redis.Cmdable, box string) (int64, error) {
	n, err := c.Get(ctx, box).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, err
}
