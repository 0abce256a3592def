package snippets

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// region: pipeline

// Likes reads many counters in one round trip; who has none has zero.
func Likes(ctx context.Context, client *redis.Client, posts []string) ([]int64, error) {
	pipe := client.Pipeline()
	replies := make([]*redis.StringCmd, len(posts))
	for i, post := range posts {
		replies[i] = pipe.Get(ctx, "likes:"+post)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("likes: %w", err)
	}
	counts := make([]int64, len(posts))
	for i, reply := range replies {
		count, err := reply.Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("likes of %s: %w", posts[i], err)
		}
		counts[i] = count
	}
	return counts, nil
}

// endregion
