package tap

import (
	"io"
	"slices"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// up is what the goroutine that carries a client's bytes keeps to itself.
type up struct {
	req   request
	first bool   // no command of the program was seen yet
	tx    bool   // between MULTI and EXEC
	trip  uint64 // the round trip under way
	mode  replyMode

	partial bool    // bytes of the current command are forwarded, or dropped, already
	verdict *thrown // the fault that strikes such a command once it is complete

	delay time.Duration // what Latency adds to the burst being read
	slow  []*thrown     // the faults that it is made of
	line  delayLine
	wake  time.Time // when a read ends because a burst is due
	pace  pacer
}

// replyMode follows CLIENT REPLY.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip // the next command is not answered
)

// carryUp forwards what the client sends. While no fault may strike a command
// it forwards what it read at once; otherwise it forwards whole commands and
// holds back the beginning of the next, as far as the buffer reaches.
func (c *conn) carryUp() {
	buf := make([]byte, bufferSize)
	held := 0
	for {
		n, err := c.readUp(buf[held:])
		if n > 0 {
			var ok bool
			if held > 0 || c.up.verdict != nil || c.t.faults.Load().strikes() {
				held, ok = c.pass(buf, held, held+n, time.Now())
			} else {
				c.watch(buf[:n], time.Now())
				ok = c.forward(buf[:n]) == nil
			}
			if !ok {
				c.swallow()
				return
			}
		}
		if err != nil {
			// Half a command before the end is forwarded for what it is.
			if c.forward(buf[:held]) == nil {
				c.clientEnded(err)
			}
			return
		}
	}
}

// swallow reads and drops what the client sends until it ends, so that its
// end is noticed.
func (c *conn) swallow() {
	c.wake(time.Time{})
	_, err := io.Copy(io.Discard, c.client)
	if err == nil {
		err = io.EOF
	}
	c.clientEnded(err)
}

// watch finds the commands in b, all of which is forwarded at once.
func (c *conn) watch(b []byte, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.burst()
	for len(b) > 0 && !c.opaque {
		n, done, err := c.up.req.next(b)
		if err != nil {
			c.blind()
		}
		if done {
			c.wait(c.arrived(now))
		}
		b = b[n:]
	}
	c.up.partial = !c.up.req.idle()
}

// burst begins a read from the client. Commands that begin in it belong to the
// round trip under way, unless nothing is outstanding.
func (c *conn) burst() {
	if c.up.req.idle() && c.empty() {
		c.up.trip++
	}
	c.up.delay, c.up.slow = 0, c.up.slow[:0]
	if s := c.t.faults.Load(); s.has(Latency) {
		for _, f := range s.all {
			if f.Kind == Latency && f.Command == "" && f.Key == "" && glob(f.Client, c.name) {
				c.slow(f)
			}
		}
	}
}

// slow delays the burst being read by a fault, once.
func (c *conn) slow(f *thrown) {
	if !slices.Contains(c.up.slow, f) {
		c.up.slow = append(c.up.slow, f)
		c.up.delay += c.t.delay(f)
	}
}

// pass finds the commands in buf[:end], of which buf[:held] was watched before
// and held back, and forwards them one decision at a time. It returns how much
// it holds back at the beginning of buf; ok is false when nothing more of this
// client may reach the server.
func (c *conn) pass(buf []byte, held, end int, now time.Time) (rest int, ok bool) {
	c.mu.Lock()
	c.burst()
	c.mu.Unlock()
	from, begin := 0, 0 // what is not forwarded yet, and the command being read
	for at := held; at < end; {
		n, done, p, f := c.one(buf[at:end], now)
		at += n
		switch {
		case !done:
			// The rest is the beginning of a command, or no RESP at all.
		case f == nil:
			begin = at
		case f.Kind == LoseReply:
			// Where the server is gone, carryDown hears of it too.
			_ = c.forward(buf[from:at])
			_ = c.flush()
			return 0, false
		default:
			if c.forward(buf[from:begin]) != nil || !c.strike(f, p) {
				return 0, false
			}
			from, begin = at, at
		}
	}
	if c.forward(buf[from:begin]) != nil {
		return 0, false
	}
	return c.hold(buf, begin, end, now)
}

// one finds the next command in b. Unless a fault strikes it, or its reply, it
// is waiting for its reply when one returns.
func (c *conn) one(b []byte, now time.Time) (n int, done bool, p pending, f *thrown) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opaque {
		return len(b), false, p, nil
	}
	n, done, err := c.up.req.next(b)
	if err != nil {
		c.blind()
	}
	if !done {
		return len(b), false, p, nil
	}
	p = c.arrived(now)
	if f = c.up.verdict; f == nil && !c.up.partial {
		f = c.t.struck(&p, c.name)
	}
	c.up.partial, c.up.verdict = false, nil
	if f != nil {
		p.ev.Fault = f.Kind.String()
	}
	if f == nil || f.Kind == LoseReply {
		p.lose = f
		c.wait(p)
	}
	return n, true, p, f
}

// hold keeps the beginning of a command, buf[begin:end], back until it is
// complete. When the buffer has no more room for it, what is known of it
// decides.
func (c *conn) hold(buf []byte, begin, end int, now time.Time) (rest int, ok bool) {
	tail := buf[begin:end]
	c.mu.Lock()
	opaque := c.opaque
	c.mu.Unlock()
	switch v := c.up.verdict; {
	case len(tail) == 0 || v != nil && v.Kind == ErrorReply:
		return 0, true
	case opaque || c.up.partial:
		return 0, c.forward(tail) == nil
	case len(tail) < len(buf):
		return copy(buf, tail), true
	}
	c.up.partial = true
	c.mu.Lock()
	p := c.picture(now)
	f := c.t.struck(&p, c.name)
	c.mu.Unlock()
	switch {
	case f == nil:
		return 0, c.forward(tail) == nil
	case f.Kind == ErrorReply:
		c.up.verdict = f
		return 0, true
	case f.Kind == LoseReply:
		c.up.verdict = f
		return 0, c.forward(tail) == nil
	default:
		p.ev.Seq = c.t.seq.Add(1)
		p.ev.Fault = f.Kind.String()
		return 0, c.strike(f, p)
	}
}

// strike throws a fault at a command that is not forwarded, once those before
// it have their replies. It reports whether the connection goes on.
func (c *conn) strike(f *thrown, p pending) bool {
	sleep(c.ctx, c.up.delay)
	if c.flush() != nil {
		return false
	}
	c.settle()
	defer c.mu.Unlock()
	if f.Kind != ErrorReply {
		c.finish(&p, trace.Reply{}, time.Now())
		c.end(f.Kind)
		return false
	}
	if c.over {
		return false
	}
	// For the server nothing happened: it is in a transaction if it was, and
	// answers if it did.
	c.up.tx = p.ev.Tx && p.role != multi
	if p.role == client && p.silent {
		c.up.mode = replyOn
	}
	line := "-" + f.Message + "\r\n"
	p.ev.Received = int64(len(line))
	c.finish(&p, trace.Reply{Type: "error", Text: trace.Cut(f.Message)}, time.Now())
	_, err := io.WriteString(c.client, line)
	return err == nil
}

// picture is the command being read as far as it is known.
func (c *conn) picture(now time.Time) pending {
	req := &c.up.req
	s := lookup(req.arg(0))
	p := pending{role: s.role, ev: trace.Event{
		Kind: trace.Command, Conn: c.id, Name: s.name, At: now, Sent: req.size, Trip: c.up.trip,
	}}
	if c.up.tx {
		p.role = inTx(p.role)
	} else if handshake(s.role, req, c.up.first) {
		p.ev.Kind = trace.Handshake
	}
	if c.t.o.Sink != nil || c.t.faults.Load() != nil {
		p.ev.Args, p.ev.More = req.picture(s.name)
		p.secret = trace.MasksReply(s.name, p.ev.Args)
	}
	p.ev.Tx = c.up.tx || s.role == multi
	return p
}

// arrived takes a complete command in: what it is, what it changes, and what
// reply it waits for.
func (c *conn) arrived(now time.Time) pending {
	req := &c.up.req
	p := c.picture(now)
	c.t.stats.commands.Add(1)
	p.ev.Seq = c.t.seq.Add(1)
	if c.t.o.Labels != nil && c.t.o.Sink != nil {
		p.ev = c.t.o.Labels.Attach(p.ev)
	}
	if p.ev.Kind == trace.Command {
		c.up.first = false
	}
	p.silent = c.up.mode != replyOn
	if c.up.mode == replySkip {
		c.up.mode = replyOn
	}
	switch p.role {
	case multi:
		c.up.tx = true
	case exec:
		c.up.tx = false
	case reset:
		c.up.tx, c.up.mode, p.silent = false, replyOn, false
	case hello:
		if v := req.arg(1); len(v) == 1 {
			p.proto = v[0]
		}
		p.name, p.named = newName(p.role, req)
	case client:
		p.name, p.named = newName(p.role, req)
		c.replyMode(&p)
	case subscribe:
		p.due, p.silent = req.argc-1, false // confirmations come whatever CLIENT REPLY said
	case unsubscribe:
		p.due, p.silent = req.argc-1, false
		if p.due == 0 {
			p.due = allChannels
		}
	case replicate:
		c.opaque, p.silent = true, true
	}
	if s := c.t.faults.Load(); s.has(Latency) {
		for _, f := range s.all {
			if f.Kind == Latency && f.Command+f.Key != "" && f.matches(&p.ev, c.name) {
				c.slow(f)
			}
		}
	}
	return p
}

// replyMode acts on CLIENT REPLY ON, OFF and SKIP.
func (c *conn) replyMode(p *pending) {
	req := &c.up.req
	if req.argc != 3 || !is(req.arg(1), "REPLY") {
		return
	}
	switch {
	case is(req.arg(2), "ON"):
		c.up.mode, p.silent = replyOn, false
	case is(req.arg(2), "OFF"):
		c.up.mode, p.silent = replyOff, true
	case is(req.arg(2), "SKIP"):
		if p.silent = true; c.up.mode == replyOn {
			c.up.mode = replySkip
		}
	}
}
