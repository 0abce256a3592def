package kitchen

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// order is one order as the kitchen gets it.
type order struct {
	number int
	id     string // of the entry in the stream; empty on the other roads
}

// road is a way for orders from the tables to the kitchen.
type road interface {
	// open begins to listen, for a cook of this name.
	open(ctx context.Context, cook string) error
	// send is the waiter's side.
	send(ctx context.Context, number int) error
	// take returns at most n orders, none when there is none.
	take(ctx context.Context, n int) ([]order, error)
	// cooked says that an order is done.
	cooked(ctx context.Context, o order) error
	// drop ends the cook as a power cut would: nothing is said to anybody.
	drop() error
	// again reads the whole evening once more.
	again(ctx context.Context) (int, error)
}

// list is the queue of 1.06: push on one side, pop from the other.
type list struct {
	rdb *redis.Client
	key string
}

func (l *list) open(context.Context, string) error { return nil }

func (l *list) send(ctx context.Context, number int) error {
	return l.rdb.LPush(ctx, l.key, number).Err()
}

func (l *list) take(ctx context.Context, n int) ([]order, error) {
	numbers, err := l.rdb.RPopCount(ctx, l.key, n).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	var taken []order
	for _, text := range numbers {
		number, _ := strconv.Atoi(text)
		taken = append(taken, order{number: number})
	}
	return taken, err
}

func (l *list) cooked(context.Context, order) error { return nil } // a list does not ask

func (l *list) drop() error { return nil }

func (l *list) again(ctx context.Context) (int, error) {
	n, err := l.rdb.LLen(ctx, l.key).Result()
	return int(n), err
}

// channel is Pub/Sub: whoever listens at this moment hears it.
type channel struct {
	rdb   *redis.Client
	name  string
	sub   *redis.PubSub
	heard int // published to us and not taken yet
}

func (c *channel) open(ctx context.Context, _ string) error {
	c.sub, c.heard = c.rdb.Subscribe(ctx, c.name), 0
	_, err := c.sub.Receive(ctx) // the confirmation
	return err
}

func (c *channel) send(ctx context.Context, number int) error {
	listeners, err := c.rdb.Publish(ctx, c.name, number).Result()
	// Not the sum: for a moment a server may still count the screen that was just
	// dropped beside the one that took its place.
	if listeners > 0 {
		c.heard++
	}
	return err
}

func (c *channel) take(ctx context.Context, n int) ([]order, error) {
	var taken []order
	for len(taken) < n && c.heard > 0 {
		message, err := c.sub.ReceiveMessage(ctx)
		if err != nil {
			return taken, err
		}
		c.heard--
		number, _ := strconv.Atoi(message.Payload)
		taken = append(taken, order{number: number})
	}
	return taken, nil
}

func (c *channel) cooked(context.Context, order) error { return nil }

func (c *channel) drop() error { return c.sub.Close() }

func (c *channel) again(context.Context) (int, error) { return 0, nil } // no command reads a channel's past

// stream is a stream with the group of the kitchen.
type stream struct {
	rdb      *redis.Client
	key      string
	cook     string
	patience time.Duration
}

const kitchenGroup = "kitchen"

// region: open

// open makes the group, unless it is there. "0" means: from the first entry.
func (s *stream) open(ctx context.Context, cook string) error {
	s.cook = cook
	err := s.rdb.XGroupCreateMkStream(ctx, s.key, kitchenGroup, "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil
	}
	return err
}

// endregion

// region: send
func (s *stream) send(ctx context.Context, number int) error {
	return s.rdb.XAdd(ctx, &redis.XAddArgs{Stream: s.key, Values: []any{"order", number}}).Err()
}

// endregion

// region: take

// take claims first what a cook left silent for too long, then reads what is new.
func (s *stream) take(ctx context.Context, n int) ([]order, error) {
	left, _, err := s.rdb.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: s.key, Group: kitchenGroup, Consumer: s.cook,
		MinIdle: s.patience, Start: "0", Count: int64(n),
	}).Result()
	if err != nil || len(left) > 0 {
		return ordersOf(left), err
	}
	read, err := s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Streams: []string{s.key, ">"}, Group: kitchenGroup, Consumer: s.cook,
		Count: int64(n),
		Block: -1, // do not wait; 0 would mean: for ever
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ordersOf(read[0].Messages), nil
}

// cooked takes the order off the list of what this cook has in hand.
func (s *stream) cooked(ctx context.Context, o order) error {
	return s.rdb.XAck(ctx, s.key, kitchenGroup, o.id).Err()
}

// endregion

func ordersOf(entries []redis.XMessage) []order {
	var out []order
	for _, e := range entries {
		number, _ := strconv.Atoi(fmt.Sprint(e.Values["order"]))
		out = append(out, order{number: number, id: e.ID})
	}
	return out
}

func (s *stream) drop() error { return nil }

func (s *stream) again(ctx context.Context) (int, error) {
	entries, err := s.rdb.XRange(ctx, s.key, "-", "+").Result()
	return len(entries), err
}
