package tap

import (
	"slices"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// allChannels as pending.due means: one confirmation for each channel that is
// left when the server gets to the command, or one if there is none.
const allChannels = -1

// maxWaiting is how many waiting commands of a connection keep what their
// events show. Of a client that sends more before it reads, the others are
// only counted, so that their memory is bounded.
const maxWaiting = 1 << 15

// maxSpare is for how many waiting commands a connection keeps room once they
// are answered.
const maxSpare = 1024

// pending is a command that waits for its reply.
type pending struct {
	ev     trace.Event // all but the reply
	role   role
	silent bool // no reply will come
	secret bool // the reply's text must not be kept
	named  bool // when it succeeds the connection is called name
	name   string
	proto  byte    // the protocol that HELLO asks for: '2', '3' or zero
	due    int     // confirmations still to come, for subscribe and unsubscribe
	lose   *thrown // the fault that drops its reply
	behind int     // commands directly after it that are only counted
	unseen bool    // it is one of those, and gets no event
}

// inTx is what a command is to the conversation inside a transaction, where it
// is only queued.
func inTx(r role) role {
	if r == multi || r == exec || r == reset {
		return r
	}
	return ordinary
}

// talk pairs replies with commands: first in, first out, but for what the
// server sends unasked.
type talk struct {
	q    []pending // waiting commands from head on
	head int

	resp3                     bool
	monitoring                bool
	channels, patterns, shard int64 // subscriptions, as the server counts them

	opaque bool    // no RESP: nothing more is watched
	lost   *thrown // a reply was dropped: nothing more reaches the client
	over   bool    // the way down has ended
}

func (k *talk) empty() bool { return k.head == len(k.q) }

// push lets a command wait; it reports false if it is only counted.
func (k *talk) push(p pending) bool {
	if len(k.q)-k.head >= maxWaiting && p.role == ordinary && p.lose == nil {
		k.q[len(k.q)-1].behind++
		return false
	}
	if k.head > 64 && k.head*2 > len(k.q) {
		k.q, k.head = slices.Delete(k.q, 0, k.head), 0
	}
	k.q = append(k.q, p)
	return true
}

// pop takes the oldest waiting command out.
func (k *talk) pop() pending {
	p := k.q[k.head]
	if p.behind > 0 {
		k.q[k.head] = pending{unseen: true, behind: p.behind - 1}
		return p
	}
	k.q[k.head] = pending{}
	if k.head++; k.head == len(k.q) {
		k.q, k.head = k.q[:0], 0
		if cap(k.q) > maxSpare {
			k.q = nil
		}
	}
	return p
}

// losing returns the fault by which what comes next must not reach the client.
func (k *talk) losing() *thrown {
	if k.empty() {
		return nil
	}
	return k.q[k.head].lose
}

// wait lets a command that is about to be forwarded wait for its reply.
func (c *conn) wait(p pending) {
	if p.silent {
		c.finish(&p, trace.Reply{}, p.ev.At)
		return
	}
	if !c.push(p) {
		c.t.stats.unrecorded.Add(1)
	}
}

// finish hands over the event of a command with its reply.
func (c *conn) finish(p *pending, r trace.Reply, now time.Time) {
	if c.t.o.Sink == nil || p.unseen {
		return
	}
	p.ev.Reply = r
	if p.secret && r.Text != "" && r.Type != "simple" {
		p.ev.Reply.Text = trace.Masked
	}
	p.ev.Client = c.name
	p.ev.Duration = now.Sub(p.ev.At)
	c.t.o.Sink(p.ev)
}

// replied finds out what a complete message of the server answers.
func (c *conn) replied(r *reply, now time.Time) {
	confirms := c.confirms(r)
	switch {
	case c.unasked(r, confirms):
		if confirms {
			c.count(r)
		}
		c.t.stats.pushes.Add(1)
		c.pushed(r, now)
		return
	case c.empty():
		c.t.stats.unpaired.Add(1)
		c.pushed(r, now)
		return
	}
	p := &c.q[c.head]
	p.ev.Received += r.size
	if confirms {
		if p.due == allChannels {
			p.due = c.left(r)
		}
		c.count(r)
		if p.due--; p.due > 0 {
			return
		}
	}
	if !r.failed() && (!p.ev.Tx || p.role == reset) { // the rest is only queued
		c.took(p)
	}
	var shown trace.Reply
	if c.t.o.Sink != nil {
		shown = r.picture()
	}
	answered := c.pop()
	c.finish(&answered, shown, now)
}

// confirms reports whether a message has the form of a confirmation that a
// subscription began or ended.
func (c *conn) confirms(r *reply) bool {
	if r.typ != '>' && (r.typ != '*' || c.resp3) {
		return false
	}
	switch string(r.first) {
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

// unasked reports whether a message answers no command.
func (c *conn) unasked(r *reply, confirms bool) bool {
	asked := func() bool {
		return !c.empty() && c.q[c.head].due != 0 && strings.EqualFold(c.q[c.head].ev.Name, string(r.first))
	}
	switch {
	case r.typ == '>':
		return !confirms || !asked()
	case c.monitoring && r.typ == '+':
		return len(r.raw) > 0 && '0' <= r.raw[0] && r.raw[0] <= '9'
	case r.typ == '*' && !c.resp3 && c.channels+c.patterns+c.shard > 0:
		switch string(r.first) {
		case "message", "pmessage", "smessage":
			return true
		}
		return confirms && !asked()
	}
	return false
}

// count follows the server's count of subscriptions. For channels and patterns
// it tells their sum, so the one that changed takes the difference.
func (c *conn) count(r *reply) {
	switch string(r.first) {
	case "ssubscribe", "sunsubscribe":
		c.shard = r.last
	case "psubscribe", "punsubscribe":
		c.patterns = r.last - c.channels
	default:
		c.channels = r.last - c.patterns
	}
}

// left is how many confirmations an unsubscription from everything gets.
func (c *conn) left(r *reply) int {
	n := c.channels
	switch string(r.first) {
	case "sunsubscribe":
		n = c.shard
	case "punsubscribe":
		n = c.patterns
	}
	return int(max(1, n))
}

// took applies what a command that succeeded changed for the conversation.
func (c *conn) took(p *pending) {
	switch p.role {
	case hello:
		if p.proto != 0 {
			c.resp3 = p.proto == '3'
		}
	case monitor:
		c.monitoring = true
	case reset:
		c.resp3, c.monitoring, c.name = false, false, ""
		c.channels, c.patterns, c.shard = 0, 0, 0
	}
	if p.named {
		c.name = p.name
	}
}

// pushed hands over the event of a message that answers no command.
func (c *conn) pushed(r *reply, now time.Time) {
	if c.t.o.Sink == nil {
		return
	}
	name := strings.ToUpper(string(r.first))
	if c.monitoring && r.typ == '+' {
		name = "MONITOR"
	}
	c.t.o.Sink(trace.Event{
		Seq: c.t.seq.Add(1), Kind: trace.Push, Conn: c.id, Client: c.name, Name: name,
		Reply: r.picture(), At: now, Received: r.size,
	})
}
