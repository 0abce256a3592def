//go:build solution

// Package exercise is the board of a pinball hall.
package exercise

import (
	"context"
	"errors"
	"strconv"

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
	return rdb.ZAddGT(ctx, board, redis.Z{Score: score, Member: player}).Err()
}

// Top returns the n best rows, best first; all rows when there are fewer, none for
// an empty board. No two players share a place: of equal scores, the name later in
// the order of bytes comes first, as in ZREVRANGE. n is at least 1. One round trip.
func Top(ctx context.Context, rdb redis.Cmdable, board string, n int) ([]Row, error) {
	best, err := rdb.ZRevRangeWithScores(ctx, board, 0, int64(n)-1).Result()
	return rows(0, best), err
}

// around reads a place and the rows around it. Nothing runs between the two.
// KEYS[1]: the board; ARGV: the player, and how many rows on each side. It returns
// the rank of the first row, then name, score, name, score; nil if the player is
// not there.
var around = redis.NewScript(`
local rank = redis.call('ZREVRANK', KEYS[1], ARGV[1])
if not rank then
	return false
end
local first = math.max(0, rank - ARGV[2])
return {first, redis.call('ZREVRANGE', KEYS[1], first, rank + ARGV[2], 'WITHSCORES')}
`)

// Around returns the player's row, the k rows before and the k rows after it, best
// first; fewer at the ends of the board. Places are those of Top, and all rows are
// of one moment: they show the board as it was between two commands of others. k is
// at least 1. It reads no more of the board than it shows, and takes at most two
// round trips. (The first call of a script on a new server may take one more.)
func Around(ctx context.Context, rdb redis.Cmdable, board, player string, k int) ([]Row, error) {
	reply, err := around.Run(ctx, rdb, []string{board}, player, k).Slice()
	if errors.Is(err, redis.Nil) {
		return nil, ErrNotRanked
	}
	if err != nil {
		return nil, err
	}
	page, err := members(reply[1].([]any))
	return rows(reply[0].(int64), page), err
}

// rows numbers what a range returned, from the rank of its first member.
func rows(first int64, members []redis.Z) []Row {
	out := make([]Row, len(members))
	for i, m := range members {
		out[i] = Row{Place: first + int64(i) + 1, Player: m.Member.(string), Score: m.Score}
	}
	return out
}

// members pairs the names and scores of a script's reply.
func members(flat []any) ([]redis.Z, error) {
	var out []redis.Z
	for i := 0; i < len(flat); i += 2 {
		score, err := strconv.ParseFloat(flat[i+1].(string), 64)
		if err != nil {
			return nil, err
		}
		out = append(out, redis.Z{Member: flat[i], Score: score})
	}
	return out, nil
}
