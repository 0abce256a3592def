//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/03-caching-patterns/06-invalidation/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

var errLoad = errors.New("the database is restarting")

// canteen is a cache under test, with a database that counts.
type canteen struct {
	c     *check.C
	cache exercise.Cache
	loads int
}

func open(c *check.C, name string) *canteen {
	return &canteen{c: c, cache: exercise.Cache{Redis: c.Redis(), Prefix: c.Key(name + ":"), TTL: time.Minute, Slow: 10 * time.Second}}
}

// fetch asks for an entry of which the database says this.
func (s *canteen) fetch(name string, tags []string, text string, err error) (string, error) {
	got, fetchErr := s.cache.Fetch(s.c.Context(), name, tags, func(context.Context) (string, error) {
		s.loads++
		return text, err
	})
	s.c.Written(fetchErr)
	return got, fetchErr
}

// want fails unless Fetch returns this while the database says that.
func (s *canteen) want(name string, tags []string, want, database, when string) {
	if got, err := s.fetch(name, tags, database, nil); got != want || err != nil {
		s.c.Fail("%s: Fetch of %q returned %q and the error %v, want %q.", when, name, got, err, want)
	}
}

func (s *canteen) invalidate(tag string) {
	s.c.NoError(s.cache.Invalidate(s.c.Context(), tag), "Invalidate")
}

// kept are the keys of the cache.
func (s *canteen) kept() []string {
	found, err := s.c.Direct().Keys(s.c.Context(), s.cache.Prefix+"*").Result()
	s.c.NoError(err, "KEYS")
	return found
}

// pass lets time pass for the keys of the cache.
func (s *canteen) pass(d time.Duration) {
	for _, key := range s.kept() {
		left, err := s.c.Direct().PTTL(s.c.Context(), key).Result()
		s.c.NoError(err, "PTTL")
		if left >= 0 {
			s.c.NoError(s.c.Direct().PExpire(s.c.Context(), key, left-d).Err(), "PEXPIRE")
		}
	}
}

func TestHit(t *testing.T) {
	check.Task(t, "hit", func(c *check.C) {
		s := open(c, "hit")
		tags := []string{"nut", "monday"}
		for i, text := range []string{"no nuts", "", "0", "null"} {
			name := fmt.Sprintf("stew %d", i)
			s.loads = 0
			if trips := c.RoundTrips(func() { s.want(name, tags, text, text, "The first time") }); trips > 8 { // two scripts' texts go once
				c.Fail("A Fetch that loads took %d round trips, and 6 must do.", trips)
			}
			if trips := c.RoundTrips(func() { s.want(name, tags, text, "other", "The second time") }); trips > 2 {
				c.Fail("A Fetch that Redis can answer took %d round trips, want 2 at most.", trips)
			}
			if s.loads != 1 {
				c.Fail("Two Fetches of an entry whose text is %q loaded it %d times, want once.", text, s.loads)
			}
		}
		for range 2 {
			if got, err := s.fetch("soup", tags, "half a", errLoad); !errors.Is(err, errLoad) {
				c.Fail("The database could not be asked, and Fetch returned %q and the error %v, want the database's.", got, err)
			}
		}
		s.want("soup", tags, "leek", "leek", "The database failed before, and works again")
		s.pass(50 * time.Second)
		s.want("soup", tags, "leek", "other", "An entry was loaded 50 seconds ago, and the TTL is a minute")
		s.pass(11 * time.Second)
		s.want("soup", tags, "peas", "peas", "An entry was loaded 61 seconds ago, and the TTL is a minute")
	})
}

func TestTag(t *testing.T) {
	check.Task(t, "tag", func(c *check.C) {
		s := open(c, "tag")
		words := []string{"nut", "nut:shell", "shell", "nu", "nut*", "*", "n?t", "", ":", "[a-z]ut", "{nut}"}
		names := append(slices.Clone(words), "nut:v", "v:nut", "t:nut", "l:nut", "stew", "soup")
		bear := map[string][]string{}
		for i, name := range names {
			tags := []string{words[(i+3)%len(words)]}
			if other := words[c.Rand().IntN(len(words))]; other != tags[0] {
				tags = append(tags, other)
			}
			bear[name] = tags
			s.want(name, tags, "old", "old", "The first time")
		}
		c.Rand().Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		for round, tag := range words[:6] {
			was := map[string]string{}
			for _, name := range names {
				was[name], _ = s.fetch(name, bear[name], "?", nil)
			}
			s.invalidate(tag)
			for _, name := range names {
				now := fmt.Sprintf("new %d", round)
				if slices.Contains(bear[name], tag) {
					s.want(name, bear[name], now, now, fmt.Sprintf("The tag %q was invalidated, which is one of %q", tag, bear[name]))
				} else {
					s.want(name, bear[name], was[name], now, fmt.Sprintf("The tag %q was invalidated, which is none of %q", tag, bear[name]))
				}
			}
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		s := open(c, "cost")
		for i := range 300 {
			s.want(fmt.Sprint("page ", i), []string{"nut"}, "old", "old", "The first time")
		}
		_, err := c.Direct().Pipelined(c.Context(), func(pipe redis.Pipeliner) error {
			for i := range 3000 {
				pipe.Set(c.Context(), c.Key(fmt.Sprint("other:", i)), 1, time.Minute)
			}
			return nil
		})
		c.NoError(err, "SET")
		trips := 0
		for _, e := range c.Commands(func() { trips = c.RoundTrips(func() { s.invalidate("nut") }) }) {
			if e.Name == "KEYS" || e.Name == "SCAN" {
				c.Fail("Invalidate sent %s, which walks over all keys of the server to find 300: with a million others it takes seconds.", e.Name)
			}
		}
		if trips > 5 { // a script's text goes once
			c.Fail("Invalidate of a tag that 300 entries bear took %d round trips, and 4 must do.", trips)
		}
		for _, i := range []int{0, c.Rand().IntN(300), 299} {
			s.want(fmt.Sprint("page ", i), []string{"nut"}, "new", "new", "300 entries bore the tag that was invalidated")
		}
	})
}

// The dish of a race, and what the database says of it.
var stew = []string{"nut", "monday"}

// of returns the cache of an actor.
func of(rdb race.Client, k race.Keys) exercise.Cache {
	return exercise.Cache{Redis: rdb, Prefix: k("cache:"), TTL: time.Minute, Slow: 10 * time.Second}
}

func ask(ctx context.Context, rdb race.Client, k race.Keys) (string, error) {
	return of(rdb, k).Fetch(ctx, "stew", stew, func(ctx context.Context) (string, error) { return rdb.Get(ctx, k("db")).Result() })
}

// tell changes the dish and says so.
func tell(ctx context.Context, rdb race.Client, k race.Keys, text string) error {
	if err := rdb.Set(ctx, k("db"), text, 0).Err(); err != nil {
		return err
	}
	return of(rdb, k).Invalidate(ctx, "nut")
}

var (
	till    = race.Actor{Name: "till", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error { _, err := ask(ctx, rdb, k); return err }}
	kitchen = race.Actor{Name: "kitchen", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error { return tell(ctx, rdb, k, "nuts") }}
)

func plain(ctx context.Context, rdb race.Client, k race.Keys) error {
	return rdb.Set(ctx, k("db"), "no nuts", 0).Err()
}

// told fails a schedule unless the next Fetch returns this.
func told(ctx context.Context, rdb race.Client, k race.Keys, want, when string) error {
	if text, err := ask(ctx, rdb, k); err != nil || text != want {
		return &race.Violation{Message: fmt.Sprintf("%s. The next Fetch returned %q and the error %v, want %q.", when, text, err, want)}
	}
	return nil
}

func TestRace(t *testing.T) {
	check.Task(t, "race", func(c *check.C) {
		c.Explore(race.Scenario{
			Name: "race", Title: "a page is loaded while its dish changes", Setup: plain,
			Actors: []race.Actor{till, kitchen},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				if ends[1].Err == nil && !ends[1].Crashed {
					if err := told(ctx, rdb, k, "nuts", "The dish was changed while a till loaded it, and Invalidate returned nil"); err != nil {
						return err
					}
				}
				if err := tell(ctx, rdb, k, "no nuts again"); err != nil {
					return err
				}
				return told(ctx, rdb, k, "no nuts again", "A till loaded a page while its dish changed. Later the dish changed again, and Invalidate returned nil")
			},
		})
		warm := race.Scenario{
			Name: "warm", Title: "a page is there, its dish changes, and it is loaded again",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				if err := plain(ctx, rdb, k); err != nil {
					return err
				}
				_, err := ask(ctx, rdb, k)
				return err
			},
			Actors: []race.Actor{till, kitchen},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				if err := tell(ctx, rdb, k, "no nuts again"); err != nil {
					return err
				}
				return told(ctx, rdb, k, "no nuts again", "A page was loaded again while its tag was invalidated. Later the dish changed once more, and Invalidate returned nil")
			},
		}
		c.Explore(warm)
	})
}

func TestDies(t *testing.T) {
	check.Task(t, "dies", func(c *check.C) {
		c.Explore(race.Scenario{
			Name: "till", Title: "a till dies while it loads", Setup: plain, Actors: []race.Actor{till},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
				if err := endless(ctx, c, k("cache:")); err != nil {
					return err
				}
				if err := tell(ctx, rdb, k, "nuts"); err != nil {
					return err
				}
				return told(ctx, rdb, k, "nuts", "A till died while it loaded a page. Then the dish was changed, and Invalidate returned nil")
			},
		})
		c.Explore(race.Scenario{
			Name: "kitchen", Title: "a kitchen dies while it invalidates",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				if err := plain(ctx, rdb, k); err != nil {
					return err
				}
				_, err := ask(ctx, rdb, k)
				return err
			},
			Actors: []race.Actor{kitchen},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
				if err := tell(ctx, rdb, k, "nuts"); err != nil {
					return err
				}
				if err := endless(ctx, c, k("cache:")); err != nil {
					return err
				}
				return told(ctx, rdb, k, "nuts", "An Invalidate died. It was called again, and returned nil")
			},
		})
	})
}

// endless fails a schedule that left a key without an end.
func endless(ctx context.Context, c *check.C, prefix string) error {
	found, err := c.Direct().Keys(ctx, prefix+"*").Result()
	for _, key := range found {
		if c.Direct().PTTL(ctx, key).Val() == -1 {
			return &race.Violation{Message: c.Show(key) + " has no end: it stays in Redis for ever."}
		}
	}
	return err
}

func TestLasting(t *testing.T) {
	check.Task(t, "lasting", func(c *check.C) {
		s := open(c, "lasting")
		tags := []string{"nut"}
		s.want("stew", tags, "old", "old", "The first time")
		s.pass(40 * time.Second)
		s.want("soup", tags, "old", "old", "The first time")
		s.pass(40 * time.Second)
		s.invalidate("nut")
		s.want("soup", tags, "new", "new", "One entry was loaded 80 seconds ago, another one 40 seconds ago, and their tag was invalidated")
		s.invalidate("nut")
		for i := range 4 { // whatever invalidated it must not be over before the entry
			s.invalidate("nut")
			s.pass(time.Duration(i+1) * 10500 * time.Millisecond)
			newer := fmt.Sprint("newer ", i)
			s.want("soup", tags, newer, newer, "The tag was invalidated a while ago, and nobody has asked since")
		}
	})
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		s := open(c, "bounded")
		s.cache.TTL, s.cache.Slow = 100*time.Millisecond, 50*time.Millisecond
		const all = 600
		begun := time.Now()
		for i := range all { // for six times the TTL, in which nobody invalidates
			time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Millisecond)))
			s.want(fmt.Sprint("page ", i), []string{"menu"}, "text", "text", "The first time")
		}
		for _, key := range s.kept() {
			if n := size(c, key); n > all/2 {
				c.Fail("%d entries came and went, none of which lives for longer than %v. %s still lists %d of them.", all, s.cache.TTL, c.Show(key), n)
			}
		}
		if n := len(s.kept()); n > all {
			c.Fail("%d entries came and went, none of which lives for longer than %v. %d keys are there.", all, s.cache.TTL, n)
		}
	})
}

// size is how many things a key holds.
func size(c *check.C, key string) int64 {
	ctx, rdb := c.Context(), c.Direct()
	switch rdb.Type(ctx, key).Val() {
	case "set":
		return rdb.SCard(ctx, key).Val()
	case "zset":
		return rdb.ZCard(ctx, key).Val()
	case "list":
		return rdb.LLen(ctx, key).Val()
	case "hash":
		return rdb.HLen(ctx, key).Val()
	case "stream":
		return rdb.XLen(ctx, key).Val()
	}
	return 1
}
