package batch

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// price is one line of the list.
type price struct {
	key   string
	cents int
}

// region: one

// oneByOne waits for each reply before it sends the next command.
func oneByOne(ctx context.Context, rdb *redis.Client, list []price) error {
	for _, p := range list {
		if err := rdb.Set(ctx, p.key, p.cents, 0).Err(); err != nil {
			return err
		}
	}
	return nil
}

// endregion

// region: pipeline

// pipelined sends all commands, then reads all replies.
func pipelined(ctx context.Context, rdb *redis.Client, list []price) error {
	pipe := rdb.Pipeline()
	for _, p := range list {
		pipe.Set(ctx, p.key, p.cents, 0) // queued, not sent
	}
	_, err := pipe.Exec(ctx)
	return err
}

// endregion

// region: mset

// mset is one command for all.
func mset(ctx context.Context, rdb *redis.Client, list []price) error {
	var pairs []any
	for _, p := range list {
		pairs = append(pairs, p.key, p.cents)
	}
	return rdb.MSet(ctx, pairs...).Err()
}

// endregion

// manyCallers shares the list among callers, each on a connection of its own.
func manyCallers(callers int) loader {
	return func(ctx context.Context, rdb *redis.Client, list []price) error {
		return share(callers, list, func(p price) error { return rdb.Set(ctx, p.key, p.cents, 0).Err() })
	}
}

// autoPipelined is the same, and go-redis gathers what the callers send.
func autoPipelined(callers int) loader {
	return func(ctx context.Context, rdb *redis.Client, list []price) error {
		// region: auto
		auto, err := rdb.AutoPipeline() // one for all callers; closed with the client
		if err != nil {
			return err
		}
		return share(callers, list, func(p price) error {
			return auto.Set(ctx, p.key, p.cents, 0).Err() // waits for its reply, as ever
		})
		// endregion
	}
}

// share has the prices set by so many callers at once.
func share(callers int, list []price, set func(price) error) error {
	var all sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		all.Go(func() {
			for i := c; i < len(list) && errs[c] == nil; i += callers {
				errs[c] = set(list[i])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
