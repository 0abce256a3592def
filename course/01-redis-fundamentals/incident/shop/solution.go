//go:build solution

// The shop's Redis. This is the file to mend. main.go calls these functions: keep
// their names and parameters; change what is inside, add functions as you like.
package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// viewsKeep is how long the counters of a day are wanted: that day, the next,
	// and some room.
	viewsKeep = 3 * dayLength
	// cartKeep is how long an untouched cart is wanted.
	cartKeep = 30 * time.Minute
	// feedLength is how many entries the feed shows.
	feedLength = 20
)

// countViews adds n views of a product to the day's counter and returns how many
// there are. Browsers report in batches: n is one or more.
func countViews(ctx context.Context, rdb *redis.Client, day, product string, n int64) (int64, error) {
	key := "views:" + day + ":" + product
	var views *redis.IntCmd
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		views = p.IncrBy(ctx, key, n)
		p.ExpireNX(ctx, key, viewsKeep) // whichever batch is the first
		return nil
	})
	return views.Val(), err
}

// viewsOf returns how many views a product had on a day.
func viewsOf(ctx context.Context, rdb *redis.Client, day, product string) (int64, error) {
	views, err := rdb.Get(ctx, "views:"+day+":"+product).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return views, err
}

// publish puts an entry into the feed: a list that is as long as what is shown.
func publish(ctx context.Context, rdb *redis.Client, entry string) error {
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.LPush(ctx, "feed", entry)
		p.LTrim(ctx, "feed", 0, feedLength-1)
		return nil
	})
	return err
}

// feed returns the newest entries, the newest first.
func feed(ctx context.Context, rdb *redis.Client) ([]string, error) {
	return rdb.LRange(ctx, "feed", 0, feedLength-1).Result()
}

// addToCart puts n pieces of a product into a cart: one field of a hash, so that
// nobody writes what somebody else has read.
func addToCart(ctx context.Context, rdb *redis.Client, cart, product string, n int64) error {
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HIncrBy(ctx, "cart:"+cart, product, n)
		p.Expire(ctx, "cart:"+cart, cartKeep)
		return nil
	})
	return err
}

// cartOf returns what is in a cart: pieces by product.
func cartOf(ctx context.Context, rdb *redis.Client, cart string) (map[string]int64, error) {
	fields, err := rdb.HGetAll(ctx, "cart:"+cart).Result()
	if err != nil {
		return nil, err
	}
	items := map[string]int64{}
	for product, text := range fields {
		if items[product], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, err
		}
	}
	return items, nil
}
