package stampede

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// kitReader is a process that uses the toolkit's cache.
type kitReader struct {
	pages  *cache.Cache[string, string]
	origin *origin
}

// newKit opens a process's cache. All that was shown is on by default, but for stale
// pages: how old an answer may be is yours to say.
func newKit(rdb *redis.Client, name string, o *origin, ttl time.Duration) (*kitReader, error) {
	// region: kit
	pages, err := cache.New(rdb, cache.Options[string, string]{
		Name:                 name,
		TTL:                  ttl,
		Jitter:               0.5,             // 0.1 unless you say otherwise
		StaleWhileRevalidate: oldest,          // none unless you say so
		RedisTimeout:         5 * time.Second, // eight ways at once may keep a small machine busy
	})
	// endregion
	return &kitReader{pages, o}, err
}

func (k *kitReader) fetch(ctx context.Context, key string) (waited bool, err error) {
	before := k.pages.Stats().Misses
	_, err = k.pages.Fetch(ctx, key, func(ctx context.Context, _ string) (string, error) {
		_, err := k.origin.load(ctx)
		return "results", err
	})
	return k.pages.Stats().Misses > before, err
}

func (k *kitReader) fill(ctx context.Context, keys []string) error {
	_, err := k.pages.FetchMany(ctx, keys, func(_ context.Context, keys []string) (map[string]string, error) {
		all := map[string]string{}
		for _, key := range keys {
			all[key] = "results"
		}
		return all, nil
	})
	return err
}

// settle has nothing to wait for: a refresh ends within the load's time.
func (k *kitReader) settle() {}
