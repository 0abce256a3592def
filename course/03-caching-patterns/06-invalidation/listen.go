package canteen

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// hear listens to what the kitchen publishes.
func (t *till) hear(ctx context.Context, running *sync.WaitGroup) error {
	sub := t.rdb.Subscribe(ctx, t.channel())
	if _, err := sub.Receive(ctx); err != nil { // the server's confirmation
		return err
	}
	running.Go(func() { <-ctx.Done(); _ = sub.Close() })
	running.Go(func() { t.listen(sub) })
	return nil
}

// region: listen

// listen forgets what is published. When the connection breaks, go-redis opens another
// one, and this loop learns nothing of it.
func (t *till) listen(sub *redis.PubSub) {
	for message := range sub.Channel() {
		if dish, err := strconv.Atoi(message.Payload); err == nil {
			t.copies.forget(t.entries(dish)...)
		}
	}
}

// endregion

// How often a connection for pushes is asked whether it lives, and for how long it may
// say nothing.
const (
	asks     = 100 * time.Millisecond
	patience = 5 * asks
)

// trackOptions make each new connection one to which Redis pushes the names of keys
// that have changed. The pushes come as messages of a channel, as RESP2 has them.
func (t *till) trackOptions(to *wire) func(o *redis.Options) {
	return func(o *redis.Options) {
		to.options(o)
		o.Protocol = 2
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		o.OnConnect = func(ctx context.Context, c *redis.Conn) error {
			id, err := c.ClientID(ctx).Result()
			if err != nil {
				return err
			}
			return c.ClientTrackingOn(ctx, &redis.ClientTrackingOptions{Redirect: id, Bcast: true, Prefixes: []string{t.prefix()}}).Err()
		}
	}
}

// track listens to what Redis pushes, one session after the other.
func (t *till) track(ctx context.Context, rdb *redis.Client, running *sync.WaitGroup) error {
	begun := make(chan error, 1) // a session stands, or none will
	enough := time.Now().Add(10 * time.Second)
	running.Go(func() {
		for ctx.Err() == nil {
			if err := t.session(ctx, rdb, func() { tell(begun, nil) }); time.Now().After(enough) {
				tell(begun, err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(asks / 10):
			}
		}
	})
	select {
	case err := <-begun:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell says it to whoever waits, and to nobody once that is over.
func tell(to chan<- error, err error) {
	select {
	case to <- err:
	default:
	}
}

// region: session

// session is one connection for pushes. When it ends, or has said nothing for too long,
// pushes may be lost: so all copies go, and none is kept until the next one stands.
func (t *till) session(ctx context.Context, rdb *redis.Client, stands func()) error {
	sub := rdb.Subscribe(ctx, "__redis__:invalidate")
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	defer t.copies.forgetAll(true)
	if _, err := sub.ReceiveTimeout(ctx, patience); err != nil { // the confirmation
		return err
	}
	t.copies.forgetAll(false)
	stands()
	asking, end := context.WithCancel(ctx)
	var asker sync.WaitGroup
	asker.Go(func() { ping(asking, sub) })
	defer asker.Wait()
	defer end()
	for {
		message, err := sub.ReceiveTimeout(ctx, patience)
		if err != nil {
			return err
		}
		if m, ok := message.(*redis.Message); ok { // otherwise the answer to a PING
			t.copies.forget(m.PayloadSlice...)
		}
	}
}

// endregion

// ping asks until ctx ends. Whether there is an answer is for the reader to see.
func ping(ctx context.Context, sub *redis.PubSub) {
	for ctx.Err() == nil && sub.Ping(ctx) == nil {
		select {
		case <-ctx.Done():
		case <-time.After(asks):
		}
	}
}
