package canteen

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// way is one way to tell others that a dish has changed.
type way struct {
	name, label string
	lost        string // what it loses when a message is lost
	tone        unit.Tone

	tell func(k *kitchen, ctx context.Context, dish int) error

	tags     bool // entries are listed by their dish
	versions bool // an entry's key has the version of its dish
	hears    bool // the till listens to a channel
	tracks   bool // Redis tells the till
	kit      bool // kit/cache, which is told by Redis too
}

// pushed says that what can be lost is on its way to the till.
func (w way) pushed() bool { return w.hears || w.tracks || w.kit }

var ways = []way{
	{name: "ttl", label: "TTL", lost: "nothing is sent", tell: func(*kitchen, context.Context, int) error { return nil }},
	{name: "delete", label: "delete", lost: "DEL", tell: (*kitchen).byKey},
	{name: "tags", label: "tags", lost: "SMEMBERS, DEL", tell: (*kitchen).byTag, tags: true},
	{name: "versions", label: "versioned namespace", lost: "INCR", tell: (*kitchen).byVersion, versions: true},
	{name: "pubsub", label: "pub/sub", lost: "message to the till", tell: (*kitchen).andPublish, hears: true},
	{name: "tracking", label: "tracking", lost: "push to the till", tone: unit.Good, tell: (*kitchen).byKey, tracks: true},
	{name: "kit", label: "kit/cache", lost: "push to the till", tone: unit.Good, tell: (*kitchen).byKit, kit: true},
	{name: "kit_tags", label: "kit/cache, tags", lost: "push to the till", tone: unit.Good, tell: (*kitchen).byKitTag, kit: true},
}

// pages are where a dish's allergens stand: each is an entry of the cache.
var pages = []string{"board", "card", "week"}

// names makes the keys of one way in one experiment.
type names struct {
	r    *unit.Run
	base string
}

func (n names) entry(dish int, page string) string {
	return n.r.Key(fmt.Sprintf("%s:%d:%s", n.base, dish, page))
}
func (n names) index(dish int) string   { return n.r.Key(fmt.Sprintf("%s-index:%d", n.base, dish)) }
func (n names) version(dish int) string { return n.r.Key(fmt.Sprintf("%s-version:%d", n.base, dish)) }
func (n names) channel() string         { return n.r.Key(n.base + "-changes") }
func (n names) prefix() string          { return n.r.Key(n.base + ":") }

// entries are all that a change of a dish makes old.
func (n names) entries(dish int) []string {
	out := make([]string, len(pages))
	for i, page := range pages {
		out[i] = n.entry(dish, page)
	}
	return out
}

// kitchen is the node that changes dishes.
type kitchen struct {
	names
	rdb *redis.Client
	kit *cache.Cache[string, int]
}

// region: tell

// byKey deletes the entries of a dish, and must know all of them.
func (k *kitchen) byKey(ctx context.Context, dish int) error {
	return k.rdb.Del(ctx, k.entries(dish)...).Err()
}

// byTag asks Redis which entries bear the tag of the dish.
func (k *kitchen) byTag(ctx context.Context, dish int) error {
	keys, err := k.rdb.SMembers(ctx, k.index(dish)).Result()
	if err != nil {
		return err
	}
	return k.rdb.Del(ctx, append(keys, k.index(dish))...).Err()
}

// byVersion deletes nothing: whoever reads looks elsewhere from now on.
func (k *kitchen) byVersion(ctx context.Context, dish int) error {
	return k.rdb.Incr(ctx, k.version(dish)).Err()
}

// andPublish deletes, and tells all who listen.
func (k *kitchen) andPublish(ctx context.Context, dish int) error {
	if err := k.byKey(ctx, dish); err != nil {
		return err
	}
	return k.rdb.Publish(ctx, k.channel(), dish).Err()
}

// endregion

// name is that of an entry in kit/cache, which makes the key. Its tag is its dish.
func name(dish int, page string) string { return fmt.Sprintf("%d:%s", dish, page) }

func tag(name string) string {
	dish, _, _ := strings.Cut(name, ":")
	return "dish " + dish
}

// region: kit

// byKit and byKitTag leave it to kit/cache.
func (k *kitchen) byKit(ctx context.Context, dish int) error {
	board, card, week := name(dish, "board"), name(dish, "card"), name(dish, "week")
	return k.kit.Invalidate(ctx, board, card, week)
}

func (k *kitchen) byKitTag(ctx context.Context, dish int) error {
	return k.kit.InvalidateTag(ctx, fmt.Sprint("dish ", dish))
}

// endregion
