package aside

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// life is how long a product stays in the cache, and unknownLife how long the note
// that there is none; leaseLife is longer than any load takes.
const (
	life        = 5 * time.Minute
	unknownLife = 30 * time.Second
	leaseLife   = 2 * time.Second
)

// errUnknown is what a loader returns when there is no such product.
var errUnknown = errors.New("no such product")

// loader asks the database for one product.
type loader func(ctx context.Context) (string, error)

// region: naive

// naive looks into the cache, and beside it where the cache has nothing.
func naive(ctx context.Context, rdb redis.Cmdable, key string, load loader) (string, error) {
	if text, err := rdb.Get(ctx, key).Result(); err == nil {
		return text, nil
	}
	text, err := load(ctx)
	if err != nil {
		return "", err
	}
	return text, rdb.Set(ctx, key, text, life).Err()
}

// endregion

// The first byte of what leased stores: a product follows, or there is none.
const (
	found   = "+"
	nothing = "-"
)

//go:embed store.lua
var storeLua string

// region: leased

var store = redis.NewScript(storeLua)

// leased tells a miss from an error and from a note, and stores only under a lease
// that nobody has taken away meanwhile.
func leased(ctx context.Context, rdb redis.Cmdable, key string, load loader) (string, error) {
	note, err := rdb.Get(ctx, key).Result()
	switch {
	case err == nil && note == nothing:
		return "", errUnknown
	case err == nil:
		return note[len(found):], nil
	case !errors.Is(err, redis.Nil): // Redis is in trouble: that is no miss
		return load(ctx)
	}
	token := rand.Text()
	mine, err := rdb.SetNX(ctx, lease(key), token, leaseLife).Result()
	text, loadErr := load(ctx)
	note, keep := found+text, life
	if errors.Is(loadErr, errUnknown) {
		note, keep = nothing, unknownLife
	} else if loadErr != nil {
		return "", loadErr
	}
	if err == nil && mine {
		// Refused or failed, the caller has the answer all the same.
		_ = store.Run(ctx, rdb, []string{key, lease(key)}, token, keep.Milliseconds(), note).Err()
	}
	return text, loadErr
}

// endregion

// lease is the key of the lease that belongs to an entry.
func lease(key string) string { return key + ":lease" }

// region: forget

// forget is called after the database was changed: entry and lease go together.
func forget(ctx context.Context, rdb redis.Cmdable, key string) error {
	return rdb.Del(ctx, key, lease(key)).Err()
}

// endregion
