package keyspace

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// drafts is how many keys match in the walks.
const drafts = 50

// shop is a server of our own with many keys: KEYS and a million keys are nothing
// to try on somebody else's.
type shop struct {
	server *lab.Server
	rdb    *redis.Client // who cleans up
	guest  *redis.Client // who only wants one page: the bystander
}

func open(ctx context.Context, r *unit.Run) (*shop, error) {
	n := r.Int("keys")
	r.Step("A shop of its own for this run: %s pages in one Redis, and among them %d drafts.", figure(n), drafts)
	server, err := r.Server(ctx, redisproc.Options{
		Name: "shop",
		// Some servers turn each DEL into UNLINK. Here a DEL is a DEL.
		Config: map[string]string{"lazyfree-lazy-user-del": "no"},
	})
	if err != nil {
		return nil, err
	}
	patient := func(o *redis.Options) { o.PoolSize, o.MaxRetries, o.ReadTimeout = 1, -1, -1 } // no time-out, no second try
	s := &shop{server: server, rdb: server.Client(patient), guest: server.Client(patient)}
	err = r.Waiting("filling the shop", func() error {
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Do(ctx, "DEBUG", "POPULATE", n, "page") // page:0, page:1 and so on
			for i := range drafts {
				p.Set(ctx, fmt.Sprint("draft:", i), "unfinished", 0)
			}
			return nil
		})
		return err
	})
	return s, err
}

// close ends the connections; the run stops the server.
func (s *shop) close() { _ = errors.Join(s.rdb.Close(), s.guest.Close()) } // nothing is left to say

// held forgets what commands took so far, calls f, and returns how long the
// server was held by one call of the command, in ms on average.
func (s *shop) held(ctx context.Context, command string, f func() error) (float64, error) {
	if err := s.rdb.ConfigResetStat(ctx).Err(); err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	info, err := s.rdb.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`cmdstat_` + command + `:.*usec_per_call=([\d.]+)`).FindStringSubmatch(info)
	if found == nil {
		return 0, fmt.Errorf("the server counts no call of %s", command)
	}
	micros, err := strconv.ParseFloat(found[1], 64)
	return micros / 1000, err
}

func figure(n int) string { return unit.Figure(float64(n), "") }
