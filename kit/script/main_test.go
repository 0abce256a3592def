package script_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// header is what a test script needs besides its code.
const header = `-- test.lua: a script of a test.
--
-- KEYS[1..] keys  any
-- ARGV[1..] args  any
-- Returns whatever the test says
-- Complexity O(1)
`

// fresh returns a script that no server knows yet.
func fresh(t testing.TB, body string, opts ...script.Option) *script.Script {
	t.Helper()
	s, err := script.New(header+"-- "+redistest.Prefix(t)+"\n"+body, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lossy loses replies: the server has run the command and answered, and the
// connection breaks before the client sees it.
type lossy struct{ lose atomic.Int32 }

// dialer is an option for redistest.Client.
func (l *lossy) dialer(o *redis.Options) {
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

// warm opens the client's connection, so that the next reply is not one of the
// handshake.
func warm(t testing.TB, c redis.UniversalClient) {
	t.Helper()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}
