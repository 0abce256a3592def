//go:build exercise

package exercise_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/09-sorted-sets/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestBest(t *testing.T) {
	check.Task(t, "best", func(c *check.C) {
		board := c.Key("board")
		best := map[string]float64{}
		for i := range 60 {
			player, score := fmt.Sprint("player-", c.Rand().IntN(8)), float64(c.Rand().IntN(2001)-1000)
			old, known := best[player]
			c.NoError(exercise.Report(c.Context(), c.Redis(), board, player, score), "Report")
			if !known || score > old {
				best[player] = score
			}
			got, err := c.Direct().ZScore(c.Context(), board, player).Result()
			if errors.Is(err, redis.Nil) {
				c.Fail("%s reported %v and is not on the board.", player, score)
			}
			c.NoError(err, "ZSCORE")
			if got != best[player] && known {
				c.Fail("Report %d: %s had %v on the board and reported %v. On the board stand %v, and the best is %v.", i+1, player, old, score, got, best[player])
			}
			if got != best[player] {
				c.Fail("%s reported %v for the first time, and on the board stand %v.", player, score, got)
			}
		}
		c.ExploreOrders(race.Scenario{
			Name: "best", Title: "wanda plays on two machines",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.ZAdd(ctx, k("board"), redis.Z{Score: 500, Member: "wanda"}).Err()
			},
			Actors: []race.Actor{reports("left", "wanda", 900), reports("right", "wanda", 700)},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				for _, end := range ends {
					if end.Err != nil {
						return violation("Report returned an error: %v", end.Err)
					}
				}
				if got := rdb.ZScore(ctx, k("board"), "wanda").Val(); got != 900 {
					return violation("Wanda reported 900 and 700 at once, and on the board stand %v.", got)
				}
				return nil
			},
		})
	})
}

func TestTop(t *testing.T) {
	check.Task(t, "top", func(c *check.C) {
		got, err := exercise.Top(c.Context(), c.Redis(), c.Key("nobody"), 3)
		c.NoError(err, "Top of an empty board")
		if len(got) > 0 {
			c.Fail("The board is empty, and Top shows %s.", text(got))
		}
		board := c.Key("board")
		all := fill(c, board, 30, 8)
		for _, n := range []int{1, 2 + c.Rand().IntN(20), len(all), len(all) + 5} {
			got, err := exercise.Top(c.Context(), c.Redis(), board, n)
			c.NoError(err, "Top")
			same(c, fmt.Sprintf("Top %d", n), got, all[:min(n, len(all))])
		}
	})
}

func TestAround(t *testing.T) {
	check.Task(t, "around", func(c *check.C) {
		board := c.Key("board")
		all := fill(c, board, 25, 6)
		for _, k := range []int{1, 2, 30} {
			for i, me := range all {
				got, err := exercise.Around(c.Context(), c.Redis(), board, me.Player, k)
				c.NoError(err, fmt.Sprintf("Around %s", me.Player))
				same(c, fmt.Sprintf("Around %s, number %d of %d, with %d on each side", me.Player, me.Place, len(all), k), got, view(all, i, k))
			}
		}
		got, err := exercise.Around(c.Context(), c.Redis(), board, "stranger", 2)
		c.Written(err)
		if !errors.Is(err, exercise.ErrNotRanked) {
			c.Fail("The stranger is not on the board. Around returned %s and the error %v, want ErrNotRanked.", text(got), err)
		}
	})
}

func TestMoment(t *testing.T) {
	check.Task(t, "moment", func(c *check.C) {
		scores := map[string]float64{"ida": 900, "otto": 800, "wanda": 700, "zoe": 600, "ben": 500}
		for _, move := range []struct {
			who   string
			score float64
		}{{"zoe", 750}, {"ben", 950}, {"otto", 850}, {"wanda", 1000}, {"new", 720}} {
			var got []exercise.Row
			c.ExploreOrders(race.Scenario{
				Name: "moment", Title: fmt.Sprintf("the screen shows wanda while %s scores %v", move.who, move.score),
				Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
					return lay(ctx, rdb, k("board"), scores)
				},
				Actors: []race.Actor{
					{Name: "screen", Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
						got, err = exercise.Around(ctx, rdb, k("board"), "wanda", 1)
						return err
					}},
					reports("player", move.who, move.score),
				},
				Check: func(_ context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
					if errors.Is(ends[0].Err, exercise.ErrMoved) {
						return nil
					}
					if ends[0].Err != nil {
						return violation("Around returned an error: %v", ends[0].Err)
					}
					later := maps.Clone(scores)
					later[move.who] = move.score
					before, after := aroundWanda(scores), aroundWanda(later)
					if !slices.Equal(got, before) && !slices.Equal(got, after) {
						return violation("While %s scored %v, Around wanda showed %s. Before that the board was %s, after it %s: these rows are of no moment.", move.who, move.score, text(got), text(before), text(after))
					}
					return nil
				},
			})
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		board := c.Key("board")
		all := fill(c, board, 2000, 100_000)
		for _, call := range []struct {
			what  string
			trips int
			rows  int
			do    func() error
		}{
			{"Report", 1, 1, func() error { return exercise.Report(c.Context(), c.Redis(), board, "wanda", 5) }},
			{"Top 10", 1, 10, func() error { _, err := exercise.Top(c.Context(), c.Redis(), board, 10); return err }},
			{"Around with 2 on each side", 2, 5, func() error {
				_, err := exercise.Around(c.Context(), c.Redis(), board, all[1000].Player, 2)
				return err
			}},
		} {
			c.NoError(call.do(), call.what) // a script is loaded now
			var err error
			sent := c.Commands(func() { err = call.do() })
			c.NoError(err, call.what)
			if n := trips(sent); n > call.trips {
				c.Fail("%s took %d round trips, want at most %d.", call.what, n, call.trips)
			}
			back := int64(0)
			for _, e := range sent {
				back += e.Received
			}
			if limit := int64(300 + 200*call.rows); back > limit {
				c.Fail("%s needs %d rows of 2,000, and fetched %d bytes for them: that is much of the board.", call.what, call.rows, back)
			}
		}
	})
}

// reports is an actor who puts a score on the board, better or not.
func reports(name, player string, score float64) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
		return exercise.Report(ctx, rdb, k("board"), player, score)
	}}
}

// fill lays out a board of random players, of whom many share a score, and returns
// its rows in their order.
func fill(c *check.C, board string, players, scores int) []exercise.Row {
	all := map[string]float64{}
	for len(all) < players {
		all[fmt.Sprintf("player-%d", c.Rand().IntN(1_000_000))] = float64(c.Rand().IntN(scores))
	}
	c.NoError(lay(c.Context(), c.Direct(), board, all), "ZADD")
	return ranked(all)
}

func lay(ctx context.Context, rdb redis.Cmdable, board string, scores map[string]float64) error {
	var members []redis.Z
	for player, score := range scores {
		members = append(members, redis.Z{Member: player, Score: score})
	}
	return rdb.ZAdd(ctx, board, members...).Err()
}

// ranked is the board as it should be shown.
func ranked(scores map[string]float64) []exercise.Row {
	var rows []exercise.Row
	for player, score := range scores {
		rows = append(rows, exercise.Row{Player: player, Score: score})
	}
	slices.SortFunc(rows, func(a, b exercise.Row) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(b.Player, a.Player))
	})
	for i := range rows {
		rows[i].Place = int64(i) + 1
	}
	return rows
}

// view is the part of the board around row i.
func view(all []exercise.Row, i, k int) []exercise.Row { return all[max(0, i-k):min(len(all), i+k+1)] }

func aroundWanda(scores map[string]float64) []exercise.Row {
	all := ranked(scores)
	return view(all, slices.IndexFunc(all, func(r exercise.Row) bool { return r.Player == "wanda" }), 1)
}

// same ends the task unless got is want, and says how the two differ.
func same(c *check.C, what string, got, want []exercise.Row) {
	if slices.Equal(got, want) {
		return
	}
	names := func(rows []exercise.Row) (out []string) {
		for _, r := range rows {
			out = append(out, r.Player)
		}
		return out
	}
	upside := slices.Clone(names(got))
	slices.Reverse(upside)
	switch {
	case len(got) != len(want):
		c.Fail("%s: %d rows, want %d. It shows %s; the board has %s.", what, len(got), len(want), text(got), text(want))
	case slices.Equal(names(got), names(want)) && got[0].Place != want[0].Place:
		c.Fail("%s: %s is number %d on the board, and is shown as number %d.", what, want[0].Player, want[0].Place, got[0].Place)
	case len(want) > 1 && slices.Equal(upside, names(want)):
		c.Fail("%s: the rows are upside down. It shows %s; the board has %s.", what, text(got), text(want))
	case got[0].Score < want[0].Score:
		c.Fail("%s: it begins with %s at %v points, and on the board that is %s with %v.", what, got[0].Player, got[0].Score, want[0].Player, want[0].Score)
	}
	c.Fail("%s shows %s; the board has %s.", what, text(got), text(want))
}

// text is a board as a line: 1 ida 900, 2 otto 800. A long one is cut.
func text(rows []exercise.Row) string {
	if len(rows) == 0 {
		return "no rows"
	}
	var out []string
	for _, r := range rows[:min(len(rows), 7)] {
		out = append(out, fmt.Sprintf("%d %s %v", r.Place, r.Player, r.Score))
	}
	if len(rows) > 7 {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// trips counts round trips: a trip begins with a command sent while no reply is
// outstanding on its connection.
func trips(sent []trace.Event) int {
	type trip struct{ conn, n uint64 }
	seen := map[trip]bool{}
	for _, e := range sent {
		seen[trip{e.Conn, e.Trip}] = true
	}
	return len(seen)
}

// violation is the sentence that a learner reads about a broken order.
func violation(format string, args ...any) error {
	return &race.Violation{Message: fmt.Sprintf(format, args...)}
}
