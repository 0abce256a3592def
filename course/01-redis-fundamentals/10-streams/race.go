package kitchen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	ordersKey = "orders"
	plate     = "plates:" // and the dish
	soup      = "soup"
)

// region: ack-first

// acknowledgeFirst takes an order off the list, then cooks it.
func acknowledgeFirst(ctx context.Context, rdb redis.Cmdable, key, id, plates string) error {
	if err := rdb.XAck(ctx, key, kitchenGroup, id).Err(); err != nil {
		return err
	}
	return rdb.Incr(ctx, plates).Err() // cooks
}

// endregion

// region: ack-last

// acknowledgeLast cooks an order, then takes it off the list.
func acknowledgeLast(ctx context.Context, rdb redis.Cmdable, key, id, plates string) error {
	if err := rdb.Incr(ctx, plates).Err(); err != nil { // cooks
		return err
	}
	return rdb.XAck(ctx, key, kitchenGroup, id).Err()
}

// endregion

var (
	ackFirst       = twoCooks("ack-first", "XACK, then cook", acknowledgeFirst)
	ackLast        = twoCooks("ack-last", "cook, then XACK", acknowledgeLast)
	claimAtOnce    = twoRescuers("claim-at-once", "XAUTOCLAIM with a min-idle-time of 0", 0)
	claimPatiently = twoRescuers("claim-patiently", "XAUTOCLAIM with a min-idle-time of a minute", time.Minute)
)

// twoCooks is the race: two cooks of one group, an order for each. Whatever
// befalls a cook, an order is on a plate or still known to be missing.
func twoCooks(name, title string, work func(ctx context.Context, rdb redis.Cmdable, key, id, plates string) error) race.Scenario {
	cook := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			read, err := c.XReadGroup(ctx, &redis.XReadGroupArgs{Streams: []string{k(ordersKey), ">"}, Group: kitchenGroup, Consumer: who, Count: 1, Block: -1}).Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			if err != nil {
				return err
			}
			entry := read[0].Messages[0]
			return work(ctx, c, k(ordersKey), entry.ID, k(plate+fmt.Sprint(entry.Values["dish"])))
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup:  func(ctx context.Context, c race.Client, k race.Keys) error { return ask(ctx, c, k, soup, "fish") },
		Actors: []race.Actor{cook("anna"), cook("ben")},
		Watch:  []string{ordersKey, plate + soup, plate + "fish"},
		Good:   "Every order is cooked, or pending, or not handed out yet.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			missing, err := uncooked(ctx, c, k)
			if err != nil {
				return err
			}
			if len(missing) > 0 {
				return &race.Violation{Message: fmt.Sprintf("The %s is not cooked, and no longer pending: nobody will ever ask for it.", missing[0])}
			}
			return nil
		},
	}
}

// ask orders these dishes. The ids are fixed, so that schedules look alike.
func ask(ctx context.Context, c race.Client, k race.Keys, dishes ...string) error {
	for i, dish := range dishes {
		if err := c.XAdd(ctx, &redis.XAddArgs{Stream: k(ordersKey), ID: fmt.Sprintf("%d-0", i+1), Values: []any{"dish", dish}}).Err(); err != nil {
			return err
		}
	}
	return c.XGroupCreate(ctx, k(ordersKey), kitchenGroup, "0").Err()
}

// uncooked lists the dishes that were handed out, are on no plate, and are not
// pending.
func uncooked(ctx context.Context, c race.Client, k race.Keys) ([]string, error) {
	pending, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: k(ordersKey), Group: kitchenGroup, Start: "-", End: "+", Count: 10}).Result()
	if err != nil {
		return nil, err
	}
	waiting := map[string]bool{}
	for _, p := range pending {
		waiting[p.ID] = true
	}
	groups, err := c.XInfoGroups(ctx, k(ordersKey)).Result()
	if err != nil {
		return nil, err
	}
	handedOut, err := c.XRange(ctx, k(ordersKey), "-", groups[0].LastDeliveredID).Result()
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, entry := range handedOut {
		dish := fmt.Sprint(entry.Values["dish"])
		plates, err := c.Get(ctx, k(plate+dish)).Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		if plates == 0 && !waiting[entry.ID] {
			missing = append(missing, dish)
		}
	}
	return missing, nil
}

// twoRescuers is the race: a cook dropped out an hour ago with the soup in hand,
// and two others look for what was left.
func twoRescuers(name, title string, minIdle time.Duration) race.Scenario {
	rescuer := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			left, _, err := c.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: k(ordersKey), Group: kitchenGroup, Consumer: who, MinIdle: minIdle, Start: "0", Count: 10}).Result()
			if err != nil || len(left) == 0 {
				return err
			}
			return acknowledgeLast(ctx, c, k(ordersKey), left[0].ID, k(plate+soup))
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			if err := ask(ctx, c, k, soup); err != nil {
				return err
			}
			err := c.XReadGroup(ctx, &redis.XReadGroupArgs{Streams: []string{k(ordersKey), ">"}, Group: kitchenGroup, Consumer: "dan", Block: -1}).Err()
			if err != nil {
				return err
			}
			// XCLAIM may set how long an entry has been silent: an hour, without waiting.
			_, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
				return p.Do(ctx, "XCLAIM", k(ordersKey), kitchenGroup, "dan", 0, "1-0", "IDLE", time.Hour.Milliseconds(), "JUSTID").Err()
			})
			return err
		},
		Actors: []race.Actor{rescuer("anna"), rescuer("ben")},
		Watch:  []string{ordersKey, plate + soup},
		Good:   "The soup is cooked once at most.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			plates, err := c.Get(ctx, k(plate+soup)).Int()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			if plates > 1 {
				return &race.Violation{Message: fmt.Sprintf("One soup was ordered, and %d were cooked.", plates)}
			}
			return nil
		},
	}
}

// racing shows the crash that loses an order, and then every order of all four.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Anna acknowledges first, and drops out before she cooks.")
	if _, err := r.Race(ctx, ackFirst.Name, "A A A! B B B"); err != nil {
		return err
	}
	r.Step("Now every order in which the commands of two cooks can reach Redis, with a crash at each.")
	for _, way := range []struct{ scenario, metric string }{
		{ackFirst.Name, "ack_first"}, {ackLast.Name, "ack_last"}, {claimAtOnce.Name, "claim_at_once"}, {claimPatiently.Name, "claim_patiently"},
	} {
		report, err := r.Explore(ctx, way.scenario, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + way.metric, Label: "schedules that go wrong, " + way.scenario, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
	}
	return nil
}
