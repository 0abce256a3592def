package plaza

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// pushed is where Redis tells which keys have changed, to who speaks RESP2.
const pushed = "__redis__:invalidate"

// region: listen

// listen has Redis push the names of all keys below prefix that change, whoever changes
// them, until ctx ends.
func listen(ctx context.Context, o redis.Options, prefix string, m *memory, ready func()) error {
	o.Protocol, o.PoolSize = 2, 1
	o.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
		me, err := conn.ClientID(ctx).Result()
		if err != nil {
			return err
		}
		return conn.Do(ctx, "CLIENT", "TRACKING", "ON", "REDIRECT", me, "BCAST", "PREFIX", prefix).Err()
	}
	rdb := redis.NewClient(&o)
	defer rdb.Close()
	sub := rdb.Subscribe(ctx, pushed)
	defer sub.Close()
	for messages := sub.ChannelWithSubscriptions(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case message := <-messages:
			switch message := message.(type) {
			case *redis.Subscription: // at first, and after each break: what was said before was missed
				m.forgetAll()
				ready()
			case *redis.Message:
				for _, key := range message.PayloadSlice {
					m.forget(nameOf(key, prefix))
				}
			}
		}
	}
}

// endregion

// nameOf is the name of a tariff in a key of kit/cache, <prefix>{<name>}:v.
func nameOf(key, prefix string) string {
	return strings.TrimSuffix(strings.TrimPrefix(key, prefix+"{"), "}:v")
}

// listening runs a listener, and returns when it hears.
func listening(ctx context.Context, rdb *redis.Client, prefix string, m *memory) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- listen(ctx, *rdb.Options(), prefix, m, func() {
			select {
			case ready <- struct{}{}:
			default: // the first time is enough
			}
		})
	}()
	stop = func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	select {
	case <-ready:
		return stop, nil
	case err := <-ended:
		cancel()
		return nil, err
	}
}
