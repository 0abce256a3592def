package notes

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// space is a Redis whose keys may all be walked: a server of this run's own, since
// SCAN meets every key there is, or the embedded one.
type space struct {
	rdb *redis.Client
	key func(name string) string
}

func spaceOf(ctx context.Context, r *unit.Run) (*space, error) {
	if r.Embedded() {
		return &space{rdb: r.Redis(), key: func(name string) string { return r.Key("all:" + name) }}, nil
	}
	server, err := r.Server(ctx, redisproc.Options{})
	if err != nil {
		return nil, fmt.Errorf("a walk over all keys wants a server of its own: %w", err)
	}
	return &space{
		rdb: r.Client("space", func(o *redis.Options) {
			o.Addr, o.Username, o.Password, o.TLSConfig, o.DB = server.Addr(), "", server.Process().Password(), nil, 0
		}),
		key: func(name string) string { return name },
	}, nil
}

// cost is what the wire saw of a piece of work.
type cost struct {
	trips    int
	received uint64
	took     time.Duration
}

// costOf lets do work through a tap that lengthens the way to Redis, and counts.
// Unlike Run.Trace it shows nothing: thousands of commands are not for reading.
func costOf(ctx context.Context, rdb *redis.Client, latency time.Duration, do func(context.Context, *redis.Client) error) (cost, error) {
	recorder := trace.NewRecorder(1)
	t, err := tap.New(tap.Options{Upstream: rdb.Options().Addr, Sink: recorder.Sink()})
	if err != nil {
		return cost{}, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- t.Run(running) }()
	defer func() { cancel(); <-ended }() //nolint:errcheck // it ends because it is told to
	o := *rdb.Options()
	o.Addr = t.Addr()
	c := redis.NewClient(&o)
	defer c.Close()
	if err := c.Ping(ctx).Err(); err != nil { // the handshake is not what we count
		return cost{}, err
	}
	if latency > 0 {
		if _, err := t.Throw(tap.Fault{Kind: tap.Latency, Delay: latency}); err != nil {
			return cost{}, err
		}
	}
	trips, received, began := recorder.RoundTrips(), t.Stats().Received, time.Now()
	err = do(ctx, c)
	return cost{trips: recorder.RoundTrips() - trips, received: t.Stats().Received - received, took: time.Since(began)}, err
}
