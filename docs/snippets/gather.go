package snippets

import (
	"context"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// region: gather

// Page reads both at once. The first error cancels the other's context.
func Page(ctx context.Context, client *redis.Client, id string) (title, body string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		title, err = client.Get(ctx, "title:"+id).Result()
		return err
	})
	group.Go(func() (err error) {
		body, err = client.Get(ctx, "body:"+id).Result()
		return err
	})
	err = group.Wait() // on a line of its own: return title, body, group.Wait() may read them first
	return title, body, err
}

// endregion
