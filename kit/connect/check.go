package connect

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
)

// Status is what a server says about itself. A field is empty if the server
// does not tell it.
type Status struct {
	Version string // such as "7.0.15"
	Mode    string // standalone or cluster
	Role    string // master or replica
	Masters int    // how many answered: 1, or all of a cluster
}

// Check asks whether the client can talk to its server, in a cluster to every
// master, and what that is. On failure the error is an *Error, which says what
// is wrong and what to do:
//
//	if _, err := connect.Check(ctx, client); errors.Is(err, connect.ErrWrongPassword) { … }
//
// It changes nothing, and repeating it is safe. Where server and client may
// disagree about TLS it opens one more connection to find out; that one sends
// no password.
//
// Redis: 1 round trip (a master, at the same time), PING and HELLO; O(1).
func Check(ctx context.Context, c redis.UniversalClient) (Status, error) {
	if err := ctx.Err(); err != nil {
		return Status{}, fmt.Errorf("connect: check: %w", err)
	}
	switch c := c.(type) {
	case *redis.ClusterClient:
		return checkCluster(ctx, c)
	case *redis.Client:
		return checkNode(ctx, c)
	}
	status, err := ask(ctx, c)
	if err != nil {
		return Status{}, explain(ctx, target{}, err)
	}
	return status, nil
}

// errNoMasters is a topology without slots.
var errNoMasters = errors.New("no node has slots")

func checkNode(ctx context.Context, c *redis.Client) (Status, error) {
	status, err := ask(ctx, c)
	if err != nil {
		return Status{}, explain(ctx, targetOf(c.Options()), err)
	}
	return status, nil
}

func checkCluster(ctx context.Context, c *redis.ClusterClient) (Status, error) {
	var (
		mu     sync.Mutex
		status Status
		first  error
	)
	err := c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		s, err := checkNode(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			first = err
			return err
		}
		s.Masters += status.Masters
		status = s
		return nil
	})
	switch {
	case first != nil:
		return Status{}, first
	case err != nil || status.Masters == 0: // it is not a cluster, or not yet
		if err == nil {
			err = errNoMasters
		}
		o := c.Options()
		t := target{addr: strings.Join(o.Addrs, ",")}
		if len(o.Addrs) == 1 {
			t = target{network: "tcp", addr: o.Addrs[0], tls: o.TLSConfig != nil}
		}
		return Status{}, explain(ctx, t, err)
	}
	return status, nil
}

// ask sends PING, which is the proof, and HELLO for the rest, which a server
// may refuse. It makes one attempt: what is wrong now is what is asked.
func ask(ctx context.Context, c redis.Cmdable) (Status, error) {
	p := c.Pipeline()
	ping := pipe.NewOnce(ctx, "ping")
	_ = p.Process(ctx, ping) // of a pipeline: it queues, and cannot fail
	hello := p.Do(ctx, "hello")
	_, execErr := p.Exec(ctx)
	if err := ping.Err(); err != nil {
		return Status{}, err
	}
	if ping.Val() == nil {
		// The connection was refused at its beginning, by AUTH or SELECT, and
		// go-redis leaves the commands of a pipeline as they were then.
		return Status{}, execErr
	}
	facts := facts(hello.Val())
	return Status{Version: facts["version"], Mode: facts["mode"], Role: facts["role"], Masters: 1}, nil
}

// facts reads the reply to HELLO: a map in RESP 3, a flat list in RESP 2.
func facts(reply any) map[string]string {
	facts := map[string]string{}
	switch reply := reply.(type) {
	case map[any]any:
		for name, value := range reply {
			facts[fmt.Sprint(name)] = fmt.Sprint(value)
		}
	case []any:
		for i := 0; i+1 < len(reply); i += 2 {
			facts[fmt.Sprint(reply[i])] = fmt.Sprint(reply[i+1])
		}
	}
	return facts
}

// target is where a client connects to, as far as it can be asked again.
type target struct {
	network, addr string // network is empty when the client finds the address itself
	tls           bool
}

func targetOf(o *redis.Options) target {
	if o.Addr == "FailoverClient" { // go-redis's word for "whoever the Sentinels name"
		return target{}
	}
	return target{network: o.Network, addr: o.Addr, tls: o.TLSConfig != nil}
}

func (t target) name() string {
	if t.addr == "" {
		return "the master"
	}
	return t.addr
}

// speaksTLS reports whether a server that a client could not talk to without
// TLS completes a handshake, or refuses one for lack of a certificate.
func (t target) speaksTLS(ctx context.Context) bool {
	if t.network == "" || t.tls {
		return false
	}
	hello := func(conn net.Conn) bool {
		// Nothing is sent but the handshake, so whose certificate it is does not matter.
		client := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // see above
		err := client.HandshakeContext(ctx)
		return err == nil || strings.Contains(err.Error(), "remote error: tls:")
	}
	return t.probe(ctx, hello)
}

// speaksPlain reports whether a server that a client could not talk to with TLS
// answers in the Redis protocol without it.
func (t target) speaksPlain(ctx context.Context) bool {
	if t.network == "" || !t.tls {
		return false
	}
	ping := func(conn net.Conn) bool {
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			return false
		}
		b := make([]byte, 128)
		n, _ := conn.Read(b)
		// PONG, or the error of a server that wants a password first.
		return bytes.HasPrefix(b[:n], []byte("+PONG")) || bytes.HasPrefix(b[:n], []byte("-"))
	}
	return t.probe(ctx, ping)
}

// probeTimeout bounds a probe. The server has had its full time before, so
// this is only about which language it speaks.
const probeTimeout = time.Second

func (t target) probe(ctx context.Context, try func(net.Conn) bool) bool {
	// The caller's deadline may be what brought us here; the question deserves
	// its second all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, t.network, t.addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return false
	}
	return try(conn)
}
