package canteen

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The ways in which a wire can fail.
const (
	cut     = "cut"     // connections break, and none opens meanwhile
	silence = "silence" // they stay open and say nothing any more, as behind a router that forgot them
)

// wire is a program's way to Redis, with a switch that loses what is on it.
type wire struct {
	fails  string // cut or silence
	pushes bool   // only connections that are subscribed to something fail

	mu     sync.Mutex
	broken bool
	lines  []*line
}

// options leads a client's connections over the wire.
func (w *wire) options(o *redis.Options) {
	dial := redis.NewDialer(o)
	o.MaxRetries = -1
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l := &line{Conn: conn, wire: w, struck: make(chan struct{})}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lines = append(w.lines, l)
		if w.broken && !w.pushes {
			l.strike()
		}
		return l, nil
	}
}

// set throws the switch. What is on its way is lost; what is opened later is not.
func (w *wire) set(broken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = broken
	if !broken {
		return
	}
	for _, l := range w.lines {
		if l.subscribed || !w.pushes {
			l.strike()
		}
	}
	w.lines = nil
}

// line is one connection.
type line struct {
	net.Conn
	wire       *wire
	subscribed bool // under the wire's mutex
	once       sync.Once
	struck     chan struct{}
}

// strike breaks a line for good.
func (l *line) strike() {
	l.once.Do(func() {
		close(l.struck)
		if l.wire.fails == cut {
			_ = l.Close() // that it breaks is the point
		}
	})
}

// Write notices a subscription, by which the lines for pushes are known.
func (l *line) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("subscribe")) {
		l.wire.mu.Lock()
		l.subscribed = true
		if l.wire.broken {
			l.strike()
		}
		l.wire.mu.Unlock()
	}
	return l.Conn.Write(b)
}

// Read brings nothing from a line that was struck.
func (l *line) Read(b []byte) (int, error) {
	for {
		n, err := l.Conn.Read(b)
		select {
		case <-l.struck:
			if err == nil {
				continue
			}
			return 0, err
		default:
			return n, err
		}
	}
}

// until looks until it is so.
func until(ctx context.Context, so func() bool) error {
	for !so() {
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("what was waited for did not come"), ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}
