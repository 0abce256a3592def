//go:build solution

// Package exercise keeps who follows whom, and which photo has which tags.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Follow adds a follower to the set at key: the followers of one person. isNew says
// whether this call is the one that added it: of many calls for the same follower,
// made at the same time or one after the other, exactly one is told true. One
// command.
func Follow(ctx context.Context, rdb redis.Cmdable, key, follower string) (isNew bool, err error) {
	// SADD answers how many of the members were new: 1, or 0.
	added, err := rdb.SAdd(ctx, key, follower).Result()
	return added == 1, err
}

// Follows says whether who is among the followers at key. One command, whose reply
// does not grow with the number of followers. Nobody follows a person whose key
// does not exist.
func Follows(ctx context.Context, rdb redis.Cmdable, key, who string) (bool, error) {
	return rdb.SIsMember(ctx, key, who).Result()
}

// Both returns the people who follow both a and b, which are the sets of two
// people's followers, in any order. Who is not in the answer does not travel either.
// One command.
func Both(ctx context.Context, rdb redis.Cmdable, a, b string) ([]string, error) {
	return rdb.SInter(ctx, a, b).Result()
}

// CountBoth counts the people who follow both, but not further than limit, which is
// at least 1: with a limit of 100 the answer is never above 100. No name travels.
// One command.
func CountBoth(ctx context.Context, rdb redis.Cmdable, a, b string, limit int64) (int64, error) {
	return rdb.SInterCard(ctx, limit, a, b).Result()
}

// Tag files a photo under each of the tags. The photos of a tag are a set at the
// key prefix + tag. Tagging twice is tagging once. One round trip, however many tags.
func Tag(ctx context.Context, rdb redis.Cmdable, prefix, photo string, tags ...string) error {
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys(prefix, tags) {
			p.SAdd(ctx, key, photo)
		}
		return nil
	})
	return err
}

// TaggedAll returns the photos that have all of the tags, in any order; none if
// there are no tags. What is not in the answer does not travel. One round trip at
// most.
func TaggedAll(ctx context.Context, rdb redis.Cmdable, prefix string, tags ...string) ([]string, error) {
	if len(tags) == 0 { // SINTER of nothing is an error
		return nil, nil
	}
	return rdb.SInter(ctx, keys(prefix, tags)...).Result()
}

// TaggedAny returns the photos that have at least one of the tags, each photo once,
// in any order; none if there are no tags. One round trip at most.
func TaggedAny(ctx context.Context, rdb redis.Cmdable, prefix string, tags ...string) ([]string, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	return rdb.SUnion(ctx, keys(prefix, tags)...).Result()
}

// keys are the keys of some tags.
func keys(prefix string, tags []string) []string {
	out := make([]string, len(tags))
	for i, tag := range tags {
		out[i] = prefix + tag
	}
	return out
}
