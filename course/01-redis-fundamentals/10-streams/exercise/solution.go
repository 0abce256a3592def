//go:build solution

// Package exercise is one cook of a kitchen that loses no order.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Order is one entry of the stream.
type Order struct {
	ID   string // of the entry
	Dish string // its field "dish"
}

// Kitchen is one cook of a group. Several cooks, on several machines, share a
// stream and a group, each under a name of its own.
type Kitchen struct {
	Redis    redis.Cmdable
	Stream   string // key of the stream
	Group    string
	Cook     string        // this cook's name in the group
	Patience time.Duration // who has been silent about an order for this long has dropped out
}

// Open makes the group, and the stream with it, unless they are there. A new group
// begins with the first order of the stream: what was ordered before the kitchen
// opened is cooked too. Open again is no error.
func (k Kitchen) Open(ctx context.Context) error {
	err := k.Redis.XGroupCreateMkStream(ctx, k.Stream, k.Group, "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") { // somebody opened before
		return nil
	}
	return err
}

// Work takes at most n orders, cooks them one after the other, in this goroutine,
// and returns how many were cooked. It takes first what was left behind: orders
// that have been pending for Patience or longer, whoever holds them, and however
// many younger ones lie before them. Only then does it take new ones.
//
// An order is acknowledged when cook has returned nil for it, and before the next
// one is cooked. If cook returns an error, the order stays pending and Work goes
// on with the next. Work never waits for an order to come. Its error is Redis's.
func (k Kitchen) Work(ctx context.Context, n int64, cook func(Order) error) (cooked int, err error) {
	orders, err := k.claim(ctx, n)
	if err != nil {
		return 0, err
	}
	if room := n - int64(len(orders)); room > 0 {
		fresh, err := k.read(ctx, room)
		if err != nil {
			return 0, err // what was claimed is pending, and its time will come again
		}
		orders = append(orders, fresh...)
	}
	for _, o := range orders {
		if cook(o) != nil {
			continue
		}
		if err := k.Redis.XAck(ctx, k.Stream, k.Group, o.ID).Err(); err != nil {
			return cooked, err
		}
		cooked++
	}
	return cooked, nil
}

// Trim throws away the orders that all groups of the stream are done with: each of
// them was handed out and acknowledged, and so was every order before it. It may
// leave the newest of these, and nothing else. It returns how many are gone.
func (k Kitchen) Trim(ctx context.Context) (int64, error) {
	// First how far each group is, then what it holds: an order that is handed out
	// in between is newer than all that is thrown away. The other way round it would
	// count as done.
	groups, err := k.Redis.XInfoGroups(ctx, k.Stream).Result()
	if err != nil || len(groups) == 0 {
		return 0, err
	}
	needed := ""
	for _, g := range groups {
		from := g.LastDeliveredID
		pending, err := k.Redis.XPending(ctx, k.Stream, g.Name).Result()
		if err != nil {
			return 0, err
		}
		if pending.Count > 0 && older(pending.Lower, from) {
			from = pending.Lower
		}
		if needed == "" || older(from, needed) {
			needed = from
		}
	}
	return k.Redis.XTrimMinID(ctx, k.Stream, needed).Result()
}

// claim takes over at most n orders whose cook has been silent for too long. A
// page of XAUTOCLAIM may be empty and not the last one.
func (k Kitchen) claim(ctx context.Context, n int64) ([]Order, error) {
	var orders []Order
	start := "0-0"
	for int64(len(orders)) < n {
		left, next, err := k.Redis.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: k.Stream, Group: k.Group, Consumer: k.Cook,
			MinIdle: k.Patience, Start: start, Count: n - int64(len(orders)),
		}).Result()
		if err != nil {
			return nil, err
		}
		orders = append(orders, ordersOf(left)...)
		if start = next; start == "0-0" {
			break
		}
	}
	return orders, nil
}

// read takes at most n orders that nobody has taken yet.
func (k Kitchen) read(ctx context.Context, n int64) ([]Order, error) {
	read, err := k.Redis.XReadGroup(ctx, &redis.XReadGroupArgs{
		Streams: []string{k.Stream, ">"}, Group: k.Group, Consumer: k.Cook,
		Count: n, Block: -1, // 0 would wait for ever
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ordersOf(read[0].Messages), nil
}

func ordersOf(entries []redis.XMessage) []Order {
	var orders []Order
	for _, e := range entries {
		dish, _ := e.Values["dish"].(string)
		orders = append(orders, Order{ID: e.ID, Dish: dish})
	}
	return orders
}

// older says that the entry a came before b. Ids are two numbers, so they do not
// compare as text: 5-9 is older than 5-10.
func older(a, b string) bool {
	var ms, seq [2]uint64
	for i, id := range []string{a, b} {
		_, _ = fmt.Sscanf(id, "%d-%d", &ms[i], &seq[i])
	}
	return ms[0] < ms[1] || ms[0] == ms[1] && seq[0] < seq[1]
}
