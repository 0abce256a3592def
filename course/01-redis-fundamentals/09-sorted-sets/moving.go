package ranking

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// moving films a board of six while reports come in: who passes whom, and by which
// command.
func moving(ctx context.Context, r *unit.Run) error {
	r.Step("Reports come in for a board of six. Who passes whom?")
	board := r.Key("evening")
	err := r.Redis().ZAdd(ctx, board,
		redis.Z{Member: "ottilie", Score: 3050}, redis.Z{Member: "wanda", Score: 7200}, redis.Z{Member: "ben", Score: 7600},
		redis.Z{Member: "zoe", Score: 7700}, redis.Z{Member: "otto", Score: 8400}, redis.Z{Member: "ida", Score: 9100},
	).Err()
	if err != nil {
		return err
	}
	film := unit.Film{Title: "A board while reports come in"}
	take := func(caption string) error {
		frame, err := r.Frame(ctx, caption, "evening")
		film.Frames = append(film.Frames, frame)
		return err
	}
	if err := take("The board before. Redis counts from the lowest score, which has place 0."); err != nil {
		return err
	}
	for _, report := range []struct {
		command []any
		because string
	}{
		{[]any{"ZADD", board, "GT", "CH", 8700, "zoe"}, "she passes otto"},
		{[]any{"ZADD", board, "GT", "CH", 8000, "zoe"}, "worse than her best: nothing moves"},
		{[]any{"ZADD", board, "GT", "CH", 8700, "ben"}, "as many points as zoe; among equals the name decides"},
		{[]any{"ZINCRBY", board, 6000, "ottilie"}, "adds to what she has: from the end past five"},
		{[]any{"ZADD", board, "CH", 7000, "ida"}, "without GT a worse game takes the best score away"},
		{[]any{"ZREM", board, "ben"}, "who stood above him moves down by one"},
	} {
		reply, err := r.Redis().Do(ctx, report.command...).Result()
		if err != nil {
			return err
		}
		if err := take(fmt.Sprintf("%s → %v: %s.", r.Short(words(report.command)), reply, report.because)); err != nil {
			return err
		}
	}
	r.Film(film)
	return nil
}
