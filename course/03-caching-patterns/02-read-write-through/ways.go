package lifts

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// life is how long an entry stays in the cache.
const life = 5 * time.Minute

// save brings a write to the database.
type save func(ctx context.Context) error

// load reads a lift from the database.
type load func(ctx context.Context, lift string) (string, error)

// region: aside

// writeAside writes the database and forgets what the cache has.
func writeAside(ctx context.Context, rdb redis.Cmdable, key, _ string, save save) error {
	if err := save(ctx); err != nil {
		return err
	}
	return rdb.Del(ctx, key).Err()
}

// endregion

// region: first

// writeFirst writes the cache, since everybody looks there, and then the database.
func writeFirst(ctx context.Context, rdb redis.Cmdable, key, state string, save save) error {
	if err := rdb.Set(ctx, key, state, life).Err(); err != nil {
		return err
	}
	return save(ctx)
}

// endregion

// region: through

// writeThrough writes the database, and then the cache.
func writeThrough(ctx context.Context, rdb redis.Cmdable, key, state string, save save) error {
	if err := save(ctx); err != nil {
		return err
	}
	return rdb.Set(ctx, key, state, life).Err()
}

// endregion

// read looks into the cache, then into the database, and stores what it found.
func read(ctx context.Context, rdb redis.Cmdable, key, lift string, load load) (string, error) {
	state, err := rdb.Get(ctx, key).Result()
	if !errors.Is(err, redis.Nil) {
		return state, err
	}
	if state, err = load(ctx, lift); err != nil {
		return "", err
	}
	return state, rdb.Set(ctx, key, state, life).Err()
}

// board is one way to keep the cache beside the database, through one client.
type board struct {
	read  func(ctx context.Context, lift string, load load) (string, error)
	write func(ctx context.Context, lift, state string, save save) error
}

// way makes boards: one for each client that takes part.
type way struct {
	name, label string
	tone        unit.Tone
	waits       bool // readers wait while a write is at work
	open        func(r *unit.Run, rdb *redis.Client) (board, error)
}

var ways = []way{
	{"aside", "cache-aside: database, then delete", unit.Plain, false, byHand("aside", writeAside)},
	{"first", "write-through, cache first", unit.Bad, false, byHand("first", writeFirst)},
	{"through", "write-through, database first", unit.Plain, false, byHand("through", writeThrough)},
	{"kit", "kit/cache: Fetch and Write", unit.Good, true, byKit},
}

// byHand is a way of three lines.
func byHand(name string, write func(ctx context.Context, rdb redis.Cmdable, key, state string, save save) error) func(*unit.Run, *redis.Client) (board, error) {
	return func(r *unit.Run, rdb *redis.Client) (board, error) {
		key := func(lift string) string { return r.Key(name + ":" + lift) }
		return board{
			read: func(ctx context.Context, lift string, load load) (string, error) {
				return read(ctx, rdb, key(lift), lift, load)
			},
			write: func(ctx context.Context, lift, state string, save save) error {
				return write(ctx, rdb, key(lift), state, save)
			},
		}, nil
	}
}

// leaseLife is how long a write that died keeps readers at the database.
const leaseLife = 500 * time.Millisecond

func byKit(r *unit.Run, rdb *redis.Client) (board, error) {
	// region: kit
	lifts, err := cache.New(rdb, cache.Options[string, string]{Name: r.Space("lifts"), TTL: life, LeaseTTL: leaseLife})
	if err != nil {
		return board{}, err
	}
	return board{
		read: func(ctx context.Context, lift string, load load) (string, error) {
			return lifts.Fetch(ctx, lift, load) // read through
		},
		write: func(ctx context.Context, lift, state string, save save) error {
			return lifts.Write(ctx, lift, state, save) // write through
		},
	}, nil
	// endregion
}
