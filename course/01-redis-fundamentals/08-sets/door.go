package guestlist

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	inside = "inside"    // the tickets that have been let in
	ticket = "T-0000042" // the one that was photographed
)

var errTurnedAway = errors.New("this ticket is inside already")

// region: look

// lookThenAdmit asks whether the ticket is inside, and writes it down if not.
func lookThenAdmit(ctx context.Context, rdb redis.Cmdable, key, ticket string) error {
	used, err := rdb.SIsMember(ctx, key, ticket).Result()
	if err != nil {
		return err
	}
	if used {
		return errTurnedAway
	}
	return rdb.SAdd(ctx, key, ticket).Err()
}

// endregion

// region: add

// admit writes the ticket down, and heeds what SADD says about it.
func admit(ctx context.Context, rdb redis.Cmdable, key, ticket string) error {
	added, err := rdb.SAdd(ctx, key, ticket).Result()
	if err != nil {
		return err
	}
	if added == 0 {
		return errTurnedAway
	}
	return nil
}

// endregion

var (
	look = twoDoors("look", "SISMEMBER, then SADD", lookThenAdmit)
	add  = twoDoors("add", "SADD, and its answer", admit)
)

// twoDoors is the race: the ticket and its photograph arrive at two doors. A door
// whose function returns nil has opened.
func twoDoors(name, title string, scan func(context.Context, redis.Cmdable, string, string) error) race.Scenario {
	door := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return scan(ctx, c, k(inside), ticket)
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Actors: []race.Actor{door("north"), door("south")},
		Watch:  []string{inside},
		Good:   "The ticket let in at most one person.",
		Check: func(_ context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
			in := 0
			for _, end := range ends {
				if end.Err == nil && !end.Crashed {
					in++
				}
			}
			if in > 1 {
				return &race.Violation{Message: fmt.Sprintf("%s was sold once, and %d people are inside with it. The set holds it once: it shows nothing.", ticket, in)}
			}
			return nil
		},
	}
}

// doors plays the photographed ticket, and then every order of both ways.
func doors(ctx context.Context, r *unit.Run) error {
	r.Step("A ticket and its photograph arrive at two doors.")
	if _, err := r.Race(ctx, look.Name, "A B A B"); err != nil {
		return err
	}
	if _, err := r.Race(ctx, add.Name, "A B"); err != nil {
		return err
	}
	r.Step("Now every order in which the two doors can reach Redis.")
	for _, name := range []string{look.Name, add.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules that admit a ticket twice, " + name, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}

// resent loses the reply to one SADD. The set is right in the end; what the client
// is told about it is not.
func resent(ctx context.Context, r *unit.Run) error {
	r.Step("An honest guest, one scan, and the reply to it is lost. The client sends the SADD again by itself.")
	var added int64
	_, err := r.Trace(ctx, unit.Sample{
		Title:  "one scan of a good ticket, its reply lost",
		Note:   "The program called SAdd once and was told 0: seen before. The guest stands outside.",
		Faults: []tap.Fault{{Kind: tap.LoseReply, Command: "SADD", Times: 1}},
	}, func(ctx context.Context, c *redis.Client) (err error) {
		added, err = c.SAdd(trace.WithRequest(ctx, "one call of SAdd"), r.Key(inside), "T-0000007").Result()
		return err
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "added_after_retry", Label: "what SADD said to an honest guest after a lost reply", Value: float64(added), Tone: unit.Bad})
	return nil
}
