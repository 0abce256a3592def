//go:build solution

// Package exercise is a notifier that knows when it has missed something.
package exercise

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Notice is what a listener gets.
type Notice struct {
	Number int64 // of the notice on its channel: 1, 2, 3 …
	Text   string
	// Missed is how many notices this listener has not got between the one before,
	// or since it began to listen, and this one.
	Missed int64
}

// counter is the key that counts the notices of a channel.
func counter(channel string) string { return channel + ":number" }

// numbered counts and publishes in one step: between the two, nobody else can
// publish a higher number.
var numbered = redis.NewScript(`
local number = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], number .. ' ' .. ARGV[2])
return number`)

// Publish numbers a notice and publishes it: whoever publishes, notices arrive in
// the order of their numbers, beginning with 1. The text stands unchanged within
// what is published. It returns the number. One round trip, but for the first call.
func Publish(ctx context.Context, rdb redis.Cmdable, channel, text string) (number int64, err error) {
	return numbered.Run(ctx, rdb, []string{counter(channel)}, channel, text).Int64()
}

// Notifier hands the notices of one channel to any number of listeners in this
// program, over one subscription. It is safe for concurrent use.
type Notifier struct {
	sub  *redis.PubSub
	done chan struct{} // closed when the last notice has been handed out

	mu        sync.Mutex
	last      int64 // number of the newest notice that was heard
	closed    bool
	listeners []*listener
}

type listener struct {
	notices chan Notice
	last    int64 // number of the newest notice that it got
}

// Open subscribes to a channel. Whatever is published after it has returned is
// heard, or counted as missed. A connection that breaks is made again, for as long
// as it takes.
func Open(ctx context.Context, rdb *redis.Client, channel string) (*Notifier, error) {
	sub := rdb.Subscribe(ctx, channel)
	if _, err := sub.Receive(ctx); err != nil { // until then, nothing is heard
		_ = sub.Close()
		return nil, err
	}
	last, err := rdb.Get(ctx, counter(channel)).Int64()
	if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: nothing was published yet
		_ = sub.Close()
		return nil, err
	}
	n := &Notifier{sub: sub, done: make(chan struct{}), last: last}
	go n.run()
	return n, nil
}

// Listen adds a listener for what is published from now on. Up to room notices wait
// for it, in their order. A listener for which too many wait misses notices, and the
// next one that it gets says how many. Nobody else waits for it.
func (n *Notifier) Listen(room int) <-chan Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{notices: make(chan Notice, room), last: n.last}
	if n.closed {
		close(l.notices)
	} else {
		n.listeners = append(n.listeners, l)
	}
	return l.notices
}

// Close ends the subscription and closes the channels of all listeners, in either
// order; when it returns, both are done.
func (n *Notifier) Close() error {
	err := n.sub.Close()
	<-n.done
	return err
}

// run hands out what is heard. The channel of go-redis subscribes again by itself,
// and ends with the subscription.
func (n *Notifier) run() {
	for message := range n.sub.Channel() {
		number, text, _ := strings.Cut(message.Payload, " ")
		if number, err := strconv.ParseInt(number, 10, 64); err == nil {
			n.handOut(number, text)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, l := range n.listeners {
		close(l.notices)
	}
	close(n.done)
}

// handOut gives a notice to everybody who has room for it. Whoever has none keeps
// its last number, so that the next notice tells the gap, as after a silence.
func (n *Notifier) handOut(number int64, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = number
	for _, l := range n.listeners {
		notice := Notice{Number: number, Text: text, Missed: max(0, number-l.last-1)}
		select {
		case l.notices <- notice:
			l.last = number
		default:
		}
	}
}
