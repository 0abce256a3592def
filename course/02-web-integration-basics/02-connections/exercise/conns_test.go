//go:build exercise

package exercise_test

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// conns are the connections to Redis that the learner's client makes.
type conns struct {
	mu   sync.Mutex
	open map[*conn]struct{}
	made int
	most int
	held bool          // INCR goes no further, until let go
	sent chan struct{} // gets one for each INCR that is held
}

func newConns() *conns { return &conns{open: map[*conn]struct{}{}, sent: make(chan struct{}, 1000)} }

// dial is the Dialer of the client's options.
func (p *conns) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: to, of: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = struct{}{}
	p.made++
	p.most = max(p.most, len(p.open))
	return c, nil
}

// hold keeps each INCR back from now on; Redis seems to be slow.
func (p *conns) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// release sends on what was held.
func (p *conns) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	for c := range p.open {
		_, _ = c.Conn.Write(c.kept) // who reads the reply learns of an error
		c.kept = nil
	}
}

func (p *conns) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

type conn struct {
	net.Conn
	of   *conns
	kept []byte
}

func (c *conn) Write(b []byte) (int, error) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.held && bytes.Contains(bytes.ToLower(b), []byte("incr")) {
		c.kept = append(c.kept, b...)
		c.of.sent <- struct{}{}
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
