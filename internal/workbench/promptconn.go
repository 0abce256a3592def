package workbench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The bounds of the prompts.
const (
	maxPrompts = 16
	promptIdle = 10 * time.Minute
)

// prompts holds a connection for each tab of the playground, so that MULTI,
// WATCH and SELECT last from one line to the next.
type prompts struct {
	mu    sync.Mutex
	byTab map[string]*promptConn
}

// promptConn is the connection of one tab; it is dialled when it is needed.
type promptConn struct {
	mu   sync.Mutex // one command at a time
	wire net.Conn
	in   *bufio.Reader
	used time.Time // guarded by prompts.mu
}

// of returns the tab's connection. Tabs that were quiet for long, or the quietest
// when there are too many, lose theirs.
func (p *prompts) of(tab string) *promptConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byTab == nil {
		p.byTab = map[string]*promptConn{}
	}
	c, ok := p.byTab[tab]
	if !ok {
		p.makeRoom()
		c = &promptConn{}
		p.byTab[tab] = c
	}
	c.used = time.Now()
	return c
}

// makeRoom lets go of the quiet. The lock is held.
func (p *prompts) makeRoom() {
	quietest := ""
	for tab, c := range p.byTab {
		if time.Since(c.used) > promptIdle {
			p.forget(tab)
		} else if quietest == "" || c.used.Before(p.byTab[quietest].used) {
			quietest = tab
		}
	}
	if len(p.byTab) >= maxPrompts {
		p.forget(quietest)
	}
}

// forget closes a tab's connection; a command under way on it fails. The lock is
// held.
func (p *prompts) forget(tab string) {
	c := p.byTab[tab]
	delete(p.byTab, tab)
	go func() { // a command under way holds the connection until its own limit
		c.mu.Lock()
		defer c.mu.Unlock()
		c.drop()
	}()
}

// close lets go of all. Nothing is under way any more.
func (p *prompts) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.byTab {
		c.drop()
	}
	p.byTab = nil
}

// drop closes the connection. What was begun on it (MULTI, WATCH) is over.
func (c *promptConn) drop() {
	if c.wire != nil {
		c.wire.Close() // it is given up; there is nothing to lose
	}
	c.wire, c.in = nil, nil
}

// dial connects as the options say.
func (c *promptConn) dial(ctx context.Context, o *redis.Options) error {
	network := o.Network
	if network == "" {
		network = "tcp"
	}
	dialer := net.Dialer{Timeout: 3 * time.Second}
	wire, err := dialer.DialContext(ctx, network, o.Addr)
	if err != nil {
		return err
	}
	if o.TLSConfig != nil {
		wire = tls.Client(wire, o.TLSConfig)
	}
	c.wire, c.in = wire, bufio.NewReaderSize(wire, 64<<10)
	first := [][]string{{"CLIENT", "SETNAME", "grind-prompt"}}
	if o.Password != "" {
		auth := []string{"AUTH", o.Password}
		if o.Username != "" {
			auth = []string{"AUTH", o.Username, o.Password}
		}
		first = append([][]string{auth}, first...)
	}
	if o.DB != 0 {
		first = append(first, []string{"SELECT", strconv.Itoa(o.DB)})
	}
	for _, words := range first {
		if err := c.send(words); err != nil {
			return err
		}
		if _, err := readValue(c.in, 0); err != nil {
			return err
		}
	}
	return nil
}

func (c *promptConn) send(words []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	_, err := io.WriteString(c.wire, b.String())
	return err
}

// run sends a command and hands on the reply, or as many as come until ctx ends
// when it listens. A connection that failed is dropped; the next line dials a new
// one.
func (c *promptConn) run(ctx context.Context, o *redis.Options, words []string, listen bool, each func(value) error) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wire == nil {
		err = c.dial(ctx, o)
	}
	defer func() {
		if err != nil || listen {
			c.drop()
		}
	}()
	if err != nil {
		return err
	}
	wire := c.wire
	stop := context.AfterFunc(ctx, func() { wire.SetDeadline(time.Now()) }) // a closed one needs no deadline
	defer stop()
	if err := c.send(words); err != nil {
		return err
	}
	for n := 1; ; n++ {
		v, err := readValue(c.in, 0)
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err := each(v); err != nil {
			return err
		}
		if !listen {
			return nil
		}
		if v.kind == '-' || n >= maxMessages {
			return nil // MONITOR and SUBSCRIBE were refused, or it is enough
		}
	}
}
