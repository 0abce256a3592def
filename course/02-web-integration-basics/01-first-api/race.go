package lostfound

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
)

var (
	hsetRace   = correct("hset", "EXISTS, then HSET", updateByHSet)
	scriptRace = correct("script", "the update as a script", func(ctx context.Context, o office, id int64, d Draft) error {
		_, err := o.update(ctx, id, d)
		return err
	})
)

// region: hset

// updateByHSet looks first, and then writes.
func updateByHSet(ctx context.Context, o office, id int64, d Draft) error {
	there, err := o.redis.Exists(ctx, o.item(id)).Result()
	if err != nil {
		return err
	}
	if there == 0 {
		return errNoItem
	}
	return o.redis.HSet(ctx, o.item(id), "what", d.What, "place", d.Place, "value", d.Value).Err()
}

// endregion

// correct is the race of a clerk who corrects item 1 and one who hands it out.
func correct(name, title string, update func(context.Context, office, int64, Draft) error) race.Scenario {
	umbrella := Draft{What: "umbrella, black", Place: "hall", Value: 12}
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			_, err := office{c, k}.create(ctx, umbrella)
			return err
		},
		Actors: []race.Actor{
			{Name: "corrects", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return update(ctx, office{c, k}, 1, Draft{What: "umbrella, blue", Place: "hall", Value: 12})
			}},
			{Name: "hands-out", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return office{c, k}.remove(ctx, 1)
			}},
		},
		Watch: []string{"item:1", "items"},
		Good:  "What was handed out is not in the office.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			if ends[1].Err != nil || ends[1].Crashed {
				return nil //nolint:nilerr // nobody was told that it was handed out
			}
			o := office{c, k}
			fields, err := c.HGetAll(ctx, o.item(1)).Result()
			if err != nil || len(fields) == 0 {
				return err
			}
			return &race.Violation{Message: fmt.Sprintf("The umbrella was handed out, and item 1 is back: %s, without a number, and in no list.", fields["what"])}
		},
	}
}

var (
	countRace = handIn("count", "ZCARD + 1", func(ctx context.Context, o office) (int64, error) {
		n, err := o.redis.ZCard(ctx, o.list()).Result()
		return n + 1, err
	})
	incrRace = handIn("incr", "INCR", func(ctx context.Context, o office) (int64, error) {
		return o.redis.Incr(ctx, o.last()).Result()
	})
)

// handIn is the race of two clerks who each take in an item.
func handIn(name, title string, number func(context.Context, office) (int64, error)) race.Scenario {
	clerk := func(what string) race.Actor {
		return race.Actor{Name: what, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			o := office{c, k}
			id, err := number(ctx, o)
			if err != nil {
				return err
			}
			_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, o.item(id), "id", id, "what", what)
				p.ZAdd(ctx, o.list(), redis.Z{Score: float64(id), Member: id})
				return nil
			})
			return err
		}}
	}
	return race.Scenario{
		Name:   name,
		Title:  title,
		Actors: []race.Actor{clerk("violin"), clerk("umbrella")},
		Watch:  []string{"item:1", "item:2", "items"},
		Good:   "Each item that was taken in has a ticket of its own.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			want, o := 0, office{c, k}
			for _, e := range ends {
				if e.Err == nil && !e.Crashed {
					want++
				}
			}
			ids, err := c.ZRange(ctx, o.list(), 0, -1).Result()
			if err != nil || len(ids) >= want {
				return err
			}
			return &race.Violation{Message: "Two items were taken in, and there is one ticket, " + strconv.Quote(ids[0]) + ": the other item is in no list, and its fields were overwritten."}
		},
	}
}
