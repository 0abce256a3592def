package batch

import (
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// link is a client at some distance of Redis, and what counts its round trips.
type link struct {
	*redis.Client
	wire *lab.Wire // nil straight at the server
	seen *trace.Recorder
}

// far opens a client that is this far from Redis. Without any distance it goes
// straight to the server, since a tap costs time too, and nothing is counted.
func far(r *unit.Run, away time.Duration, connections int) (*link, error) {
	l := &link{seen: trace.NewRecorder(1)}
	var err error
	l.Client = r.Client("shop", func(o *redis.Options) {
		o.PoolSize = connections
		if away == 0 {
			return
		}
		l.wire, err = lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig, Sink: l.seen.Sink()})
		if err != nil {
			return
		}
		o.Addr, o.TLSConfig = l.wire.TapAddr(), nil
		_, err = l.wire.Throw(tap.Fault{Kind: tap.Latency, Delay: away})
	})
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// close ends what stands between; the client is closed with the run.
func (l *link) close() error {
	if l.wire == nil {
		return nil
	}
	return l.wire.Close()
}
