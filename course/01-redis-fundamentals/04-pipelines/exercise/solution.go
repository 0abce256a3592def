//go:build solution

// Package exercise loads a list of products into hashes.
package exercise

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Product is one line of the list. No two have the same key.
type Product struct {
	Key   string
	Cents int64
	Stock int64
}

// batch is how many commands go together.
const batch = 1000

// Load writes each product to the hash at its key: the fields cents and stock.
// It never sends more than 1,000 commands before it reads their replies, and
// 10,000 products cost it 20 round trips at most.
//
// Redis refuses a product whose key holds something else than a hash; what is
// there stays. The others are loaded all the same.
//
// failed has the key of each product that Redis did not confirm, with what is
// known about it: the error of its own command. A key that is not in failed is
// stored. err is for what is about no single product, and may be nil; whatever it
// says, failed is complete.
func Load(ctx context.Context, rdb redis.Cmdable, products []Product) (failed map[string]error, err error) {
	failed = map[string]error{}
	for part := range slices.Chunk(products, batch) {
		pipe := rdb.Pipeline()
		cmds := make([]*redis.IntCmd, len(part))
		for i, p := range part {
			cmds[i] = pipe.HSet(ctx, p.Key, "cents", p.Cents, "stock", p.Stock)
		}
		// Exec's error is that of the first command that failed. It says that there is
		// something to look for, and each command says for itself.
		if _, err := pipe.Exec(ctx); err == nil {
			continue
		}
		for i, cmd := range cmds {
			if cmd.Err() != nil {
				failed[part[i].Key] = cmd.Err()
			}
		}
	}
	return failed, nil
}
