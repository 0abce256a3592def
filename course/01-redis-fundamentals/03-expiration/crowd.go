package expiry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// batch is how many commands go out together.
const batch = 1000

// crowd is a server of our own: sessions that live for a day, and among them
// holds that all end at one moment.
type crowd struct {
	label         string
	rdb           *redis.Client
	living, holds int
	end           time.Time    // of the holds
	left          int          // holds in memory, at the end of watch
	share         []unit.Point // what part of the keys in memory is dead, over seconds
	tell          func(label string, done, total int)
}

func session(i int) string { return fmt.Sprintf("session:%d", i) }
func hold(i int) string    { return fmt.Sprintf("hold:%d", i) }

// newCrowd starts a server for so many keys, of which percent will be holds.
func newCrowd(ctx context.Context, r *unit.Run, keys, percent int) (*crowd, error) {
	server, err := r.Server(ctx, redisproc.Options{Name: "expiry"})
	if err != nil {
		return nil, err
	}
	holds := keys * percent / 100
	return &crowd{
		label: fmt.Sprintf("%d %% dead", percent), rdb: server.Client(), living: keys - holds, holds: holds,
		tell: func(string, int, int) {}, // all do the same at the same time, and one tells
	}, nil
}

// fill writes the sessions, and then the holds.
func (c *crowd) fill(ctx context.Context) error {
	begun := time.Now()
	if err := c.send(ctx, 0, c.living, func(i int) []any { return []any{"SET", session(i), "x", "EX", 86400} }); err != nil {
		return err
	}
	// The holds must all be there when they end, however slow this machine is.
	c.end = time.Now().Add(200*time.Millisecond + 2*time.Since(begun)*time.Duration(c.holds)/time.Duration(c.living))
	return c.send(ctx, 0, c.holds, func(i int) []any { return []any{"SET", hold(i), "seat", "PXAT", c.end.UnixMilli()} })
}

// read asks for some of the holds. All are dead.
func (c *crowd) read(ctx context.Context, from, to int) error {
	return c.send(ctx, from, to, func(i int) []any { return []any{"GET", hold(i)} })
}

// send sends a command for each i from from to to.
func (c *crowd) send(ctx context.Context, from, to int, command func(i int) []any) error {
	for ; from < to; from += batch {
		c.tell("commands sent", from, to)
		_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := from; i < min(from+batch, to); i++ {
				p.Do(ctx, command(i)...)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) { // redis.Nil: a dead hold was read
			return err
		}
	}
	return nil
}

// dead is how many holds are in memory after their end.
func (c *crowd) dead(ctx context.Context) (int, error) {
	// region: dbsize
	keys, err := c.rdb.DBSize(ctx).Result() // counts what is in memory, dead or not
	// endregion
	return int(keys) - c.living, err
}

// watch counts the dead from the moment of their end on.
func (c *crowd) watch(ctx context.Context, long time.Duration) error {
	const samples = 25
	tick := time.NewTicker(long / samples)
	defer tick.Stop()
	for {
		dead, err := c.dead(ctx)
		if err != nil {
			return err
		}
		if since := time.Since(c.end); since >= 0 {
			c.left = dead
			c.share = append(c.share, unit.Point{X: since.Seconds(), Y: 100 * float64(dead) / float64(dead+c.living)})
			c.tell("looks at DBSIZE, while nobody asks for a key", min(len(c.share), samples), samples)
			if since >= long {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// each runs do for all crowds at the same time.
func each(crowds []*crowd, do func(c *crowd) error) error {
	var all sync.WaitGroup
	failed := make([]error, len(crowds))
	for i, c := range crowds {
		all.Go(func() { failed[i] = do(c) })
	}
	all.Wait()
	return errors.Join(failed...)
}
