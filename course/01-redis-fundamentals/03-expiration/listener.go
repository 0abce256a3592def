package expiry

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// listener counts the events of keys that ended.
type listener struct {
	pubsub *redis.PubSub
	heard  atomic.Int64
	pongs  chan struct{}
	done   chan struct{}
}

// listen has a server publish such events, and subscribes. Only on a server of
// our own: CONFIG SET changes it for everybody.
func listen(ctx context.Context, rdb *redis.Client) (*listener, error) {
	// region: listen
	// E: events by name of the event; x: keys that ended. The default is none.
	if err := rdb.ConfigSet(ctx, "notify-keyspace-events", "Ex").Err(); err != nil {
		return nil, err
	}
	pubsub := rdb.Subscribe(ctx, "__keyevent@0__:expired")
	// endregion
	l := &listener{pubsub: pubsub, pongs: make(chan struct{}, 1), done: make(chan struct{})}
	if _, err := pubsub.Receive(ctx); err != nil { // the confirmation
		pubsub.Close()
		return nil, err
	}
	go l.run(ctx)
	return l, nil
}

func (l *listener) run(ctx context.Context) {
	defer close(l.done)
	for {
		message, err := l.pubsub.Receive(ctx)
		if err != nil {
			return // closed
		}
		switch message.(type) {
		case *redis.Message:
			l.heard.Add(1)
		case *redis.Pong:
			l.pongs <- struct{}{}
		}
	}
}

// count is how many were heard of all that were published up to now: the answer
// to a PING arrives behind them.
func (l *listener) count(ctx context.Context) (int, error) {
	if err := l.pubsub.Ping(ctx); err != nil {
		return 0, err
	}
	select {
	case <-l.pongs:
	case <-l.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return int(l.heard.Load()), nil
}

// close ends it. What is published from then on is lost. A second call does
// nothing.
func (l *listener) close() {
	l.pubsub.Close()
	<-l.done
}
