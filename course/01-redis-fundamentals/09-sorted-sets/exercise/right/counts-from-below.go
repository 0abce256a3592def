//go:build ignore

// Package exercise is the board of a pinball hall.
package exercise

import (
	"context"
	"encoding/json"
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

const report = `
local old = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not old or tonumber(old) < tonumber(ARGV[2]) then
	redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
return 1`

// Report notes that a player reached a score. The board, a sorted set, keeps the
// best score of each player, also when two reports come at once. One round trip.
func Report(ctx context.Context, rdb redis.Cmdable, board, player string, score float64) error {
	return rdb.Eval(ctx, report, []string{board}, player, score).Err()
}

// Top returns the n best rows, best first; all rows when there are fewer, none for
// an empty board. No two players share a place: of equal scores, the name later in
// the order of bytes comes first, as in ZREVRANGE. n is at least 1. One round trip.
func Top(ctx context.Context, rdb redis.Cmdable, board string, n int) ([]Row, error) {
	best, err := rdb.ZRevRangeByScoreWithScores(ctx, board, &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(n)}).Result()
	var out []Row
	for _, m := range best {
		out = append(out, Row{int64(len(out)) + 1, m.Member.(string), m.Score})
	}
	return out, err
}

const around = `
local up = redis.call('ZRANK', KEYS[1], ARGV[1])
if not up then
	return ''
end
local place = redis.call('ZCARD', KEYS[1]) - up
local k = tonumber(ARGV[2])
local from = up - k
if from < 0 then
	from = 0
end
local page = redis.call('ZRANGE', KEYS[1], from, up + k, 'WITHSCORES')
local rows = {}
for i = #page - 1, 1, -2 do
	local at = from + (i - 1) / 2
	rows[#rows + 1] = {Place = place + up - at, Player = page[i], Score = tonumber(page[i + 1])}
end
return cjson.encode(rows)`

// Around returns the player's row, the k rows before and the k rows after it, best
// first; fewer at the ends of the board. Places are those of Top, and all rows are
// of one moment: they show the board as it was between two commands of others. k is
// at least 1. It reads no more of the board than it shows, and takes at most two
// round trips. (The first call of a script on a new server may take one more.)
func Around(ctx context.Context, rdb redis.Cmdable, board, player string, k int) ([]Row, error) {
	reply, err := rdb.Eval(ctx, around, []string{board}, player, k).Text()
	if err != nil {
		return nil, err
	}
	if reply == "" {
		return nil, ErrNotRanked
	}
	var rows []Row
	return rows, json.Unmarshal([]byte(reply), &rows)
}
