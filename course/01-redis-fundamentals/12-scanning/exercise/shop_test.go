//go:build exercise

package exercise_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/kit/redisproc"
)

// shop is where a purge runs: a server of its own, which counts the commands of
// scripts too. Where none is installed it is the server of the check, and then only
// what goes over the wire is seen.
type shop struct {
	c           *check.C
	own         bool
	rdb, direct *redis.Client
	wire        *trace.Recorder
	close       func()
}

func open(c *check.C) *shop {
	s := &shop{c: c, rdb: c.Redis(), direct: c.Direct(), wire: trace.NewRecorder(0), close: func() {}}
	server, err := lab.Start(c.Context(), redisproc.Options{Name: "shop"}, func(o *tap.Options) { o.Sink = s.wire.Sink() })
	if errors.Is(err, redisproc.ErrNotInstalled) {
		return s
	}
	c.NoError(err, "the start of a server for this check")
	s.own = true
	s.rdb = server.Tapped(func(o *redis.Options) { o.MaxRetries, o.DisableIdentity = -1, true })
	s.direct = server.Client()
	s.close = func() { _ = errors.Join(s.rdb.Close(), s.direct.Close(), server.Close()) } // the check has its answer
	return s
}

// lay writes keys name:0, name:1 and so on: pages of a release, or plain text for
// release 0.
func (s *shop) lay(n int, name string, release int) {
	_, err := s.direct.Pipelined(s.c.Context(), func(p redis.Pipeliner) error {
		for i := range n {
			key := s.c.Key(fmt.Sprintf("%s:%d", name, i))
			if release == 0 {
				p.Set(s.c.Context(), key, "text", 0)
			} else {
				p.HSet(s.c.Context(), key, "release", release, "body", "<h1>Shop</h1>")
			}
		}
		return nil
	})
	s.c.NoError(err, "laying out the shop")
}

// count says how many of the keys that lay wrote are there.
func (s *shop) count(name string, n int) int {
	var keys []string
	for i := range n {
		keys = append(keys, s.c.Key(fmt.Sprintf("%s:%d", name, i)))
	}
	there, err := s.direct.Exists(s.c.Context(), keys...).Result()
	s.c.NoError(err, "EXISTS")
	return int(there)
}

// commands returns what f sent.
func (s *shop) commands(f func()) []trace.Event {
	if !s.own {
		return s.c.Commands(f)
	}
	s.c.NoError(s.direct.ConfigResetStat(s.c.Context()).Err(), "CONFIG RESETSTAT")
	before := len(s.wire.Commands())
	f()
	return s.wire.Commands()[before:]
}

// calls counts commands by name, in small letters: on a server of its own those
// that scripts ran too.
func (s *shop) calls(sent []trace.Event) map[string]int {
	calls := map[string]int{}
	if !s.own {
		for _, e := range sent {
			calls[strings.ToLower(e.Name)]++
		}
		return calls
	}
	info, err := s.direct.Info(s.c.Context(), "commandstats").Result()
	s.c.NoError(err, "INFO")
	for _, m := range regexp.MustCompile(`cmdstat_(\w+):calls=(\d+)`).FindAllStringSubmatch(info, -1) {
		calls[m[1]], _ = strconv.Atoi(m[2]) // digits, by the pattern
	}
	return calls
}
