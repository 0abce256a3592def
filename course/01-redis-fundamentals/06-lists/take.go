package queue

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// cookFunc cooks one order: it returns when the plate is out. An error means
// that the cook died over it.
type cookFunc func(ctx context.Context, order string) error

// region: pocket

// fromPocket takes the order off the queue, and then cooks it.
func fromPocket(ctx context.Context, rdb redis.Cmdable, orders string, cook cookFunc) error {
	order, err := rdb.RPop(ctx, orders).Result()
	if err != nil {
		return err // redis.Nil: no order is waiting
	}
	return cook(ctx, order)
}

// endregion

// region: peek

// byPeeking leaves the order in the queue until the plate is out.
func byPeeking(ctx context.Context, rdb redis.Cmdable, orders string, cook cookFunc) error {
	order, err := rdb.LIndex(ctx, orders, -1).Result()
	if err != nil {
		return err
	}
	if err := cook(ctx, order); err != nil {
		return err
	}
	return rdb.RPop(ctx, orders).Err()
}

// endregion

// region: rail

// fromRail hangs the order on the cook's own rail, and takes it down when the
// plate is out.
func fromRail(ctx context.Context, rdb redis.Cmdable, orders, rail string, cook cookFunc) error {
	order, err := rdb.LMove(ctx, orders, rail, "RIGHT", "LEFT").Result()
	if err != nil {
		return err
	}
	if err := cook(ctx, order); err != nil {
		return err
	}
	return rdb.LRem(ctx, rail, 1, order).Err()
}

// endregion

// region: back

// putBack hangs what a dead cook left on his rail in front of the queue.
func putBack(ctx context.Context, rdb redis.Cmdable, orders, rail string) error {
	for {
		err := rdb.LMove(ctx, rail, orders, "LEFT", "RIGHT").Err()
		if errors.Is(err, redis.Nil) {
			return nil // the rail is empty
		}
		if err != nil {
			return err
		}
	}
}

// endregion
