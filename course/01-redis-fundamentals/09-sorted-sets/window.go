package ranking

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// region: window

// note puts a game into the index: the score is when it was, in milliseconds.
func note(ctx context.Context, rdb redis.Cmdable, key, member string, at time.Time) error {
	return rdb.ZAdd(ctx, key, redis.Z{Score: float64(at.UnixMilli()), Member: member}).Err()
}

// since counts what was noted after a moment.
func since(ctx context.Context, rdb redis.Cmdable, key string, t time.Time) (int64, error) {
	return rdb.ZCount(ctx, key, fmt.Sprintf("(%d", t.UnixMilli()), "+inf").Result()
}

// forget removes what is older.
func forget(ctx context.Context, rdb redis.Cmdable, key string, t time.Time) (int64, error) {
	return rdb.ZRemRangeByScore(ctx, key, "-inf", fmt.Sprint(t.UnixMilli())).Result()
}

// endregion

// windowing keeps an index over time: which games were played in the last ten
// minutes? Once each game is a member, once each player is.
func windowing(ctx context.Context, r *unit.Run) error {
	const games, players, hall, window = 1000, 40, 2 * time.Hour, 10 * time.Minute
	r.Step("%d games in two hours by %d players. How many in the last ten minutes?", games, players)
	now := time.Now()
	byGame, byPlayer := r.Key("games:when"), r.Key("players:when")
	truth := 0
	_, err := r.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range games {
			at := now.Add(-hall * time.Duration(games-i) / games) // the last one is 7.2 seconds old
			if at.UnixMilli() > now.Add(-window).UnixMilli() {
				truth++
			}
			player := name(rand.IntN(players))
			if err := note(ctx, p, byGame, fmt.Sprintf("%s:game:%d", player, i), at); err != nil {
				return err
			}
			if err := note(ctx, p, byPlayer, player, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	chart := unit.Chart{
		Kind: unit.Bars, Title: "Games of the last ten minutes", Series: []unit.Series{{Name: "counted"}},
		Mark: &unit.Mark{Label: "played", Value: float64(truth)},
	}
	r.Metric(unit.Metric{Name: "window_true", Label: "games played in the last ten minutes", Value: float64(truth), Minor: true})
	for _, way := range []struct{ key, metric, label string }{{byGame, "window_games", "a member a game"}, {byPlayer, "window_players", "a member a player"}} {
		n, err := since(ctx, r.Redis(), way.key, now.Add(-window))
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: way.metric, Label: "counted, " + way.label, Value: float64(n), Tone: toneOf(truth - int(n)), Minor: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: float64(n)})
	}
	r.Chart(chart)
	_, err = r.Trace(ctx, unit.Sample{Title: "the window slides", Note: "Without the second command the index would grow for ever: a member of a sorted set has no time to live of its own."},
		func(ctx context.Context, c *redis.Client) error {
			if err := note(ctx, c, byGame, "wanda:game:1000", now); err != nil {
				return err
			}
			if _, err := forget(ctx, c, byGame, now.Add(-window)); err != nil {
				return err
			}
			return c.ZCard(ctx, byGame).Err()
		})
	return err
}
