package track

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// channel is the one that Redis pushes to where RESP2 is spoken.
const channel = "__redis__:invalidate"

// The reasons for which a session ends from this side.
var (
	errSilent = errors.New("no answer to PING within the check")
	errOther  = errors.New("another server answers at this address")
	errSpent  = errors.New("one connection to a session")
)

// link is the subscription to one master: one session after the other.
type link struct {
	*Tracker
	master master
	stop   context.CancelFunc
	proven atomic.Int64 // every write acknowledged until then was told; see expired
}

// session is one connection, from its opening to its end. It returns why it
// ended.
//
// What a PubSub of go-redis does by itself is switched off: it would connect
// again inside a call that fails, and nobody would learn when.
func (l *link) session(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := redis.NewClient(l.clientOptions(ctx))
	defer client.Close()
	sub := client.Subscribe(ctx)
	defer sub.Close()
	if err := l.subscribe(ctx, sub); err != nil {
		return err
	}

	// Keys that were pushed since the confirmation are still to be read: nothing
	// is between the reset and the first of them.
	l.options.OnReset()
	pong := make(chan struct{}, 1)
	var prover sync.WaitGroup
	prover.Go(func() { cancel(l.prove(ctx, sub, pong)) })
	cancel(l.read(ctx, sub, pong))
	prover.Wait()
	l.proven.Store(never)
	l.options.OnReset()
	return context.Cause(ctx)
}

// subscribe opens the connection and waits for the confirmation.
func (l *link) subscribe(ctx context.Context, sub *redis.PubSub) error {
	timeout := l.master.options.DialTimeout
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := sub.Subscribe(ctx, channel); err != nil {
		return err
	}
	_, err := sub.ReceiveTimeout(ctx, timeout)
	return refusal("SUBSCRIBE", err)
}

// read passes on what is pushed, until the connection ends.
func (l *link) read(ctx context.Context, sub *redis.PubSub, pong chan<- struct{}) error {
	for {
		message, err := sub.Receive(ctx)
		if err != nil && isFlush(err) {
			l.options.OnReset()
			continue
		}
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *redis.Message:
			if len(m.PayloadSlice) > 0 { // empty is a PUBLISH of somebody
				l.options.OnKeys(m.PayloadSlice)
			}
		case *redis.Pong:
			pong <- struct{}{} // never full: one PING at a time
		}
	}
}

// isFlush reports whether an error is what go-redis makes of the nil that Redis
// pushes at FLUSHALL and FLUSHDB. The connection is as good as before. Should
// the text ever change, the session ends instead, and that is a reset too.
func isFlush(err error) bool {
	return strings.HasSuffix(err.Error(), "unsupported pubsub message payload: <nil>")
}

// prove sends a PING twice per check, one at a time. Redis writes pushes before
// the replies to later commands, so what was acknowledged to anyone before a
// PING was sent has been read before its answer. An answer that would be older
// than a check is not waited for.
func (l *link) prove(ctx context.Context, sub *redis.PubSub, pong <-chan struct{}) error {
	check := l.options.Check
	timer := time.NewTimer(check)
	defer timer.Stop()
	last := int64(never)
	for proven := time.Now(); ; {
		sent := time.Now()
		if err := sub.Ping(ctx); err != nil {
			return err
		}
		timer.Reset(check - time.Since(proven))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return errSilent
		case <-pong:
		}
		proof := int64(sent.Sub(l.start))
		if !l.proven.CompareAndSwap(last, proof) {
			return errSilent // Live has been false already
		}
		last, proven = proof, sent
		timer.Reset(check/2 - time.Since(sent))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// clientOptions are those of the user's client that say how to reach the server and
// who asks, and our own for the rest. They are not a copy of all: hooks of RESP3
// and sizes of pools mean nothing here. The Dialer is the user's client's own;
// it holds its TLS, and for Sentinel it asks who the master is.
//
// No database is selected, for Redis pushes the keys of all.
func (l *link) clientOptions(ctx context.Context) *redis.Options {
	from := l.master.options
	return &redis.Options{
		Network:                      from.Network,
		Addr:                         from.Addr,
		Dialer:                       l.dialOnce(ctx),
		OnConnect:                    l.onConnect,
		ClientName:                   from.ClientName,
		Protocol:                     2, // in RESP3 nothing of go-redis would read the pushes
		Username:                     from.Username,
		Password:                     from.Password,
		CredentialsProvider:          from.CredentialsProvider,
		CredentialsProviderContext:   from.CredentialsProviderContext,
		StreamingCredentialsProvider: from.StreamingCredentialsProvider,
		DisableIdentity:              from.DisableIdentity,
		IdentitySuffix:               from.IdentitySuffix,
		DialTimeout:                  from.DialTimeout,
		ReadTimeout:                  from.DialTimeout,
		WriteTimeout:                 l.options.Check,
		ContextTimeoutEnabled:        true,
		MaxRetries:                   -1,
		PoolSize:                     1,
		PipelinePoolSize:             -1,
		MaintNotificationsConfig:     &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dialOnce dials for one connection, which it closes when ctx ends: that also
// interrupts who reads from it.
func (l *link) dialOnce(ctx context.Context) func(context.Context, string, string) (net.Conn, error) {
	var spent atomic.Bool
	return func(dialCtx context.Context, network, addr string) (net.Conn, error) {
		if spent.Swap(true) {
			return nil, errSpent
		}
		conn, err := l.master.options.Dialer(dialCtx, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// onConnect makes sure that it is the right server and asks it for pushes to
// this very connection. They come once it is subscribed.
func (l *link) onConnect(ctx context.Context, conn *redis.Conn) error {
	if f := l.master.options.OnConnect; f != nil {
		if err := f(ctx, conn); err != nil {
			return err
		}
	}
	if l.master.runID != "" {
		if id, err := runID(ctx, conn); err != nil || id != l.master.runID {
			return errors.Join(err, errOther)
		}
	}
	id, err := conn.ClientID(ctx).Result()
	if err != nil {
		return refusal("CLIENT ID", err)
	}
	o := &redis.ClientTrackingOptions{Redirect: id, Bcast: true}
	if l.options.Prefix != "" {
		o.Prefixes = []string{l.options.Prefix}
	}
	return refusal("CLIENT TRACKING", conn.ClientTrackingOn(ctx, o).Err())
}
