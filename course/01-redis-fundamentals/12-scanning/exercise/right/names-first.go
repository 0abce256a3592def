//go:build ignore

// Package exercise deletes the pages of older releases while the shop is open.
package exercise

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

const dropOne = `
local wrote = redis.call('HGET', KEYS[1], 'release')
if not wrote or tonumber(wrote) >= tonumber(ARGV[1]) then
	return 0
end
return redis.call('UNLINK', KEYS[1])`

// Purge deletes the pages that releases before the given one wrote, and returns how
// many it deleted. Its pages are the keys that match pattern. Each is a hash whose
// field "release" is the number of the release that wrote it; other fields may be
// many, up to a million.
//
// The shop is open meanwhile: release writes pages, also anew under the name of an
// old one, and others may delete a page. What release wrote stays, at whatever
// moment it came. Nobody is held up: Redis looks at about batch keys at a time,
// and one command or script call deletes no more than about batch; there are only
// a few round trips to a batch; and a huge page is freed in the background.
func Purge(ctx context.Context, rdb redis.Cmdable, pattern string, release int, batch int64) (int, error) {
	// All names first, each once, and then a pipeline of small scripts for a batch.
	names := map[string]bool{}
	walk := rdb.Scan(ctx, 0, pattern, batch).Iterator()
	for walk.Next(ctx) {
		names[walk.Val()] = true
	}
	if err := walk.Err(); err != nil {
		return 0, err
	}
	var pages []string
	for name := range names {
		pages = append(pages, name)
	}
	deleted := 0
	for some := range slices.Chunk(pages, int(batch)) {
		replies, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, page := range some {
				p.Eval(ctx, dropOne, []string{page}, release)
			}
			return nil
		})
		if err != nil {
			return deleted, err
		}
		for _, reply := range replies {
			n, err := reply.(*redis.Cmd).Int()
			if err != nil {
				return deleted, err
			}
			deleted += n
		}
	}
	return deleted, nil
}
