//go:build !solution

// The shop's Redis. This is the file to mend. main.go calls these functions: keep
// their names and parameters; change what is inside, add functions as you like.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// viewsKeep is how long the counters of a day are wanted: that day, the next,
	// and some room.
	viewsKeep = 3 * dayLength
	// feedKeep and cartKeep are how long an entry and an untouched cart are wanted.
	feedKeep = time.Hour
	cartKeep = 30 * time.Minute
	// feedLength is how many entries the feed shows.
	feedLength = 20
)

// countViews adds n views of a product to the day's counter and returns how many
// there are. Browsers report in batches: n is one or more.
func countViews(ctx context.Context, rdb *redis.Client, day, product string, n int64) (int64, error) {
	key := "views:" + day + ":" + product
	views, err := rdb.IncrBy(ctx, key, n).Result()
	if err != nil {
		return 0, err
	}
	if views == 1 { // the first of the day
		err = rdb.Expire(ctx, key, viewsKeep).Err()
	}
	return views, err
}

// viewsOf returns how many views a product had on a day.
func viewsOf(ctx context.Context, rdb *redis.Client, day, product string) (int64, error) {
	views, err := rdb.Get(ctx, "views:"+day+":"+product).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return views, err
}

// publish puts an entry into the feed.
func publish(ctx context.Context, rdb *redis.Client, entry string) error {
	number, err := rdb.Incr(ctx, "feed-number").Result()
	if err != nil {
		return err
	}
	return rdb.Set(ctx, fmt.Sprintf("feed:%09d", number), entry, feedKeep).Err()
}

// feed returns the newest entries, the newest first.
func feed(ctx context.Context, rdb *redis.Client) ([]string, error) {
	keys, err := rdb.Keys(ctx, "feed:*").Result()
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	slices.Sort(keys)
	slices.Reverse(keys)
	keys = keys[:min(feedLength, len(keys))]
	values, err := rdb.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	var entries []string
	for _, v := range values {
		if entry, ok := v.(string); ok {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// addToCart puts n pieces of a product into a cart.
func addToCart(ctx context.Context, rdb *redis.Client, cart, product string, n int64) error {
	items, err := cartOf(ctx, rdb, cart)
	if err != nil {
		return err
	}
	items[product] += n
	text, err := json.Marshal(items)
	if err != nil {
		return err
	}
	return rdb.Set(ctx, "cart:"+cart, text, cartKeep).Err()
}

// cartOf returns what is in a cart: pieces by product.
func cartOf(ctx context.Context, rdb *redis.Client, cart string) (map[string]int64, error) {
	items := map[string]int64{}
	text, err := rdb.Get(ctx, "cart:"+cart).Bytes()
	if errors.Is(err, redis.Nil) {
		return items, nil
	}
	if err != nil {
		return nil, err
	}
	return items, json.Unmarshal(text, &items)
}
