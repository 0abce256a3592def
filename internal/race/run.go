package race

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/picture"
)

// cleanup bounds the removal of the keys of a run.
const cleanup = 5 * time.Second

// stage is a scenario that is set up to be played, run after run.
type stage struct {
	env      Env
	scenario Scenario
	seats    []*seat
}

// newStage checks that the scenario can be played.
func newStage(env Env, sc Scenario) (*stage, error) {
	switch {
	case env.Dial == nil || env.Direct == nil:
		return nil, fmt.Errorf("race: Env needs Dial and Direct")
	case len(sc.Actors) == 0 || len(sc.Actors) > maxActors:
		return nil, fmt.Errorf("race: scenario %q must have 1 to %d actors, has %d", sc.Name, maxActors, len(sc.Actors))
	case sc.Check == nil:
		return nil, fmt.Errorf("race: scenario %q has no Check", sc.Name)
	}
	for _, actor := range sc.Actors {
		if actor.Do == nil {
			return nil, fmt.Errorf("race: scenario %q: %s has nothing to Do", sc.Name, actor.Name)
		}
	}
	return &stage{env: env, scenario: sc, seats: make([]*seat, len(sc.Actors))}, nil
}

// seat gives an actor its client, connected, so that connecting is no part of
// the race.
func (s *stage) seat(ctx context.Context, i int) (*seat, error) {
	if s.seats[i] != nil {
		return s.seats[i], nil
	}
	name := s.scenario.Actors[i].Name
	sit := &seat{client: s.env.Dial(name)}
	// go-redis has a second connection for pipelines.
	_, err := sit.client.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Ping(ctx).Err() })
	if err = errors.Join(err, sit.client.Ping(ctx).Err()); err != nil {
		_ = sit.client.Close()
		return nil, fmt.Errorf("race: connect %s: %w", name, err)
	}
	if id, err := sit.client.ClientID(ctx).Result(); err == nil {
		sit.id = id
	}
	sit.client.AddHook(sit)
	sit.hooked = true
	s.seats[i] = sit
	return sit, nil
}

// leave gives up an actor's client: its connection is in use for good.
func (s *stage) leave(i int) {
	if s.seats[i] != nil {
		_ = s.seats[i].client.Close()
		s.seats[i] = nil
	}
}

func (s *stage) close() {
	for i := range s.seats {
		s.leave(i)
	}
}

// run is one schedule being played. Its methods are the scheduler: one goroutine
// that lets one actor at a time do one thing.
type run struct {
	*stage
	keys    *keyring
	parties []*party
	events  chan event
	played  Schedule
	steps   []Step
	stuck   string // why nobody can take another step, though not all have ended
}

// open lays out the data and brings each actor to its first command.
func (s *stage) open(ctx context.Context) (r *run, err error) {
	prefix := fmt.Sprintf("%s%08x:", s.env.Prefix, rand.Uint32())
	r = &run{
		stage:  s,
		keys:   &keyring{prefix: prefix, names: map[string]bool{}},
		events: make(chan event, 8*len(s.scenario.Actors)), // more than all of them can say at once
		steps:  []Step{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(ctx))
		}
	}()
	if s.scenario.Setup != nil {
		if err := s.scenario.Setup(ctx, s.env.Direct, r.keys.key); err != nil {
			return r, fmt.Errorf("race: set up %s: %w", s.scenario.Name, err)
		}
	}
	for i, actor := range s.scenario.Actors {
		sit, err := s.seat(ctx, i)
		if err != nil {
			return r, err
		}
		p := &party{name: actor.Name, seat: sit, gate: &gate{
			actor: i, prefix: prefix, keys: r.keys, events: r.events, moves: make(chan Fault), stop: make(chan struct{})}}
		r.parties = append(r.parties, p)
		// One after the other: actors never run their own code at the same time, unless
		// one wakes another in Redis.
		p.start(ctx, actor, r.keys.key)
		if err := r.settle(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// ready lists the actors that can take the next step.
func (r *run) ready() []int {
	var actors []int
	for i, p := range r.parties {
		if p.state == atGate {
			actors = append(actors, i)
		}
	}
	return actors
}

// done reports whether all actors have ended.
func (r *run) done() bool {
	return !slices.ContainsFunc(r.parties, func(p *party) bool { return p.state != gone })
}

// move lets an actor take its next step, and comes back when everyone stands
// still again.
func (r *run) move(ctx context.Context, m Move) error {
	wrong := func(reason string) error {
		return &ScheduleError{append(r.played, m).String(), len(r.played) + 1, reason}
	}
	if m.Actor < 0 || m.Actor >= len(r.parties) {
		return wrong(fmt.Sprintf("there are %d actors", len(r.parties)))
	}
	p := r.parties[m.Actor]
	switch p.state {
	case gone:
		return wrong(p.name + " has ended")
	case waiting:
		return wrong(p.name + " waits in Redis for the reply to " + r.steps[p.step].Command)
	}
	r.played = append(r.played, m)
	p.step, p.count = len(r.steps), p.count+1
	r.steps = append(r.steps, Step{Move: m, Name: p.name, Command: p.command})
	for _, other := range r.parties {
		other.fresh = other.fresh && m.Fault == Crash // a crash changes nothing for the others
		if other.state == waiting {
			other.state = sent // this step may wake it
		}
	}
	switch m.Fault {
	case None, LostReply:
		if m.Fault == LostReply {
			p.end.Lost++
		}
		p.state = sent
		select {
		case p.gate.moves <- m.Fault:
		case <-ctx.Done():
			return ctx.Err()
		}
	case Crash:
		p.end.Crashed, p.state, p.waits = true, thinking, never
		p.refuse(ErrCrashed)
	default:
		return wrong(fmt.Sprintf("unknown fault %q", m.Fault))
	}
	return r.settle(ctx)
}

// close stops the actors that have not ended, so that they touch Redis no more,
// and deletes the keys.
func (r *run) close(ctx context.Context) error {
	for i, p := range r.parties {
		if p.state == gone {
			continue
		}
		p.refuse(errOver)
		if p.state == sent || p.state == waiting {
			r.leave(i) // nothing else ends a command that waits
		}
	}
	var err error
	late := time.After(patience)
	for i, p := range r.parties {
		for p.state != gone && err == nil {
			select {
			case e := <-r.events:
				_ = r.take(e)
			case <-late:
				err = &ActorError{Actor: p.name, Reason: fmt.Sprintf("did not return within %v after it was stopped: it must heed its context", patience)}
			}
		}
		if p.state != gone {
			r.leave(i) // its client is not safe to use again
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	return errors.Join(err, r.keys.remove(ctx, r.env.Direct))
}

// pictures draws the keys that the scenario watches.
func (r *run) pictures(ctx context.Context) ([]picture.Key, error) {
	keys := make([]string, len(r.scenario.Watch))
	for i, name := range r.scenario.Watch {
		keys[i] = r.keys.key(name)
	}
	return picture.Many(ctx, r.env.Direct, keys, r.strip)
}

// strip cuts the prefix of the run out of a text.
func (r *run) strip(s string) string { return strings.ReplaceAll(s, r.keys.prefix, "") }

// judge says what is wrong with the data, if anything is.
func (r *run) judge(ctx context.Context) (violation string, err error) {
	if r.stuck != "" {
		return r.stuck, nil
	}
	ends := make([]End, len(r.parties))
	for i, p := range r.parties {
		ends[i] = p.end
	}
	err = r.scenario.Check(ctx, r.env.Direct, r.keys.key, ends)
	if err == nil {
		return "", nil
	}
	if v, ok := errors.AsType[*Violation](err); ok {
		return r.strip(v.Message), nil
	}
	return "", fmt.Errorf("race: check %s after %q: %w", r.scenario.Name, r.played, err)
}
