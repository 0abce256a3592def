//go:build ignore

// Package exercise adds.
package exercise

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Add adds n to the number at key and returns the sum.
func Add(ctx context.Context, rdb redis.Cmdable, key string, n int64) (int64, error) {
	rdb.Exists(ctx, key)
	return rdb.IncrBy(ctx, key, n).Result()
}
