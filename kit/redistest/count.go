package redistest

import (
	"context"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Counter counts the round trips of a client, on the wire. It is safe for
// concurrent use.
type Counter struct{ turns atomic.Int64 }

// Count makes a counter for a client that has not connected yet: connections
// that are open already stay uncounted.
//
// What a connection says to introduce itself is left out: HELLO, AUTH, SELECT,
// READONLY and the CLIENT commands that go-redis sends, up to the first other
// command on that connection. What an OnConnect function sends is counted.
func Count(c *redis.Client) *Counter {
	counter := &Counter{}
	c.AddHook(dialHook{counter})
	return counter
}

// RoundTrips is how often a connection turned from reading to writing: a
// pipeline is one, however many commands and packets it has.
func (c *Counter) RoundTrips() int { return int(c.turns.Load()) }

// Reset sets the count to zero.
func (c *Counter) Reset() { c.turns.Store(0) }

// dialHook wraps the connections that a client opens.
type dialHook struct{ counter *Counter }

func (h dialHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &countedConn{Conn: conn, counter: h.counter, turned: true, introducing: true}, nil
	}
}

func (dialHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (dialHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// countedConn reports its turns to the counter. Reads and writes may come from
// two goroutines, as a subscription's do.
type countedConn struct {
	net.Conn
	counter *Counter

	mu          sync.Mutex
	turned      bool // nothing was written since the last read: the next write is a turn
	introducing bool // nothing but introductions was written so far
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.mu.Lock()
		c.turned = true
		c.mu.Unlock()
	}
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.introducing = c.introducing && isIntroduction(string(b))
	if c.turned && !c.introducing {
		c.counter.turns.Add(1)
		c.turned = false
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// introductions are the commands by which go-redis opens a connection.
var introductions = regexp.MustCompile(`^(HELLO|AUTH|SELECT|READONLY|CLIENT (SETNAME|SETINFO|MAINT_NOTIFICATIONS))( |$)`)

// isIntroduction reports whether written holds whole introducing commands and
// nothing else. go-redis writes these at once, so no state is kept between
// writes.
func isIntroduction(written string) bool {
	lines := strings.Split(strings.TrimSuffix(written, "\r\n"), "\r\n")
	for len(lines) > 0 {
		// A command of n arguments is "*n" and, for each, "$length" and itself.
		n, err := strconv.Atoi(strings.TrimPrefix(lines[0], "*"))
		if err != nil || n < 1 || len(lines) < 1+2*n {
			return false
		}
		name := lines[2]
		if n > 1 {
			name += " " + lines[4]
		}
		if !introductions.MatchString(strings.ToUpper(name)) {
			return false
		}
		lines = lines[1+2*n:]
	}
	return true
}
