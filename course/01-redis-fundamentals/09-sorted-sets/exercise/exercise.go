//go:build !solution

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
	return ErrNotImplemented
}

// Top returns the n best rows, best first; all rows when there are fewer, none for
// an empty board. No two players share a place: of equal scores, the name later in
// the order of bytes comes first, as in ZREVRANGE. n is at least 1. One round trip.
func Top(ctx context.Context, rdb redis.Cmdable, board string, n int) ([]Row, error) {
	return nil, ErrNotImplemented
}

// Around returns the player's row, the k rows before and the k rows after it, best
// first; fewer at the ends of the board. Places are those of Top, and all rows are
// of one moment: they show the board as it was between two commands of others. k is
// at least 1. It reads no more of the board than it shows, and takes at most two
// round trips. (The first call of a script on a new server may take one more.)
func Around(ctx context.Context, rdb redis.Cmdable, board, player string, k int) ([]Row, error) {
	return nil, ErrNotImplemented
}
