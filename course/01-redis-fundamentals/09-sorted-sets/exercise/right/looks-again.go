//go:build ignore

// Package exercise is the board of a pinball hall.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// What Around may return.
var (
	// ErrNotRanked says that the player is not on the board.
	ErrNotRanked = errors.New("not on the board")
	// ErrMoved says that the board moved while it was read, so that no rows of one
	// moment can be shown. The caller may ask again. Nobody has to need it.
	ErrMoved = errors.New("the board moved")
)

// Row is a line of the board.
type Row struct {
	Place  int64 // from 1: the best score is number 1
	Player string
	Score  float64
}

// Report notes that a player reached a score. The board, a sorted set, keeps the
// best score of each player, also when two reports come at once. One round trip.
func Report(ctx context.Context, rdb redis.Cmdable, board, player string, score float64) error {
	return rdb.ZAddArgs(ctx, board, redis.ZAddArgs{GT: true, Members: []redis.Z{{Score: score, Member: player}}}).Err()
}

// Top returns the n best rows, best first; all rows when there are fewer, none for
// an empty board. No two players share a place: of equal scores, the name later in
// the order of bytes comes first, as in ZREVRANGE. n is at least 1. One round trip.
func Top(ctx context.Context, rdb redis.Cmdable, board string, n int) ([]Row, error) {
	best, err := rdb.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: board, Start: 0, Stop: n - 1, Rev: true}).Result()
	return rows(0, best), err
}

// Around returns the player's row, the k rows before and the k rows after it, best
// first; fewer at the ends of the board. Places are those of Top, and all rows are
// of one moment: they show the board as it was between two commands of others. k is
// at least 1. It reads no more of the board than it shows, and takes at most two
// round trips. (The first call of a script on a new server may take one more.)
func Around(ctx context.Context, rdb redis.Cmdable, board, player string, k int) ([]Row, error) {
	// Guess by the rank of a moment ago, and look in the same MULTI whether it still
	// holds.
	rank, err := rdb.ZRevRank(ctx, board, player).Result()
	if errors.Is(err, redis.Nil) {
		return nil, ErrNotRanked
	}
	if err != nil {
		return nil, err
	}
	first := max(0, rank-int64(k))
	var now *redis.IntCmd
	var page *redis.ZSliceCmd
	_, err = rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		now = p.ZRevRank(ctx, board, player)
		page = p.ZRevRangeWithScores(ctx, board, first, rank+int64(k))
		return nil
	})
	switch {
	case errors.Is(err, redis.Nil):
		return nil, ErrNotRanked
	case err != nil:
		return nil, err
	case now.Val() != rank:
		return nil, ErrMoved
	}
	return rows(first, page.Val()), nil
}

// rows numbers what a range returned, from the rank of its first member.
func rows(first int64, members []redis.Z) []Row {
	out := make([]Row, len(members))
	for i, m := range members {
		out[i] = Row{Place: first + int64(i) + 1, Player: m.Member.(string), Score: m.Score}
	}
	return out
}
