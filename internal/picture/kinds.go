package picture

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// kind is how keys of one type are read. Both functions put commands into a
// pipeline; content gives back what draws their replies into the picture.
type kind struct {
	length     func(p redis.Pipeliner, ctx context.Context, key string) *redis.IntCmd
	content    func(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error
	mayBeEmpty bool
}

// kinds holds the types of Redis itself.
var kinds = map[string]kind{
	"string": {length: redis.Pipeliner.StrLen, content: readString, mayBeEmpty: true},
	"hash":   {length: redis.Pipeliner.HLen, content: readHash},
	"list":   {length: redis.Pipeliner.LLen, content: readList},
	"set":    {length: redis.Pipeliner.SCard, content: readSet},
	"zset":   {length: redis.Pipeliner.ZCard, content: readSortedSet},
	"stream": {length: redis.Pipeliner.XLen, content: readStream, mayBeEmpty: true},
}

func readString(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	value := p.GetRange(ctx, key, 0, MaxBytes) // one byte more than fits, to know whether it was cut
	return func() error {
		k.Items = []Item{{Value: printable(value.Val())}}
		return value.Err()
	}
}

func readHash(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	if k.Length <= MaxItems {
		fields := p.HGetAll(ctx, key)
		return func() error {
			for name, value := range fields.Val() {
				k.Items = append(k.Items, Item{Name: printable(name), Value: printable(value)})
			}
			k.Items = firstItems(k.Items)
			return fields.Err()
		}
	}
	scan := p.HScan(ctx, key, 0, "", MaxItems)
	return func() error {
		pairs, _ := scan.Val()
		for pair := range slices.Chunk(pairs, 2) {
			k.Items = append(k.Items, Item{Name: printable(pair[0]), Value: printable(pair[1])})
		}
		k.Items = firstItems(k.Items)
		return scan.Err()
	}
}

func readSet(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	draw := func(members []string, err error) error {
		for _, member := range members {
			k.Items = append(k.Items, Item{Value: printable(member)})
		}
		k.Items = firstItems(k.Items)
		return err
	}
	if k.Length <= MaxItems {
		members := p.SMembers(ctx, key)
		return func() error { return draw(members.Result()) }
	}
	scan := p.SScan(ctx, key, 0, "", MaxItems)
	return func() error {
		members, _, err := scan.Result()
		return draw(members, err)
	}
}

// firstItems sorts what has no order in Redis and keeps what fits.
func firstItems(items []Item) []Item {
	slices.SortFunc(items, func(a, b Item) int {
		return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value)
	})
	return items[:min(len(items), MaxItems)]
}

func readList(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	elements := p.LRange(ctx, key, 0, MaxItems-1)
	return func() error {
		for i, element := range elements.Val() {
			k.Items = append(k.Items, Item{Name: strconv.Itoa(i), Value: printable(element)})
		}
		return elements.Err()
	}
}

func readSortedSet(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	members := p.ZRangeWithScores(ctx, key, 0, MaxItems-1)
	return func() error {
		for rank, z := range members.Val() {
			k.Items = append(k.Items, Item{Name: strconv.Itoa(rank), Value: printable(fmt.Sprint(z.Member)), Score: score(z.Score)})
		}
		return members.Err()
	}
}

// score writes whole numbers without an exponent as far as a float holds them.
func score(f float64) string {
	if f > -1e15 && f < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64))
}

// readStream asks in plain words: the typed command of go-redis keeps the fields
// of an entry in a map, and their order is part of the picture.
func readStream(ctx context.Context, p redis.Pipeliner, key string, k *Key) func() error {
	entries := p.Do(ctx, "XRANGE", key, "-", "+", "COUNT", MaxItems)
	groups := p.Do(ctx, "XINFO", "GROUPS", key)
	return func() error {
		list, _ := entries.Val().([]any)
		for _, entry := range list {
			if pair, ok := entry.([]any); ok && len(pair) == 2 {
				k.Items = append(k.Items, Item{Name: fmt.Sprint(pair[0]), Value: printable(entryText(pair[1]))})
			}
		}
		// A server without XINFO GROUPS still has entries to show.
		list, _ = groups.Val().([]any)
		for _, group := range list {
			k.Groups = append(k.Groups, groupOf(group))
		}
		return entries.Err()
	}
}

// entryText writes the fields of a stream's entry in their order.
func entryText(fields any) string {
	list, _ := fields.([]any)
	var parts []string
	for pair := range slices.Chunk(list, 2) {
		parts = append(parts, fmt.Sprint(pair[0])+"="+fmt.Sprint(pair[len(pair)-1]))
	}
	return strings.Join(parts, " ")
}

// groupOf reads one group of XINFO GROUPS: a map in RESP3, a flat list in RESP2.
// Servers before 7.0 do not tell the lag.
func groupOf(reply any) Group {
	fields, _ := reply.(map[any]any)
	if list, ok := reply.([]any); ok {
		fields = map[any]any{}
		for pair := range slices.Chunk(list, 2) {
			fields[pair[0]] = pair[len(pair)-1]
		}
	}
	group := Group{Lag: -1}
	group.Name, _ = fields["name"].(string)
	group.Name = printable(group.Name)
	group.Last, _ = fields["last-delivered-id"].(string)
	group.Pending, _ = fields["pending"].(int64)
	if lag, ok := fields["lag"].(int64); ok {
		group.Lag = lag
	}
	return group
}
