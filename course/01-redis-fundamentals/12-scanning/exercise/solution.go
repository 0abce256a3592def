//go:build solution

// Package exercise deletes the pages of older releases while the shop is open.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// dropOld deletes those of a batch of pages that an older release wrote. Looking and
// deleting are one: nothing comes in between. KEYS: the pages; ARGV[1]: the release.
// It returns how many it deleted. A page that is gone meanwhile has no release.
var dropOld = redis.NewScript(`
local dropped = 0
for _, page in ipairs(KEYS) do
	local wrote = redis.call('HGET', page, 'release')
	if wrote and tonumber(wrote) < tonumber(ARGV[1]) then
		dropped = dropped + redis.call('UNLINK', page)
	end
end
return dropped
`)

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
	deleted := 0
	for cursor := uint64(0); ; {
		pages, next, err := rdb.Scan(ctx, cursor, pattern, batch).Result()
		if err != nil {
			return deleted, err
		}
		if len(pages) > 0 {
			n, err := dropOld.Run(ctx, rdb, pages, release).Int()
			if err != nil {
				return deleted, err
			}
			deleted += n
		}
		if cursor = next; cursor == 0 { // an empty reply is not the end, this is
			return deleted, nil
		}
	}
}
