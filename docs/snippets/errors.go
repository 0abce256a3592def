package snippets

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// region: nil

// ErrNoUser says that there is no user of that id.
var ErrNoUser = errors.New("users: no such user")

// Email returns the address of a user, or ErrNoUser.
func Email(ctx context.Context, client *redis.Client, id string) (string, error) {
	email, err := client.HGet(ctx, "user:"+id, "email").Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", ErrNoUser
	case err != nil:
		return "", fmt.Errorf("users: email of %q: %w", id, err)
	}
	return email, nil
}

// endregion
