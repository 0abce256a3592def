package counter

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

const photo = "likes:42"

// region: get-set

// likeByGetSet reads, adds one, and writes back.
func likeByGetSet(ctx context.Context, rdb redis.Cmdable, key string) error {
	n, err := rdb.Get(ctx, key).Int()
	if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: no such key, so n is 0
		return err
	}
	return rdb.Set(ctx, key, n+1, 0).Err()
}

// endregion

// region: incr

// likeByIncr lets Redis add.
func likeByIncr(ctx context.Context, rdb redis.Cmdable, key string) error {
	return rdb.Incr(ctx, key).Err()
}

// endregion

var (
	getSet = twoLikes("get-set", "GET, then SET", likeByGetSet)
	incr   = twoLikes("incr", "INCR", likeByIncr)
)

// twoLikes is the race: two people like one photo. Whoever was told that the
// like is in must find it counted.
func twoLikes(name, title string, like func(context.Context, redis.Cmdable, string) error) race.Scenario {
	person := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return like(ctx, c, k(photo))
		}}
	}
	return race.Scenario{
		Name:   name,
		Title:  title,
		Setup:  func(ctx context.Context, c race.Client, k race.Keys) error { return c.Set(ctx, k(photo), 0, 0).Err() },
		Actors: []race.Actor{person("alice"), person("bob")},
		Watch:  []string{photo},
		Good:   "Every like that was acknowledged is counted.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			counted, err := c.Get(ctx, k(photo)).Int()
			if err != nil {
				return err
			}
			given := 0
			for _, end := range ends {
				if end.Err == nil && !end.Crashed {
					given++
				}
			}
			if counted < given {
				return &race.Violation{Message: fmt.Sprintf("%s is %d. Likes acknowledged: %d; lost: %d.", photo, counted, given, given-counted)}
			}
			return nil
		},
	}
}
