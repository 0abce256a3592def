package race

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ActorError says that an actor does what no actor may do, so that its race
// cannot be played.
type ActorError struct {
	Actor  string
	Reason string // continues the name: "neither ended nor …"
	Err    error  // ErrOutsideTx, or nil
}

// Error is the sentence.
func (e *ActorError) Error() string { return "race: " + e.Actor + " " + e.Reason }

// Unwrap returns Err.
func (e *ActorError) Unwrap() error { return e.Err }

// ErrOutsideTx says that an actor sent a command by its client while its Watch ran:
// there it has the tx, and with it the one connection of the actor.
var ErrOutsideTx = errors.New("race: a command outside the transaction")

// actorClient is what Do gets. It has the methods of Client and no others: what
// go-redis would batch by itself would be no step.
type actorClient struct {
	redis.Cmdable
	seat *seat
	gate *gate
}

// Watch is go-redis's, for actors that lose replies: what is left of a
// transaction whose connection broke must not be found by the next one.
func (c actorClient) Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error {
	if c.gate.watching {
		return c.gate.outsideTx("WATCH")
	}
	c.gate.watching = true
	defer func() {
		// Where the gate kept go-redis from cleaning up, the real connection would be
		// gone, and what it watched with it.
		if c.gate.refusal() != nil {
			_ = c.seat.client.Do(through(context.WithoutCancel(ctx)), "UNWATCH").Err()
		}
		c.gate.watching, c.gate.broken = false, false
	}()
	return c.seat.client.Watch(ctx, fn, keys...)
}

// party is an actor during one run, as the scheduler sees it.
type party struct {
	name    string
	seat    *seat
	gate    *gate
	crash   context.CancelFunc
	state   state
	command string // parked: what it is about to send
	waits   waits  // how that may wait in Redis
	fresh   bool   // parked since the last command was sent
	step    int    // index of its last step
	count   int    // its steps so far
	end     End
}

type state int

const (
	thinking state = iota // runs its own code
	atGate                // is about to send a command
	sent                  // has sent it and awaits the reply
	waiting               // waits in Redis for somebody else
	gone                  // has ended
)

// start runs Do in a goroutine of its own.
func (p *party) start(ctx context.Context, actor Actor, keys Keys) {
	ctx, p.crash = context.WithCancel(context.WithValue(ctx, gateKey{}, p.gate))
	p.gate.ctx = ctx
	p.seat.gate.Store(p.gate)
	client := actorClient{Cmdable: p.seat.client, seat: p.seat, gate: p.gate}
	go func() {
		err := errors.New("ended its goroutine")
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panicked: %v", r)
			}
			p.gate.flush()
			p.gate.events <- event{actor: p.gate.actor, kind: ended, err: err}
		}()
		err = actor.Do(ctx, client, keys)
	}()
}

// refuse ends what the actor can do to Redis, and then tells it.
func (p *party) refuse(why error) {
	p.gate.close(why)
	p.crash()
}

// word says in a few words how the actor ended, if it did.
func (p *party) word(prefix string) string {
	switch {
	case p.end.Crashed:
		return "crashed"
	case p.state == waiting:
		return "waits in Redis"
	case p.state != gone:
		return ""
	case p.end.Err != nil:
		return strings.ReplaceAll(p.end.Err.Error(), prefix, "")
	}
	return "done"
}

// keyring hands out the keys of one run and remembers which were used.
type keyring struct {
	prefix string
	mu     sync.Mutex
	names  map[string]bool
}

func (k *keyring) key(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.names[k.prefix+name] = true
	return k.prefix + name
}

// see remembers keys that were made from those handed out: cart:42:lock.
func (k *keyring) see(cmds []redis.Cmder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, cmd := range cmds {
		for _, arg := range cmd.Args() {
			if key, ok := arg.(string); ok && strings.HasPrefix(key, k.prefix) {
				k.names[key] = true
			}
		}
	}
}

// remove deletes what was used.
func (k *keyring) remove(ctx context.Context, c *redis.Client) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.names) == 0 {
		return nil
	}
	var keys []string
	for key := range k.names {
		keys = append(keys, key)
	}
	if err := c.Unlink(ctx, keys...).Err(); err != nil {
		return fmt.Errorf("race: delete %d keys: %w", len(keys), err)
	}
	return nil
}
