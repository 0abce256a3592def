//go:build ignore

// Package exercise deletes the pages of older releases while the shop is open.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// sweep looks at a batch of keys, deletes what is old, and returns where to go on.
const sweep = `
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local old = {}
for _, page in ipairs(reply[2]) do
	local wrote = tonumber(redis.call('HGET', page, 'release') or 'none')
	if wrote and wrote < tonumber(ARGV[4]) then
		old[#old + 1] = page
	end
end
local dropped = 0
if #old > 0 then
	dropped = redis.call('UNLINK', unpack(old))
end
return {reply[1], dropped}`

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
	cursor, deleted := "0", 0
	for {
		reply, err := rdb.Eval(ctx, sweep, nil, cursor, pattern, batch, release).Slice()
		if err != nil {
			return deleted, err
		}
		deleted += int(reply[1].(int64))
		if cursor = reply[0].(string); cursor == "0" {
			return deleted, nil
		}
	}
}
