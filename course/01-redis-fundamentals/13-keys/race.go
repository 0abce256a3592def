package notes

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// region: apart

// retagApart gives a note another tag, and moves it in the index: three writes.
func retagApart(ctx context.Context, rdb race.Client, key race.Keys, id, tag string) error {
	old, err := rdb.HGet(ctx, key("note:"+id), "tag").Result()
	if err != nil {
		return err
	}
	if err := rdb.HSet(ctx, key("note:"+id), "tag", tag).Err(); err != nil {
		return err
	}
	if err := rdb.SRem(ctx, key("tag:"+old), id).Err(); err != nil {
		return err
	}
	return rdb.SAdd(ctx, key("tag:"+tag), id).Err()
}

// endregion

// retagMulti makes the three writes one.
func retagMulti(ctx context.Context, rdb race.Client, key race.Keys, id, tag string) error {
	old, err := rdb.HGet(ctx, key("note:"+id), "tag").Result()
	if err != nil {
		return err
	}
	_, err = rdb.TxPipelined(ctx, func(p redis.Pipeliner) error { return move(ctx, p, key, id, old, tag) })
	return err
}

// region: watch

// retagWatch does it again if somebody has changed the note since it was read.
func retagWatch(ctx context.Context, rdb race.Client, key race.Keys, id, tag string) error {
	for range 5 {
		err := rdb.Watch(ctx, func(tx *redis.Tx) error {
			old, err := tx.HGet(ctx, key("note:"+id), "tag").Result()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return move(ctx, p, key, id, old, tag) })
			return err
		}, key("note:"+id))
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return redis.TxFailedErr
}

func move(ctx context.Context, p redis.Pipeliner, key race.Keys, id, old, tag string) error {
	p.HSet(ctx, key("note:"+id), "tag", tag)
	p.SRem(ctx, key("tag:"+old), id)
	p.SAdd(ctx, key("tag:"+tag), id)
	return nil
}

// endregion

var (
	apart = twoTags("apart", "three writes", retagApart)
	multi = twoTags("multi", "a read, then MULTI", retagMulti)
	watch = twoTags("watch", "WATCH, a read, then MULTI", retagWatch)
)

// twoTags is the race: two people give note 7 a new tag.
func twoTags(name, title string, retag func(ctx context.Context, rdb race.Client, key race.Keys, id, tag string) error) race.Scenario {
	person := func(who, tag string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return retag(ctx, c, k, "7", tag)
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			if err := c.HSet(ctx, k("note:7"), "tag", "todo").Err(); err != nil {
				return err
			}
			return c.SAdd(ctx, k("tag:todo"), "7").Err()
		},
		Actors: []race.Actor{person("ada", "done"), person("bela", "late")},
		Watch:  []string{"note:7", "tag:todo", "tag:done", "tag:late"},
		Good:   "The note stands under its tag, and under no other.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			has, err := c.HGet(ctx, k("note:7"), "tag").Result()
			if err != nil {
				return err
			}
			for _, tag := range []string{"todo", "done", "late"} {
				listed, err := c.SIsMember(ctx, k("tag:"+tag), "7").Result()
				if err != nil {
					return err
				}
				switch {
				case listed && tag != has:
					return &race.Violation{Message: fmt.Sprintf("note:7 has the tag %s, and stands under %s.", has, tag)}
				case !listed && tag == has:
					return &race.Violation{Message: fmt.Sprintf("note:7 has the tag %s, and does not stand under it.", has)}
				}
			}
			return nil
		},
	}
}

// retagging plays the order that MULTI does not help against, and explores all.
func retagging(ctx context.Context, r *unit.Run, _ *space) error {
	r.Step("Two people give one note a new tag, each with its move in the index in a MULTI.")
	if _, err := r.Race(ctx, multi.Name, "A B A B"); err != nil {
		return err
	}
	r.Step("Now every order, and a crash and a lost reply at each command, for three ways to do it.")
	for _, name := range []string{apart.Name, multi.Name, watch.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules that leave index and note apart, " + name, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
	}
	return nil
}
