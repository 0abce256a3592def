//go:build solution

// Package exercise is a repository that writes through.
package exercise

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Row is what the database has for a lift. Version is above 0 and grows with each
// write of the row.
type Row struct {
	State   string
	Version int64
}

// Load reads the row from the database.
type Load func(ctx context.Context) (Row, error)

// Save writes a state to the database, and returns the row as it is then. With an
// error the row is as it was.
type Save func(ctx context.Context, state string) (Row, error)

const (
	life = 5 * time.Minute // of an entry
	hold = 5 * time.Second // longer than any save takes
)

// An entry is "<version> <state>". Beside it lies <key>:floor, the version below which
// nothing may be stored, and while a Write is at work <key>:writing, its token.

// refill stores what a reader has loaded.
var refill = redis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then
	return 0
end
if tonumber(redis.call('GET', KEYS[3]) or '0') > tonumber(ARGV[1]) then
	return 0
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1`)

// finish ends a Write. Whose token is gone was not alone: then nobody knows.
var finish = redis.NewScript(`
local alone = redis.call('GET', KEYS[2]) == ARGV[4]
if alone then
	redis.call('DEL', KEYS[2])
end
if ARGV[1] == '0' then
	return 0
end
local floor = tonumber(redis.call('GET', KEYS[3]) or '0')
if tonumber(ARGV[1]) < floor then
	return 0
end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
if alone then
	redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
else
	redis.call('DEL', KEYS[1])
end
return 1`)

func keysOf(key string) []string { return []string{key, key + ":writing", key + ":floor"} }

// Read reads through: it returns the state that the cache has at key, in 1 round trip,
// or else that of load, which is asked once, and which is stored for life. Nothing is
// stored that load may have read before a Write, or while one was at work; in that time
// Read answers from load. An error of load or of Redis is returned, and nothing is stored.
//
// Whatever Read and Write keep lies at key, or at keys that begin with it and a colon,
// and ends by itself: after life at most.
func Read(ctx context.Context, rdb redis.Cmdable, key string, load Load) (string, error) {
	entry, err := rdb.Get(ctx, key).Result()
	if err == nil {
		_, state, _ := strings.Cut(entry, " ")
		return state, nil
	}
	if !errors.Is(err, redis.Nil) {
		return "", err
	}
	row, err := load(ctx)
	if err != nil {
		return "", err
	}
	err = refill.Run(ctx, rdb, keysOf(key), row.Version, row.State, life.Milliseconds()).Err()
	return row.State, err
}

// Write writes through: it calls save once, and after that the cache has the new state,
// so that the next Read is a hit.
//
// If save fails, its error is returned, and Read goes on with what the database has.
// From the moment that save has committed no Read that begins then returns an older
// state, also if this process dies right after it. If Redis cannot be told before save,
// nothing is written, and the error is returned; if it cannot be told afterwards, the
// error is returned too, and for hold at most the cache has nothing.
//
// Of two Writes at the same time the cache has in the end that with the larger Version,
// or nothing. Write costs 2 round trips besides the first use of a script.
func Write(ctx context.Context, rdb redis.Cmdable, key, state string, save Save) error {
	token := rand.Text()
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, key+":writing", token, hold)
		p.Del(ctx, key)
		return nil
	})
	if err != nil {
		return err
	}
	row, err := save(ctx, state)
	if err != nil {
		row = Row{}
	}
	told := finish.Run(ctx, rdb, keysOf(key), row.Version, row.State, life.Milliseconds(), token).Err()
	return errors.Join(err, told)
}
