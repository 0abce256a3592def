//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/02-web-integration-basics/03-sync-async/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// stations are the keys of a map, and what is in Redis for them.
type stations struct {
	keys   []string
	winds  map[string]string
	silent map[string]bool
	broken map[string]bool // hold a list
}

// report writes n stations, of which some are silent and some are broken.
func report(c *check.C, n, silent, broken int) *stations {
	s := &stations{winds: map[string]string{}, silent: map[string]bool{}, broken: map[string]bool{}}
	pipe := c.Direct().Pipeline()
	order := c.Rand().Perm(n)
	for i := range n {
		key := c.Key(fmt.Sprintf("wind:%d", i))
		s.keys = append(s.keys, key)
		switch at := order[i]; {
		case at < silent:
			s.silent[key] = true
		case at < silent+broken:
			s.broken[key] = true
			pipe.RPush(c.Context(), key, "a list")
		default:
			s.winds[key] = fmt.Sprint(c.Rand().IntN(120))
			pipe.Set(c.Context(), key, s.winds[key], 0)
		}
	}
	_, err := pipe.Exec(c.Context())
	c.NoError(err, "writing the stations")
	return s
}

// judge looks whether each key is in exactly one part, and rightly there.
func (s *stations) judge(c *check.C, r exercise.Report) {
	times := map[string]int{}
	for key, value := range r.Winds {
		times[key]++
		switch want, ok := s.winds[key]; {
		case s.silent[key]:
			c.Fail("%s does not exist, and Winds has it with %q: a station that is silent does not report no wind.", key, value)
		case !ok || value != want:
			c.Fail("%s holds %q, and Winds has %q for it.", key, want, value)
		}
	}
	for _, key := range r.Silent {
		if times[key]++; !s.silent[key] {
			c.Fail("%s is in Silent, and the key exists.", key)
		}
	}
	for _, key := range r.Unknown {
		times[key]++
	}
	for _, key := range s.keys {
		if times[key] != 1 {
			c.Fail("%s is in %d parts of the Report, want exactly one of Winds, Silent and Unknown.", key, times[key])
		}
	}
}

func TestAll(t *testing.T) {
	check.Task(t, "all", func(c *check.C) {
		for _, n := range []int{0, 1, 137, 500} {
			s := report(c, n, n/10, n/20)
			got, err := exercise.Fetch(c.Context(), c.Redis(), s.keys)
			c.NoError(err, fmt.Sprintf("Fetch of %d keys, none of which is late", n))
			s.judge(c, got)
			for _, key := range got.Unknown {
				if !s.broken[key] {
					c.Fail("%s is in Unknown. Redis answered in time, and refused other keys only: %d of %d.", key, len(s.broken), n)
				}
			}
			c.NoError(c.Direct().Del(c.Context(), append(s.keys, c.Key("none"))...).Err(), "DEL")
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		const most = 10
		s := report(c, 500, 0, 0)
		var err error
		// With some delay a batch that is written in several pieces is still one round
		// trip, also on a busy machine.
		defer c.Throw(tap.Fault{Kind: tap.Latency, Delay: 2 * time.Millisecond})()
		trips := c.RoundTrips(func() { _, err = exercise.Fetch(c.Context(), c.Redis(), s.keys) })
		c.NoError(err, "Fetch")
		if trips > most {
			c.Fail("500 keys took %d round trips, and %d must do.", trips, most)
		}
	})
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		const most = 4
		s := report(c, 500, 0, 0)
		defer c.Throw(tap.Fault{Kind: tap.Latency, Delay: 20 * time.Millisecond})()
		var err error
		conns := map[uint64]bool{}
		for _, e := range c.Commands(func() { _, err = exercise.Fetch(c.Context(), c.Redis(), s.keys) }) {
			conns[e.Conn] = true
		}
		c.NoError(err, "Fetch")
		if len(conns) > most {
			c.Fail("One map took %d connections at the same time, and at most %d may be: ten readers would have emptied the pool.", len(conns), most)
		}
	})
}

func TestOver(t *testing.T) {
	check.Task(t, "over", func(c *check.C) {
		s := report(c, 200, 0, 0)
		over, cancel := context.WithCancel(c.Context())
		cancel()
		var (
			got exercise.Report
			err error
		)
		sent := c.Commands(func() {
			before := runtime.NumGoroutine()
			got, err = exercise.Fetch(over, c.Redis(), s.keys)
			// What was started may send its commands after Fetch is back.
			for begun := time.Now(); runtime.NumGoroutine() > before && time.Since(begun) < time.Second; {
				time.Sleep(time.Millisecond)
			}
		})
		c.Written(err)
		if len(sent) > 0 {
			c.Fail("The reader had left before Fetch was called, and %d commands were sent for them.", len(sent))
		}
		if !errors.Is(err, context.Canceled) {
			c.Fail("The reader had left, and Fetch returned the error %v, want the context's: %v.", err, context.Canceled)
		}
		s.judge(c, got)
	})
}

// late asks for stations of which one never answers, and leaves after a while.
func late(c *check.C) (s *stations, got exercise.Report, silentOne string) {
	const patience = 400 * time.Millisecond
	s = report(c, 500, 20, 0)
	// The connection that asks for this one stays open and says nothing any more.
	silentOne = s.keys[c.Rand().IntN(len(s.keys))]
	c.Throw(tap.Fault{Kind: tap.LoseReply, Key: silentOne, Silent: true})
	// As servers are by default: a deadline alone ends no read.
	o := *c.Redis().Options()
	client := redis.NewClient(&redis.Options{Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, ReadTimeout: 3 * time.Second, MaxRetries: -1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	begun := time.Now()
	got, err := exercise.Fetch(ctx, client, s.keys)
	took := time.Since(begun)
	c.Written(err)
	if took > patience+time.Second {
		c.Fail("The reader waited %v and left, and Fetch was back after %v: it waited for an answer that nobody wants any more.", patience, took.Round(100*time.Millisecond))
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		c.Fail("The deadline ended before all was read, and Fetch returned the error %v, want the context's: %v.", err, context.DeadlineExceeded)
	}
	return s, got, silentOne
}

func TestDeadline(t *testing.T) {
	check.Task(t, "deadline", func(c *check.C) { late(c) })
}

func TestPartial(t *testing.T) {
	check.Task(t, "partial", func(c *check.C) {
		const most = 200 // in the lost part and those that waited for its place
		s, got, silentOne := late(c)
		if !slices.Contains(got.Unknown, silentOne) {
			c.Fail("Redis never answered for %s, and it is not in Unknown.", silentOne)
		}
		if len(got.Unknown) > most {
			c.Fail("One station of %d did not answer, and the Report knows nothing of %d: what had arrived was thrown away.", len(s.keys), len(got.Unknown))
		}
		s.judge(c, got)
	})
}
