package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

// lossy loses replies: the server has run the commands and answered, and the
// connection breaks before the client sees it.
type lossy struct{ lose atomic.Int32 }

func (l *lossy) dialer(o *redis.Options) {
	o.PipelinePoolSize = -1 // one pool, so that a warm connection is the one in use
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &lossyConn{conn, l}, nil
	}
}

type lossyConn struct {
	net.Conn
	*lossy
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.lose.Load() > 0 {
		c.lose.Add(-1)
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// A reply is lost after a Once was executed: it was executed once, batched or
// not. Any other command is repeated, which is why Once is there.
func TestOnce_replyLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		once bool
		off  bool
		want string
	}{
		{"Once, batched", true, false, "1"},
		{"Once, plain", true, true, "1"},
		{"other, batched", false, false, "2"},
		{"other, plain", false, true, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l lossy
			c := redistest.Client(t, l.dialer)
			p := always(c, Options{Off: tt.off})
			key := redistest.Prefix(t)
			if _, err := get(t.Context(), p, key); !errors.Is(err, redis.Nil) {
				t.Fatalf("GET = %v, want redis.Nil", err)
			}
			l.lose.Store(1)
			var err error
			if tt.once {
				_, err = Do(t.Context(), p, NewOnce(t.Context(), "incr", key), Once.Int64)
			} else {
				_, err = incr(t.Context(), p, key)
			}
			if lost := err != nil; lost != tt.once {
				t.Errorf("the call returned %v", err)
			}
			if got := c.Get(t.Context(), key).Val(); got != tt.want {
				t.Errorf("one call was executed %s times, want %s", got, tt.want)
			}
		})
	}
}

// Every type that a batch knows arrives, and none of them cuts it.
func TestPipe_types(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	p := always(c, Options{})
	key := redistest.Prefix(t)
	ctx := t.Context()
	for _, tt := range []struct {
		cmd  redis.Cmder
		want string
	}{
		{redis.NewStatusCmd(ctx, "set", key, "1"), "OK"},
		{redis.NewCmd(ctx, "get", key), "1"},
		{NewOnce(ctx, "get", key), "1"},
		{redis.NewStringCmd(ctx, "get", key), "1"},
		{redis.NewIntCmd(ctx, "incr", key), "2"},
		{redis.NewFloatCmd(ctx, "incrbyfloat", key, "0.5"), "2.5"},
		{redis.NewBoolCmd(ctx, "persist", key), "false"},
		{redis.NewIntCmd(ctx, "hset", key+"h", "f", "v"), "1"},
		{redis.NewSliceCmd(ctx, "hmget", key+"h", "f"), "[v]"},
		{redis.NewStringSliceCmd(ctx, "hkeys", key+"h"), "[f]"},
		{redis.NewMapStringStringCmd(ctx, "hgetall", key+"h"), "map[f:v]"},
	} {
		if !batched(tt.cmd).NoRetry() {
			t.Errorf("%T would be repeated with its batch", tt.cmd)
		}
		if err := p.Process(ctx, tt.cmd); err != nil {
			t.Errorf("%v: %v", tt.cmd.Args(), err)
		}
		if got := fmt.Sprint(tt.cmd); !strings.HasSuffix(got, ": "+tt.want) {
			t.Errorf("got %q, want %s", got, tt.want)
		}
	}
	other := redis.NewDurationCmd(ctx, time.Millisecond, "pttl", key)
	if batched(other).NoRetry() {
		t.Error("a type that is not known changed its answer")
	}
	if err := p.Process(ctx, other); err != nil {
		t.Error(err)
	}
}

// A Once stays one when go-redis copies it.
func TestOnce_Clone(t *testing.T) {
	t.Parallel()
	c := NewOnce(t.Context(), "incr", "n")
	if clone := c.Clone(); !clone.NoRetry() || fmt.Sprint(clone.Args()) != "[incr n]" {
		t.Errorf("Clone = %v, NoRetry %v", clone.Args(), clone.NoRetry())
	}
}
