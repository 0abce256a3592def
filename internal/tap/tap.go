package tap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// Options says between whom a Tap stands. Only Upstream is needed.
type Options struct {
	// Listen is the address for clients, host:port; empty means 127.0.0.1:0.
	Listen string
	// AllowRemote permits a Listen that other machines can reach. Whoever
	// reaches it speaks to Redis unencrypted.
	AllowRemote bool
	// Upstream is the server, host:port.
	Upstream string
	// UpstreamTLS, if set, is used towards the server; clients always speak
	// plain. An empty ServerName means Upstream's host.
	UpstreamTLS *tls.Config
	// DialTimeout bounds the way to the server; zero means five seconds,
	// negative is an error.
	DialTimeout time.Duration
	// Sink takes the events; nil means that none are made.
	Sink trace.Sink
	// Labels, if set, is asked on whose behalf a command was sent at the moment
	// it arrives.
	Labels *trace.Labels
}

// Tap is a proxy between clients and one Redis server. Its methods are safe
// for concurrent use, but Run is called once.
type Tap struct {
	o        Options
	listener net.Listener

	mu    sync.Mutex // guards conns and changes of faults
	conns map[*conn]struct{}

	faults atomic.Pointer[faults]
	seq    atomic.Uint64
	stats  counters
}

// Stats counts what a Tap saw since it was made.
type Stats struct {
	Connections uint64 // clients accepted, the refused ones included
	Open        int    // connections open now
	Commands    uint64 // complete commands, handshakes included
	Pushes      uint64 // messages that answer no command
	Sent        uint64 // bytes from clients to the server
	Received    uint64 // bytes from the server to clients
	Unparsed    uint64 // connections that were passed on without looking, since they did not speak RESP
	Unpaired    uint64 // replies for which no command was waiting
	Unrecorded  uint64 // commands without an event, since too many were waiting for their replies
	Unreachable uint64 // clients turned away because the server could not be reached
	Faults      uint64 // times that a fault struck a command, a burst or a connection
}

type counters struct {
	connections, commands, pushes, sent, received, unparsed, unpaired, unrecorded, unreachable, faults atomic.Uint64
}

// New listens at once, so Addr is valid when it returns; clients are served
// while Run runs.
func New(o Options) (*Tap, error) {
	if o.Upstream == "" {
		return nil, errors.New("tap: Options.Upstream must name a server, got \"\"")
	}
	host, _, err := net.SplitHostPort(o.Upstream)
	if err != nil {
		return nil, fmt.Errorf("tap: Options.Upstream must be host:port, got %q: %w", o.Upstream, err)
	}
	if o.DialTimeout < 0 {
		return nil, fmt.Errorf("tap: Options.DialTimeout must not be negative, got %v", o.DialTimeout)
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.UpstreamTLS != nil && o.UpstreamTLS.ServerName == "" {
		o.UpstreamTLS = o.UpstreamTLS.Clone()
		o.UpstreamTLS.ServerName = host
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	addr, err := net.ResolveTCPAddr("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("tap: Options.Listen must be host:port, got %q: %w", o.Listen, err)
	}
	if !o.AllowRemote && !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("tap: Options.Listen must be a loopback address unless AllowRemote is set, got %q", o.Listen)
	}
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("tap: listen at %s: %w", o.Listen, err)
	}
	return &Tap{o: o, listener: listener, conns: map[*conn]struct{}{}}, nil
}

// Addr is the address that clients connect to, host:port.
func (t *Tap) Addr() string { return t.listener.Addr().String() }

// Stats returns the counts so far.
func (t *Tap) Stats() Stats {
	t.mu.Lock()
	open := len(t.conns)
	t.mu.Unlock()
	s := &t.stats
	return Stats{
		Connections: s.connections.Load(),
		Open:        open,
		Commands:    s.commands.Load(),
		Pushes:      s.pushes.Load(),
		Sent:        s.sent.Load(),
		Received:    s.received.Load(),
		Unparsed:    s.unparsed.Load(),
		Unpaired:    s.unpaired.Load(),
		Unrecorded:  s.unrecorded.Load(),
		Unreachable: s.unreachable.Load(),
		Faults:      s.faults.Load(),
	}
}

// Run serves clients until ctx ends; then it closes everything it opened, the
// listener included, and returns nil. Any other error means that it could
// accept no more clients.
func (t *Tap) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	stop := context.AfterFunc(ctx, func() { t.listener.Close() })
	defer stop()
	defer t.listener.Close()
	for {
		client, err := t.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				client.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("tap: accept at %s: %w", t.Addr(), err)
		case err != nil:
			// Out of descriptors, or a client that is gone already: the next
			// may do better, but not at once.
			sleep(ctx, 5*time.Millisecond)
			continue
		}
		id := t.stats.connections.Add(1)
		running.Go(func() { t.serve(ctx, client.(*net.TCPConn), id) })
	}
}

// serve takes one client from its first to its last byte.
func (t *Tap) serve(ctx context.Context, client *net.TCPConn, id uint64) {
	if t.refused() {
		abort(client)
		t.emit(trace.Event{Kind: trace.Open, Conn: id, Fault: Refuse.String()})
		t.emit(trace.Event{Kind: trace.Close, Conn: id, Fault: Refuse.String()})
		return
	}
	t.emit(trace.Event{Kind: trace.Open, Conn: id})
	server, err := t.dial(ctx)
	if err != nil {
		// The nearest thing to the refusal that the client would have met.
		abort(client)
		t.stats.unreachable.Add(1)
		t.emit(trace.Event{Kind: trace.Close, Conn: id, Reply: trace.Reply{Type: "error", Text: trace.Cut(err.Error())}})
		return
	}
	c := newConn(t, id, client, server)
	t.mu.Lock()
	t.conns[c] = struct{}{}
	t.mu.Unlock()
	end := c.run(ctx)
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
	t.emit(end)
}

func (t *Tap) dial(ctx context.Context) (stream, error) {
	ctx, cancel := context.WithTimeout(ctx, t.o.DialTimeout)
	defer cancel()
	var d net.Dialer
	plain, err := d.DialContext(ctx, "tcp", t.o.Upstream)
	if err != nil {
		return nil, err
	}
	if t.o.UpstreamTLS == nil {
		return plain.(*net.TCPConn), nil
	}
	secure := tls.Client(plain, t.o.UpstreamTLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, err
	}
	return secure, nil
}

// emit completes an event that belongs to no command and hands it over.
func (t *Tap) emit(e trace.Event) {
	if t.o.Sink == nil {
		return
	}
	e.Seq = t.seq.Add(1)
	e.At = time.Now()
	t.o.Sink(e)
}

// closeClients closes the connections whose name matches.
func (t *Tap) closeClients(name string) {
	t.mu.Lock()
	conns := slices.Collect(maps.Keys(t.conns))
	t.mu.Unlock()
	for _, c := range conns {
		c.mu.Lock()
		if glob(name, c.name) {
			c.fault = Refuse.String()
			c.close()
		}
		c.mu.Unlock()
	}
}

// sleep waits, but not longer than ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
