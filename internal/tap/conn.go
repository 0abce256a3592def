package tap

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// bufferSize is what one direction of a connection reads at a time, and the
// most it holds back of a command to decide on a fault.
const bufferSize = 32 << 10

// graceTime is how long a client whose connection was cut may take to hang up.
const graceTime = time.Second

// stream is a connection whose two directions end one by one.
type stream interface {
	net.Conn
	CloseWrite() error
}

// conn is one client and its connection to the server. One goroutine carries
// the bytes up, to the server, and one carries them down.
type conn struct {
	t      *Tap
	id     uint64
	client *net.TCPConn
	server stream
	ctx    context.Context // ends with the connection, so that waits do

	mu    sync.Mutex  // guards what follows up to fault and grace
	quiet sync.Cond   // signalled when all that was read from the server is forwarded
	busy  bool        // something that was read from the server is not forwarded yet
	talk              // who waits for what
	name  string      // as the client gave it
	fault string      // why the tap closed the connection, if it did
	grace *time.Timer // ends graceTime

	up   up
	down reply
}

func newConn(t *Tap, id uint64, client *net.TCPConn, server stream) *conn {
	c := &conn{t: t, id: id, client: client, server: server}
	c.quiet.L = &c.mu
	c.down.quiet = t.o.Sink == nil
	c.up.first = true
	return c
}

// run carries bytes until both directions ended or ctx did. It returns the
// event of the end.
func (c *conn) run(ctx context.Context) trace.Event {
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(c.ctx, c.close)
	defer stop()
	var both sync.WaitGroup
	both.Go(c.carryUp)
	both.Go(c.carryDown)
	both.Wait()
	c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grace != nil {
		c.grace.Stop()
	}
	for !c.empty() { // commands that were never answered
		p := c.pop()
		c.finish(&p, trace.Reply{}, time.Now())
	}
	return trace.Event{Kind: trace.Close, Conn: c.id, Client: c.name, Fault: c.fault}
}

// close ends both sides; bytes on their way are lost.
func (c *conn) close() {
	c.client.Close()
	c.server.Close()
}

// abort closes a connection so that its peer sees a reset.
func abort(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// carryDown forwards what the server sends.
func (c *conn) carryDown() {
	buf := make([]byte, bufferSize)
	var pace pacer
	for {
		n, err := c.server.Read(buf)
		if n > 0 {
			c.t.stats.received.Add(uint64(n))
			out, lost := c.received(buf[:n], time.Now())
			// Events are out before the reply is: whoever has the reply finds
			// its event recorded.
			werr := pace.write(c.ctx, c.client, out, c.rate())
			c.forwarded()
			if lost {
				c.mu.Lock()
				c.end(LoseReply)
				c.mu.Unlock()
				return
			}
			if werr != nil { // the client takes no more
				c.close()
				c.ended()
				return
			}
		}
		if err != nil {
			c.serverEnded(err)
			return
		}
	}
}

// serverEnded lets the client know how the server ended.
func (c *conn) serverEnded(err error) {
	if errors.Is(err, syscall.ECONNRESET) {
		abort(c.client)
		c.server.Close()
	} else {
		// The client may still be sending, and hears of the end by its own
		// reading, as it would from the server itself.
		c.client.CloseWrite()
	}
	c.ended()
}

// ended says that nothing more comes from the server.
func (c *conn) ended() {
	c.mu.Lock()
	c.over = true
	c.quiet.Broadcast()
	c.mu.Unlock()
}

// end closes the connection on account of a fault; c.mu is locked.
func (c *conn) end(k Kind) {
	c.fault = k.String()
	c.over = true
	c.quiet.Broadcast()
	if k == Reset {
		abort(c.client)
		c.close()
		return
	}
	// A socket closed with bytes unread resets its peer. So the client first
	// sees the end, and what it still sends is read until it hangs up too.
	c.server.Close()
	c.client.CloseWrite()
	c.grace = time.AfterFunc(graceTime, c.close)
}

// received watches what was read from the server, and returns what of it the
// client gets; lost says that a reply was dropped and the connection is over.
func (c *conn) received(b []byte, now time.Time) (out []byte, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
	keep := len(b)
	if c.lost != nil {
		keep = 0
	}
	for at := 0; at < len(b) && !(c.opaque && c.empty()); {
		if f := c.losing(); f != nil {
			c.lost = f // from here on nothing reaches the client
		}
		if c.lost != nil {
			keep = min(keep, at)
		}
		n, done, err := c.down.next(b[at:])
		if err != nil {
			c.blind()
			break
		}
		if done {
			c.replied(&c.down, now)
			if c.lost != nil && !c.lost.Silent && c.empty() {
				return b[:keep], true
			}
		}
		at += n
	}
	return b[:keep], false
}

// forwarded says that what received returned has gone out.
func (c *conn) forwarded() {
	c.mu.Lock()
	c.busy = false
	c.quiet.Broadcast()
	c.mu.Unlock()
}

// settle waits until every earlier command has its reply and the client has
// got it; it returns with c.mu locked, so that nothing comes between.
func (c *conn) settle() {
	c.mu.Lock()
	for !c.over && !c.opaque && (c.busy || !c.empty() || !c.down.idle()) {
		c.quiet.Wait()
	}
}

// blind gives up looking: the stream is not RESP.
func (c *conn) blind() {
	if !c.opaque {
		c.opaque = true
		c.t.stats.unparsed.Add(1)
	}
}

func (c *conn) rate() int {
	if !c.t.faults.Load().has(Bandwidth) {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t.rate(c.name)
}

// readUp reads from the client; meanwhile delayed bursts go on when they are due.
func (c *conn) readUp(buf []byte) (int, error) {
	for {
		due, waiting := c.up.line.due()
		if !waiting {
			c.wake(time.Time{})
			return c.client.Read(buf)
		}
		if c.up.line.full() {
			sleep(c.ctx, time.Until(due))
		}
		if !time.Now().Before(due) {
			if err := c.writeUp(c.up.line.take()); err != nil {
				return 0, err
			}
			continue
		}
		c.wake(due)
		if n, err := c.client.Read(buf); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// wake ends reading from the client at a time; the zero time means never.
func (c *conn) wake(at time.Time) {
	if at != c.up.wake {
		c.client.SetReadDeadline(at)
		c.up.wake = at
	}
}

// forward sends b on to the server, now or when the delay is over.
func (c *conn) forward(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, waiting := c.up.line.due()
	if c.up.delay > 0 || waiting {
		c.up.line.add(b, c.up.delay)
		return nil
	}
	return c.writeUp(b)
}

// flush sends what the delay still holds.
func (c *conn) flush() error {
	for {
		due, waiting := c.up.line.due()
		if !waiting {
			return nil
		}
		sleep(c.ctx, time.Until(due))
		if err := c.writeUp(c.up.line.take()); err != nil {
			return err
		}
	}
}

func (c *conn) writeUp(b []byte) error {
	c.t.stats.sent.Add(uint64(len(b)))
	return c.up.pace.write(c.ctx, c.server, b, c.rate())
}

// clientEnded lets the server know how the client ended.
func (c *conn) clientEnded(err error) {
	if errors.Is(err, io.EOF) {
		if c.flush() == nil {
			c.server.CloseWrite()
		}
		return
	}
	if tcp, ok := c.server.(*net.TCPConn); ok && errors.Is(err, syscall.ECONNRESET) {
		abort(tcp)
	}
	c.close()
}
