package race

import (
	"context"
	"errors"
	"slices"

	"github.com/redis-grind/grind/internal/picture"
)

// Play plays a schedule from the start, which may be the beginning of one: what
// each actor would send next is part of the outcome. Playing a shorter one is
// stepping back. After each step it takes pictures of what the scenario watches.
//
// A schedule that does not fit is a *ScheduleError, an actor that cannot be
// played an *ActorError. All keys of the run are deleted, also after an error.
func Play(ctx context.Context, env Env, sc Scenario, schedule Schedule) (*Outcome, error) {
	s, err := newStage(env, sc)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.play(ctx, schedule)
}

// play is Play on a stage that can be used again.
func (s *stage) play(ctx context.Context, schedule Schedule) (out *Outcome, err error) {
	r, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := r.close(ctx); closing != nil {
			out, err = nil, errors.Join(err, closing)
		}
	}()
	start, err := r.pictures(ctx)
	if err != nil {
		return nil, err
	}
	for i, m := range schedule {
		if err := r.move(ctx, m); err != nil {
			return nil, err
		}
		if r.steps[i].Keys, err = r.pictures(ctx); err != nil {
			return nil, err
		}
	}
	return r.outcome(ctx, start)
}

// outcome tells what has been played.
func (r *run) outcome(ctx context.Context, start []picture.Key) (*Outcome, error) {
	out := &Outcome{Schedule: r.played.String(), Steps: slices.Clone(r.steps), Keys: start, Done: r.done() || r.stuck != ""}
	for _, p := range r.parties {
		next := ""
		if p.state == atGate {
			next = p.command
		}
		out.Actors = append(out.Actors, p.name)
		out.Next = append(out.Next, next)
		out.Ends = append(out.Ends, p.word(r.keys.prefix))
	}
	if !out.Done {
		return out, nil
	}
	violation, err := r.judge(ctx)
	if err != nil {
		return nil, err
	}
	out.Violation = violation
	if violation == "" {
		out.Good = r.scenario.Good
		if out.Good == "" {
			out.Good = "the data is right"
		}
	}
	return out, nil
}
