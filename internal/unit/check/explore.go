package check

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

// Explore plays every order of the scenario's commands, also with a crash and a
// lost reply at each of them, and ends the task at the first that breaks the
// data: the sentence of the scenario's Check, and the shortest such order. An
// actor that uses its client inside Watch, where it has the tx, fails too.
//
// An exploration that was cut short says so in the task's Note. It passes when
// enough of it was judged: a hundred schedules, or all that there are but for a
// minority in which an actor sent too many commands. Where most are of that kind,
// the code fails, for nothing is known of it; where time was too short for a
// hundred, the task is an error.
func (c *C) Explore(sc race.Scenario) { c.explore(sc, race.Options{Faults: true}) }

// ExploreOrders is Explore without crashes and lost replies.
func (c *C) ExploreOrders(sc race.Scenario) { c.explore(sc, race.Options{}) }

func (c *C) explore(sc race.Scenario, o race.Options) {
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	var unwritten atomic.Bool
	actors := make([]race.Actor, len(sc.Actors))
	for i, a := range sc.Actors {
		do := a.Do
		a.Do = func(ctx context.Context, client race.Client, k race.Keys) (err error) {
			c.guard(func() { err = do(ctx, client, k) })
			if NotImplemented(err) {
				unwritten.Store(true)
			}
			if unwritten.Load() || c.outcome().status != Pass {
				stop() // no other order will say more
			}
			return err
		}
		actors[i] = a
	}
	sc.Actors = actors
	report, err := race.Explore(ctx, c.raceEnv(), sc, o)
	actor, _ := errors.AsType[*race.ActorError](err)
	switch {
	case c.outcome().status != Pass: // an actor panicked
		runtime.Goexit()
	case unwritten.Load():
		c.Written(ErrNotImplemented)
	case errors.Is(err, race.ErrOutsideTx):
		c.Fail("%s %s: inside Watch use tx, not the client. The command is no part of the transaction, and it needs a second connection: when every connection of a pool is held by a Watch, nobody gets one, and all wait for ever.", actor.Actor, actor.Reason)
	case err != nil:
		c.end(outcome{Error, c.Show(fmt.Sprintf("the race %q could not be played: %v", sc.Title, err))})
		runtime.Goexit()
	case report.Shortest != nil:
		c.Fail("%s", retell(report.Shortest))
	case report.Cut != "":
		c.cut(sc.Title, report)
	}
}

// enough is how many schedules without a mistake make a pass, when there are more
// than could be played.
const enough = 100

// cut judges an exploration that found no mistake and did not get to its end.
func (c *C) cut(title string, r *race.Report) {
	judged := r.Played - r.GivenUp
	switch {
	case r.GivenUp > judged && judged < enough:
		c.Fail("The race %q could not be judged: in %d of %d orders somebody sent %d commands and was not done. Does a loop try again for ever, or take many commands where one would do?",
			title, r.GivenUp, r.Played, race.DefaultMaxSteps)
	case r.Left > 0 && judged < enough:
		c.end(outcome{Error, fmt.Sprintf("Of the race %q only %d orders could be played, too few to say that it is right: %s. Is this machine busy? Check again.", title, judged, r.Cut)})
		runtime.Goexit()
	}
	c.note(fmt.Sprintf("no order of the race %q is wrong, though not all were judged: %s", title, r.Cut))
}

// retell tells a schedule that breaks the data: the sentence first, then the
// order, one command a line.
func retell(o *race.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nThe shortest order that does it:", o.Violation)
	for _, s := range o.Steps {
		fmt.Fprintf(&b, "\n  %s %s", s.Name, s.Command)
		switch s.Fault {
		case race.Crash:
			b.WriteString(" — the process dies before it is sent")
		case race.LostReply:
			fmt.Fprintf(&b, " → %s — the reply is lost", s.Reply)
		default:
			fmt.Fprintf(&b, " → %s", s.Reply)
		}
	}
	return b.String()
}

func (c *C) raceEnv() race.Env {
	return race.Env{
		Direct: c.direct,
		Prefix: c.prefix,
		Dial: func(name string) *redis.Client {
			o := c.wire.upstream()
			o.ClientName, o.PoolSize = name, 1
			return redis.NewClient(o)
		},
	}
}
