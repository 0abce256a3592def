package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis-grind/grind/internal/race"
)

var (
	pocket = twoCooks("pocket", "RPOP, then cook", func(ctx context.Context, c race.Client, k race.Keys, _ string, cook cookFunc) error {
		return fromPocket(ctx, c, k("orders"), cook)
	})
	peek = twoCooks("peek", "LINDEX, cook, then RPOP", func(ctx context.Context, c race.Client, k race.Keys, _ string, cook cookFunc) error {
		return byPeeking(ctx, c, k("orders"), cook)
	})
	rail = twoCooks("rail", "LMOVE to a rail, cook, then LREM", func(ctx context.Context, c race.Client, k race.Keys, who string, cook cookFunc) error {
		return fromRail(ctx, c, k("orders"), k("rail:"+who), cook)
	})
)

// tickets are the orders of the race, in the order in which they came.
var tickets = []string{"table-1", "table-2"}

// twoCooks is the race: two orders, and two cooks who take one each. Served
// plates are a list too, so that serving is a step that a cook can die before.
// Whatever happens, each order must be served, or still be somewhere in Redis.
func twoCooks(name, title string, take func(context.Context, race.Client, race.Keys, string, cookFunc) error) race.Scenario {
	cooks := []string{"anna", "ben"}
	places := []string{"orders", "rail:anna", "rail:ben", "served"}
	if name != "rail" {
		places = []string{"orders", "served"}
	}
	person := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return take(ctx, c, k, who, func(ctx context.Context, order string) error {
				return c.LPush(ctx, k("served"), order).Err()
			})
		}}
	}
	return race.Scenario{
		Name:  name,
		Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.LPush(ctx, k("orders"), tickets).Err()
		},
		Actors: []race.Actor{person(cooks[0]), person(cooks[1])},
		Watch:  places,
		Good:   "Every order was served, or is still written down somewhere.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			var found []string
			for _, place := range places {
				there, err := c.LRange(ctx, k(place), 0, -1).Result()
				if err != nil {
					return err
				}
				found = append(found, there...)
			}
			return missing(found)
		},
	}
}

// missing names the orders that are nowhere.
func missing(found []string) error {
	gone := slices.DeleteFunc(slices.Clone(tickets), func(order string) bool { return slices.Contains(found, order) })
	if len(gone) == 0 {
		return nil
	}
	return &race.Violation{Message: fmt.Sprintf("%s was never served, and is in no list: nobody can know of it any more.", strings.Join(gone, " and "))}
}
