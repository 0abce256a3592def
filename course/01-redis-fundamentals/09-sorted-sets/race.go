package ranking

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	best   = "best"
	screen = "screen"
)

// region: compare

// reportByComparing looks whether the score is better, and if so writes it.
func reportByComparing(ctx context.Context, rdb redis.Cmdable, key, player string, score float64) error {
	old, err := rdb.ZScore(ctx, key, player).Result()
	if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: not on the board yet
		return err
	}
	if err == nil && old >= score {
		return nil
	}
	return rdb.ZAdd(ctx, key, redis.Z{Score: score, Member: player}).Err()
}

// endregion

// region: gt

// reportByGT lets Redis compare: GT writes only what is greater.
func reportByGT(ctx context.Context, rdb redis.Cmdable, key, player string, score float64) error {
	return rdb.ZAddGT(ctx, key, redis.Z{Score: score, Member: player}).Err()
}

// endregion

type reporter func(ctx context.Context, rdb redis.Cmdable, key, player string, score float64) error

var (
	compare = twoMachines("compare", "ZSCORE, then ZADD", reportByComparing)
	gt      = twoMachines("gt", "ZADD GT", reportByGT)
)

// twoMachines is the race: wanda played on two machines, and both report at once.
// The better of the games that were acknowledged must stand on the board.
func twoMachines(name, title string, report reporter) race.Scenario {
	scores := []float64{900, 700}
	machine := func(who string, score float64) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return report(ctx, c, k(best), "wanda", score)
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.ZAdd(ctx, k(best), redis.Z{Score: 500, Member: "wanda"}).Err()
		},
		Actors: []race.Actor{machine("left", scores[0]), machine("right", scores[1])},
		Watch:  []string{best},
		Good:   "The better score stands on the board.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			stands, err := c.ZScore(ctx, k(best), "wanda").Result()
			if err != nil {
				return err
			}
			for i, end := range ends {
				if end.Err == nil && !end.Crashed && stands < scores[i] {
					return &race.Violation{Message: fmt.Sprintf("Wanda scored %.0f, and was told that it is in. On the board stand %.0f.", scores[i], stands)}
				}
			}
			return nil
		},
	}
}

// rankThenPage is the race between a screen and a game: the screen asks for a
// place, and then for the rows around it.
var rankThenPage = race.Scenario{
	Name: "page", Title: "ZREVRANK, then ZREVRANGE",
	Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
		return c.ZAdd(ctx, k(best), redis.Z{Score: 900, Member: "ida"}, redis.Z{Score: 800, Member: "otto"},
			redis.Z{Score: 700, Member: "wanda"}, redis.Z{Score: 600, Member: "zoe"}, redis.Z{Score: 500, Member: "ben"}).Err()
	},
	Actors: []race.Actor{
		{Name: "screen", Do: showWanda},
		{Name: "zoe", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return reportByGT(ctx, c, k(best), "zoe", 750)
		}},
	},
	Watch: []string{best, screen},
	Good:  "The place and the rows fit.",
	Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
		shown, err := c.Get(ctx, k(screen)).Result()
		if errors.Is(err, redis.Nil) { // the screen stayed dark
			return nil
		}
		if err != nil {
			return err
		}
		place, rows, _ := strings.Cut(shown, ": ")
		if middle := strings.Split(rows, ", ")[1]; middle != "wanda" {
			return &race.Violation{Message: fmt.Sprintf("The screen says that wanda is %s, and shows %s there: %s.", place, middle, rows)}
		}
		return nil
	},
}

// showWanda writes what a screen shows: wanda's place, and the rows around it.
func showWanda(ctx context.Context, c race.Client, k race.Keys) error {
	rank, err := c.ZRevRank(ctx, k(best), "wanda").Result()
	if err != nil {
		return err
	}
	rows, err := c.ZRevRange(ctx, k(best), rank-1, rank+1).Result()
	if err != nil {
		return err
	}
	return c.Set(ctx, k(screen), fmt.Sprintf("number %d: %s", rank+1, strings.Join(rows, ", ")), 0).Err()
}

// racing plays what can go wrong between two clients, and then every order.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Wanda played on two machines, and both report at once: 900 and 700.")
	if _, err := r.Race(ctx, compare.Name, "A B A B"); err != nil {
		return err
	}
	r.Step("Every order of it, of ZADD GT, and of a screen that asks for a place and then for the page.")
	for _, name := range []string{compare.Name, gt.Name, rankThenPage.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules that go wrong, " + name, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
	}
	return nil
}

func toneOf(wrong int) unit.Tone {
	if wrong > 0 {
		return unit.Bad
	}
	return unit.Good
}
