package stations

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// way is one way to read the stations of a map.
type way struct {
	name, label string
	draw        func(ctx context.Context, rdb *redis.Client, keys []string) error
}

var ways = []way{
	{"one", "one by one", oneByOne},
	{"pool", "goroutines on a pool", sideBySide},
	{"pipeline", "a pipeline", together},
	{"auto", "goroutines, auto-pipelined", gathered},
	{"futures", "futures", futures},
}

// region: one

// oneByOne is the loop that everybody writes first.
func oneByOne(ctx context.Context, rdb *redis.Client, keys []string) error {
	for _, key := range keys {
		if err := rdb.Get(ctx, key).Err(); err != nil {
			return err
		}
	}
	return nil
}

// endregion

// region: pool

// sideBySide asks for all at the same time, each on a connection of the pool.
func sideBySide(ctx context.Context, rdb *redis.Client, keys []string) error {
	return each(keys, func(key string) error { return rdb.Get(ctx, key).Err() })
}

// each calls get for every key in a goroutine of its own and waits for all.
func each(keys []string, get func(key string) error) error {
	var all sync.WaitGroup
	errs := make([]error, len(keys))
	for i, key := range keys {
		all.Go(func() { errs[i] = get(key) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// endregion

// region: pipeline

// together sends all, then reads all.
func together(ctx context.Context, rdb *redis.Client, keys []string) error {
	_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, key := range keys {
			pipe.Get(ctx, key)
		}
		return nil
	})
	return err
}

// endregion

// gathered is sideBySide, and go-redis gathers the commands of all callers.
func gathered(ctx context.Context, rdb *redis.Client, keys []string) error {
	auto, err := rdb.AutoPipeline()
	if err != nil {
		return err
	}
	return each(keys, func(key string) error { return auto.Get(ctx, key).Err() })
}

// futures asks for all without waiting, and then waits for each.
func futures(ctx context.Context, rdb *redis.Client, keys []string) error {
	// region: futures
	async, err := rdb.AsyncAutoPipeline() // one for all callers; closed with the client
	if err != nil {
		return err
	}
	asked := make([]redis.AutoFuture, len(keys))
	for i, key := range keys {
		asked[i] = async.Submit(ctx, redis.NewStringCmd(ctx, "get", key)) // returns at once
	}
	for _, answer := range asked {
		if err := answer.WaitContext(ctx); err != nil { // leaves when ctx ends
			return err
		}
	}
	// endregion
	return nil
}
