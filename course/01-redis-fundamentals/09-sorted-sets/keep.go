package ranking

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// keeping shows three boards that differ in what ZADD is told to keep.
func keeping(ctx context.Context, r *unit.Run) error {
	r.Step("Three boards of one pinball hall: the best score, the fastest multiball, the number of games.")
	points, seconds, games := r.Key("points"), r.Key("seconds"), r.Key("games")
	// region: keep
	steps := [][]any{
		{"ZADD", points, "GT", "CH", 8400, "otto"},
		{"ZADD", points, "GT", "CH", 7900, "otto"}, // worse: nothing changes
		{"ZADD", points, "GT", "CH", 9100, "otto"}, // better
		{"ZADD", seconds, "LT", "CH", 61.4, "otto"},
		{"ZADD", seconds, "LT", "CH", 63, "otto"}, // slower: nothing changes
		{"ZINCRBY", games, 1, "otto"},
		{"ZINCRBY", games, 1, "otto"}, // adds, and answers with the sum
	}
	// endregion
	table := unit.Table{Title: "What a board keeps", Columns: []string{"command", "reply", "score after"}}
	_, err := r.Trace(ctx, unit.Sample{Title: "GT, LT, INCR", Note: "CH makes ZADD answer how many scores it changed. Without it, 0 means \"nobody new\", whether the score moved or not."},
		func(ctx context.Context, c *redis.Client) error {
			for _, step := range steps {
				reply, err := c.Do(trace.WithRequest(ctx, fmt.Sprint(step[0])), step...).Result()
				if err != nil {
					return err
				}
				after, err := r.Redis().ZScore(ctx, step[1].(string), "otto").Result()
				if err != nil {
					return err
				}
				table.Rows = append(table.Rows, []string{r.Short(words(step)), fmt.Sprint(reply), fmt.Sprint(after)})
			}
			return nil
		})
	r.Table(table)
	return err
}

func words(step []any) string {
	return strings.TrimSuffix(fmt.Sprintln(step...), "\n")
}

// asking shows the three orders that a range can follow, and where a score ends.
func asking(ctx context.Context, r *unit.Run) error {
	r.Step("Ranges: by place, by score, and by name where all scores are equal.")
	wall, names := r.Key("wall"), r.Key("names")
	scores := map[string]float64{"ida": 9100, "otto": 8400, "zoe": 7700, "ben": 7700, "wanda": 7200, "ottilie": 3050}
	for name, score := range scores {
		if err := errors.Join(
			r.Redis().ZAdd(ctx, wall, redis.Z{Score: score, Member: name}).Err(),
			r.Redis().ZAdd(ctx, names, redis.Z{Member: name}).Err(), // score 0
		); err != nil {
			return err
		}
	}
	// region: ranges
	questions := []struct {
		what    string
		command []any
	}{
		{"the best three", []any{"ZRANGE", wall, 0, 2, "REV"}},
		{"the worst, by a place from the end", []any{"ZRANGE", wall, -1, -1, "REV"}},
		{"from 7,200 to below 8,400", []any{"ZRANGE", wall, 7200, "(8400", "BYSCORE"}},
		{"how many above 7,700", []any{"ZCOUNT", wall, "(7700", "+inf"}},
		{"names that begin with ott", []any{"ZRANGE", names, "[ott", "(otu", "BYLEX"}},
	}
	// endregion
	table := unit.Table{Title: "Five questions, one command each", Columns: []string{"question", "command", "answer"}}
	_, err := r.Trace(ctx, unit.Sample{Title: "ranges by place, by score, by name"}, func(ctx context.Context, c *redis.Client) error {
		for _, q := range questions {
			reply, err := c.Do(trace.WithRequest(ctx, q.what), q.command...).Result()
			if err != nil {
				return err
			}
			table.Rows = append(table.Rows, []string{q.what, r.Short(words(q.command)), fmt.Sprint(reply)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Table(table)
	if err := farScores(ctx, r); err != nil {
		return err
	}
	return r.Keys(ctx, "The boards", "wall", "names", "points", "seconds", "games")
}

// farScores writes two scores that differ by one, where a float64 no longer can.
func farScores(ctx context.Context, r *unit.Run) error {
	key := r.Key("far")
	const last = 1 << 53 // up to here every whole number is a float64
	for name, score := range map[string]int64{"ida": last, "otto": last + 1} {
		if err := r.Redis().Do(ctx, "ZADD", key, score, name).Err(); err != nil {
			return err
		}
	}
	got, err := r.Redis().ZMScore(ctx, key, "ida", "otto").Result()
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "far_apart", Label: "what is left of a lead of 1 beyond 2^53", Value: got[1] - got[0], Tone: unit.Bad, Minor: true})
	return nil
}
