package race

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	// patience is how long an actor may be busy with itself.
	patience = 5 * time.Second
	// blink is how long a command that may wait in Redis is given to come back
	// where the server does not tell who waits.
	blink = 50 * time.Millisecond
)

// settle waits until every actor is about to send a command, waits in Redis, or
// has ended.
func (r *run) settle(ctx context.Context) error {
	for {
		if err := r.still(ctx); err != nil {
			return err
		}
		if len(r.ready()) > 0 || r.done() {
			return nil
		}
		// All who are left wait in Redis. Only a timeout can change that.
		woken, err := r.timeout(ctx)
		if err != nil || !woken {
			return err
		}
	}
}

// still waits until no actor is busy.
func (r *run) still(ctx context.Context) error {
	stuck := time.NewTimer(patience)
	defer stuck.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	quiet := time.Now()
	for {
		busy, inRedis := r.busy()
		if busy == nil {
			return nil
		}
		select {
		case e := <-r.events:
			if err := r.take(e); err != nil {
				return err
			}
			quiet = time.Now()
			stuck.Reset(patience)
		case <-look.C:
			if inRedis {
				r.look(ctx, time.Since(quiet) > blink)
			}
		case <-stuck.C:
			return r.impatient(busy)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// busy returns an actor that is not still, and whether all such actors have a
// command under way that may wait in Redis.
func (r *run) busy() (first *party, inRedis bool) {
	inRedis = true
	for _, p := range r.parties {
		if p.state == thinking || p.state == sent {
			if first == nil {
				first = p
			}
			inRedis = inRedis && p.state == sent && p.waits != never
		}
	}
	return first, inRedis
}

// look finds out whether all commands that are under way wait in Redis. It asks
// once for all of them: one that does not wait yet may be about to wake another.
// Where the server does not tell, silence must do.
func (r *run) look(ctx context.Context, silent bool) {
	var ids []int64
	for _, p := range r.parties {
		if p.state == sent {
			ids = append(ids, p.seat.id)
		}
	}
	asleep, known := waitingClients(ctx, r.env.Direct, ids)
	for _, id := range ids {
		if known && !asleep[id] || !known && !silent {
			return
		}
	}
	for _, p := range r.parties {
		if p.state == sent {
			p.state = waiting
			r.steps[p.step].Waits = true
		}
	}
}

// timeout lets the first actor that waits with a timeout have it, and says
// whether there is one. The server is told to hurry; one that cannot be told is
// waited for.
func (r *run) timeout(ctx context.Context) (woken bool, err error) {
	for _, p := range r.parties {
		if p.state != waiting || p.waits != awhile {
			continue
		}
		_ = r.env.Direct.ClientUnblock(ctx, p.seat.id).Err()
		select {
		case e := <-r.events:
			return true, r.take(e)
		case <-time.After(patience):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	var sleepers []string
	for _, p := range r.parties {
		if p.state == waiting {
			sleepers = append(sleepers, fmt.Sprintf("%s waits for the reply to %s", p.name, r.steps[p.step].Command))
		}
	}
	r.stuck = strings.Join(sleepers, ", ") + ", and nobody is left who could bring it"
	return false, nil
}

// take notes what an actor did.
func (r *run) take(e event) error {
	p := r.parties[e.actor]
	if e.kind == clashed {
		return &ActorError{Actor: p.name, Reason: "sent two commands at once: its commands must follow one another"}
	}
	if e.kind == outside {
		return &ActorError{Actor: p.name, Reason: fmt.Sprintf("sends %s by its client while its Watch runs", e.text), Err: ErrOutsideTx}
	}
	if p.state == gone {
		return nil // a goroutine that Do left behind
	}
	switch e.kind {
	case parked:
		p.state, p.command, p.waits, p.fresh = atGate, e.text, e.waits, true
	case replied:
		p.state = thinking
		r.steps[p.step].Reply, r.steps[p.step].Failed = e.text, e.failed
	case ended:
		p.state = gone
		if !p.end.Crashed {
			p.end.Err = e.err
		}
		p.refuse(errOver)
	}
	return nil
}

// impatient says what is wrong with an actor that does not come to rest.
func (r *run) impatient(p *party) error {
	switch {
	case p.end.Crashed:
		return &ActorError{Actor: p.name, Reason: fmt.Sprintf("did not return within %v after its crash: it must heed its context", patience)}
	case p.state == sent:
		return &ActorError{Actor: p.name, Reason: fmt.Sprintf("got no reply to %s within %v", r.steps[p.step].Command, patience)}
	}
	return &ActorError{Actor: p.name, Reason: fmt.Sprintf("neither ended nor sent a command within %v: an actor must wait for others only through Redis", patience)}
}
