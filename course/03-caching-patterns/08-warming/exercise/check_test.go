//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/03-caching-patterns/08-warming/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

// archive is the origin, which counts.
type archive struct {
	c      *check.C
	values map[string]string

	mu       sync.Mutex
	asked    map[string]int
	loads    int
	largest  int
	underWay int
	peak     int
	during   func(keys []string) error // called while a load is under way
}

func newArchive(c *check.C, n int) (*archive, []string) {
	a := &archive{c: c, values: map[string]string{}, asked: map[string]int{}}
	var keys []string
	for i := range n {
		key := c.Key(fmt.Sprintf("article:%d", i))
		keys = append(keys, key)
		a.values[key] = fmt.Sprintf("text %d", c.Rand().Int64())
	}
	return a, keys
}

func (a *archive) load(_ context.Context, keys []string) (map[string]string, error) {
	a.mu.Lock()
	a.loads++
	a.underWay++
	a.peak, a.largest = max(a.peak, a.underWay), max(a.largest, len(keys))
	found := map[string]string{}
	for _, key := range keys {
		a.asked[key]++
		if value, ok := a.values[key]; ok {
			found[key] = value
		}
	}
	during := a.during
	a.mu.Unlock()
	defer func() { a.mu.Lock(); a.underWay--; a.mu.Unlock() }()
	if during != nil {
		if err := during(keys); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func options() exercise.Options {
	return exercise.Options{Batch: 20, Loads: 3, TTL: time.Hour, Progress: func(int, int) {}}
}

func TestFills(t *testing.T) {
	check.Task(t, "fills", func(c *check.C) {
		for _, n := range []int{0, 1, 130 + c.Rand().IntN(60)} {
			a, keys := newArchive(c, n)
			var there []string
			for i, key := range keys {
				switch i % 5 {
				case 1:
					there = append(there, key)
					c.NoError(c.Direct().Set(c.Context(), key, "it was there", time.Minute).Err(), "SET")
				case 3:
					delete(a.values, key)
				}
			}
			o, told, inside := options(), []int{}, 0
			var mu sync.Mutex
			o.Progress = func(done, total int) {
				if !mu.TryLock() {
					c.Fail("Progress was called while an earlier call was not over.")
				}
				defer mu.Unlock()
				inside++
				if total != n || len(told) > 0 && done < told[len(told)-1] {
					c.Fail("Progress told %d of %d after %v of %d.", done, total, told, n)
				}
				told = append(told, done)
			}
			got, err := exercise.Warm(c.Context(), c.Redis(), keys, a.load, o)
			c.NoError(err, "Warm")
			want := exercise.Result{Present: len(there), Missing: n - len(a.values)}
			for _, key := range keys {
				if _, ok := a.values[key]; ok && !slices.Contains(there, key) {
					want.Stored++
				}
			}
			if got != want {
				c.Fail("Of %d keys, %d were there and %d have no value: Warm returned %+v, want %+v.", n, want.Present, want.Missing, got, want)
			}
			if n > 0 && (len(told) == 0 || told[len(told)-1] != n) {
				c.Fail("%d keys were dealt with, and Progress told %v at last, want %d.", n, told, n)
			}
			filled(c, a, keys, there)
			c.NoError(c.Direct().Del(c.Context(), append(keys, c.Key("none"))...).Err(), "DEL")
		}
	})
}

// filled looks at every key.
func filled(c *check.C, a *archive, keys, there []string) {
	for _, key := range keys {
		value, _ := c.Direct().Get(c.Context(), key).Result()
		if slices.Contains(there, key) {
			if value != "it was there" {
				c.Fail("%s was there before Warm, and Warm changed it.", key)
			}
			if a.asked[key] > 0 {
				c.Fail("%s was there before Warm, and the origin was asked for it.", key)
			}
			continue
		}
		if value != a.values[key] {
			c.Fail("%s holds %q after Warm, and the origin has %q.", key, value, a.values[key])
		}
		if ttl := c.Direct().TTL(c.Context(), key).Val(); value != "" && (ttl <= 0 || ttl > time.Hour) {
			c.Fail("%s was stored with %v to live, want an hour.", key, ttl)
		}
	}
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		a, keys := newArchive(c, 400)
		o := options()
		a.during = func([]string) error { time.Sleep(5 * time.Millisecond); return nil }
		var err error
		trips := c.RoundTrips(func() { _, err = exercise.Warm(c.Context(), c.Redis(), keys, a.load, o) })
		c.NoError(err, "Warm")
		if a.peak > o.Loads {
			c.Fail("%d loads were under way at the same time, and at most %d may be: that is the stampede that warming is to prevent.", a.peak, o.Loads)
		}
		if a.largest > o.Batch {
			c.Fail("One load was asked for %d keys, and at most %d may be.", a.largest, o.Batch)
		}
		if most := 2 * len(keys) / o.Batch; a.loads > most {
			c.Fail("%d keys took %d loads, want at most %d: a query for each key is what readers would have done.", len(keys), a.loads, most)
		}
		if most := 2 * len(keys) / o.Batch; trips > most {
			c.Fail("%d keys took %d round trips, want at most %d.", len(keys), trips, most)
		}
		if a.peak < 2 {
			c.Fail("One load at a time, and %d may be under way: the readers wait longer than they must.", o.Loads)
		}
	})
}

func TestNewer(t *testing.T) {
	check.Task(t, "newer", func(c *check.C) {
		a, keys := newArchive(c, 100)
		edited := keys[c.Rand().IntN(len(keys))]
		a.during = func(batch []string) error {
			if !slices.Contains(batch, edited) {
				return nil
			}
			return c.Direct().Set(c.Context(), edited, "the newer text", time.Minute).Err()
		}
		got, err := exercise.Warm(c.Context(), c.Redis(), keys, a.load, options())
		c.NoError(err, "Warm")
		if now := c.Direct().Get(c.Context(), edited).Val(); now != "the newer text" {
			c.Fail("While load was under way somebody stored a newer text at %s, and Warm wrote the old one over it.", edited)
		}
		if got.Stored != len(keys)-1 || got.Present != 1 {
			c.Fail("One of %d keys was stored by somebody else meanwhile: Warm returned %+v.", len(keys), got)
		}
	})
}

func TestErrors(t *testing.T) {
	check.Task(t, "errors", func(c *check.C) {
		a, keys := newArchive(c, 200)
		bad := map[string]bool{keys[7]: true, keys[150]: true}
		down := errors.New("connection refused")
		var lost []string
		a.during = func(batch []string) error {
			if slices.ContainsFunc(batch, func(key string) bool { return bad[key] }) {
				a.mu.Lock()
				lost = append(lost, batch...)
				a.mu.Unlock()
				return fmt.Errorf("batch of %d: %w", len(batch), down)
			}
			return nil
		}
		var told int
		o := options()
		o.Progress = func(done, _ int) { told = done }
		got, err := exercise.Warm(c.Context(), c.Redis(), keys, a.load, o)
		c.Written(err)
		if !errors.Is(err, down) || strings.Count(err.Error(), "connection refused") < 2 {
			c.Fail("Two batches failed with %q, and Warm returned the error %v, want one that holds both.", down, err)
		}
		if got.Failed != len(lost) || got.Stored != len(keys)-len(lost) {
			c.Fail("Two batches of %d keys failed, of %d: Warm returned %+v: the others must be warmed all the same.", len(lost), len(keys), got)
		}
		if told != len(keys) {
			c.Fail("All %d keys were dealt with, the failed ones too, and Progress told %d at last.", len(keys), told)
		}
		a.during = nil
		if got, err = exercise.Warm(c.Context(), c.Redis(), keys, a.load, options()); err != nil || got.Stored != len(lost) {
			c.Fail("Warming again must fill in the %d that failed: got %+v and %v.", len(lost), got, err)
		}
	})
}
