//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/03-caching-patterns/03-write-behind/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// table is the database: it keeps versions, and counts what it was given.
type table struct {
	rows   map[string]exercise.Write
	given  int // writes, in all batches
	poison string
	during func() // called once, when the first batch comes
}

func newTable() *table { return &table{rows: map[string]exercise.Write{}} }

var errCheck = errors.New("CHECK constraint failed")

func (t *table) save(_ context.Context, batch []exercise.Write) error {
	if during := t.during; during != nil {
		t.during = nil
		during()
	}
	t.given += len(batch)
	if t.poison != "" && slices.ContainsFunc(batch, func(w exercise.Write) bool { return w.Key == t.poison }) {
		return errCheck
	}
	for _, w := range batch {
		if t.rows[w.Key].Version < w.Version {
			t.rows[w.Key] = w
		}
	}
	return nil
}

func put(c *check.C, buffer, key, value string) {
	c.NoError(exercise.Put(c.Context(), c.Redis(), buffer, key, value), "Put")
}

// flush flushes into a table. No write may fail, unless it is the table's poison.
func flush(c *check.C, buffer string, t *table) {
	failed, err := exercise.Flush(c.Context(), c.Redis(), buffer, t.save)
	c.NoError(err, "Flush")
	if t.poison == "" && len(failed) > 0 {
		c.Fail("save accepted everything, and Flush says that it failed for %q.", failed)
	}
}

// holds fails unless the table has these values.
func (t *table) holds(c *check.C, want map[string]string, when string) {
	for key, value := range want {
		if got, ok := t.rows[key]; !ok {
			c.Fail("%q was put as %q, and %s the database has no row for it.", key, value, when)
		} else if got.Value != value {
			c.Fail("%q was put as %q last, and %s the database has %q.", key, value, when, got.Value)
		}
	}
}

// odd is a text with spaces, colons and more.
func odd(c *check.C) string {
	return []string{"page 7", "a:b:c", "", "12", "7 8 9", "ünï {x}", "line\nline", `"q"`}[c.Rand().IntN(8)] + fmt.Sprint(c.Rand().IntN(1000))
}

func TestDurable(t *testing.T) {
	check.Task(t, "durable", func(c *check.C) {
		buffer, want := c.Key("buffer"), map[string]string{}
		for i := range 20 {
			key, value := fmt.Sprintf("%d %s", i, odd(c)), odd(c)
			sent := c.Commands(func() { put(c, buffer, key, value) })
			if len(sent) == 0 {
				c.Fail("Put of %q returned nil, and nothing was sent to Redis: the write lies in this process, and dies with it.", key)
			}
			want[key] = value
		}
		clear := c.Throw(tap.Fault{Kind: tap.Cut})
		err := exercise.Put(c.Context(), c.Redis(), buffer, "unreachable", "1")
		clear()
		if err == nil {
			c.Fail("Redis could not be reached, and Put returned nil: it accepted a write that is nowhere.")
		}
		db := newTable()
		flush(c, buffer, db)
		db.holds(c, want, "after Flush")
	})
}

func TestCoalesce(t *testing.T) {
	check.Task(t, "coalesce", func(c *check.C) {
		buffer, want := c.Key("buffer"), map[string]string{}
		for i := range 60 {
			key := fmt.Sprintf("reader-%d", c.Rand().IntN(7))
			want[key] = fmt.Sprint(i)
			trips := c.RoundTrips(func() { put(c, buffer, key, want[key]) })
			if trips > 1 && i > 0 {
				c.Fail("A Put took %d round trips, and 1 must do.", trips)
			}
		}
		db := newTable()
		flush(c, buffer, db)
		db.holds(c, want, "after Flush")
		if db.given != len(want) {
			c.Fail("60 writes of %d keys reached save as %d: only the last of each key is wanted.", len(want), db.given)
		}
		flush(c, buffer, db)
		if db.given != len(want) {
			c.Fail("A second Flush, with no Put in between, gave save %d writes: what is saved must not stay pending.", db.given-len(want))
		}
		for i := range 450 {
			put(c, buffer, fmt.Sprint(i), "x")
		}
		batches := 0
		trips := c.RoundTrips(func() {
			_, err := exercise.Flush(c.Context(), c.Redis(), buffer, func(_ context.Context, batch []exercise.Write) error {
				if batches++; len(batch) > 100 || len(batch) == 0 {
					c.Fail("save got a batch of %d writes, want 1 to 100.", len(batch))
				}
				return nil
			})
			c.NoError(err, "Flush")
		})
		if trips > batches+2 || batches > 8 {
			c.Fail("A Flush of 450 writes took %d batches and %d round trips, want at most 8, and 2 more round trips than batches.", batches, trips)
		}
	})
}

func TestKept(t *testing.T) {
	check.Task(t, "kept", func(c *check.C) {
		buffer, db := c.Key("buffer"), newTable()
		for i := range 5 {
			put(c, buffer, fmt.Sprint(i), "old")
		}
		db.during = func() { put(c, buffer, "3", "new") }
		flush(c, buffer, db)
		flush(c, buffer, db)
		db.holds(c, map[string]string{"0": "old", "3": "new"}, "after two Flushes")
	})
}

func TestOrder(t *testing.T) {
	check.Task(t, "order", func(c *check.C) {
		buffer, db, want := c.Key("buffer"), newTable(), map[string]string{}
		for round := range 8 {
			for range 6 {
				key := fmt.Sprint(c.Rand().IntN(4))
				want[key] = fmt.Sprintf("%d-%d", round, c.Rand().IntN(1000))
				put(c, buffer, key, want[key])
			}
			flush(c, buffer, db)
			for key, w := range db.rows {
				if w.Version < 1 {
					c.Fail("%q was saved with version %d, want one above 0.", key, w.Version)
				}
			}
			db.holds(c, want, fmt.Sprintf("after %d Flushes", round+1))
		}
		// One worker is slow: another flushes a newer write before the first has saved.
		put(c, buffer, "slow", "older")
		db.during = func() {
			put(c, buffer, "slow", "newer")
			flush(c, buffer, db)
		}
		flush(c, buffer, db)
		flush(c, buffer, db)
		db.holds(c, map[string]string{"slow": "newer"}, "after a slow worker has saved its older write")
	})
}

func TestPoison(t *testing.T) {
	check.Task(t, "poison", func(c *check.C) {
		buffer, db, want := c.Key("buffer"), newTable(), map[string]string{}
		for i := range 130 {
			key := fmt.Sprintf("reader-%d", i)
			want[key] = fmt.Sprint(c.Rand().IntN(1000))
			put(c, buffer, key, want[key])
		}
		db.poison = fmt.Sprintf("reader-%d", c.Rand().IntN(130))
		bad := want[db.poison]
		delete(want, db.poison)
		for n := range 2 {
			failed, err := exercise.Flush(c.Context(), c.Redis(), buffer, db.save)
			if err != nil {
				c.Written(err)
				c.Fail("One write of 130 was refused by the database, and Flush returned the error %q: errors are those of Redis.", err)
			}
			if got := len(want) - missing(db, want); got < len(want) {
				c.Fail("One write of 130 was refused by the database, and %d of the %d others arrived.", got, len(want))
			}
			if n == 0 && !slices.Equal(failed, []string{db.poison}) {
				c.Fail("The database refused %s alone, and Flush says that these failed: %q.", db.poison, failed)
			}
			put(c, buffer, "later", fmt.Sprint(n)) // the bad one is pending, too
			want["later"] = fmt.Sprint(n)
		}
		mended := db.poison
		db.poison = ""
		flush(c, buffer, db)
		if db.rows[mended].Value != bad {
			c.Fail("The write that the database had refused was accepted by Put. Now the database would take it, and it is gone.")
		}
		db.holds(c, want, "at the end")
	})
}

func missing(t *table, want map[string]string) (n int) {
	for key, value := range want {
		if key != "later" && t.rows[key].Value != value {
			n++
		}
	}
	return n
}

// The names of the crash task: the buffer, and what stands for the database there.
const (
	bufferName = "buffer"
	tableName  = "rows"
)

// store is the database of the race, where the explorer sees it: a row that only a
// larger version changes.
var store = redis.NewScript(`
local old = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if old < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'value', ARGV[1], 'version', ARGV[2]) end
return 1`)

func saver(c race.Client, k race.Keys) exercise.Save {
	return func(ctx context.Context, batch []exercise.Write) error {
		for _, w := range batch {
			if err := store.Run(ctx, c, []string{k(tableName)}, w.Value, w.Version).Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestCrash(t *testing.T) {
	check.Task(t, "crash", func(c *check.C) {
		put(c, c.Key("first"), "ada", "40") // the race below takes it that Put is written
		c.Explore(race.Scenario{
			Name: "flush", Title: "a Put and a Flush",
			Setup: func(ctx context.Context, client race.Client, k race.Keys) error {
				return exercise.Put(ctx, client, k(bufferName), "ada", "41")
			},
			Actors: []race.Actor{
				{Name: "ada", Do: func(ctx context.Context, client race.Client, k race.Keys) error {
					return exercise.Put(ctx, client, k(bufferName), "ada", "42")
				}},
				{Name: "worker", Do: func(ctx context.Context, client race.Client, k race.Keys) error {
					_, err := exercise.Flush(ctx, client, k(bufferName), saver(client, k))
					return err
				}},
			},
			Watch: []string{bufferName, tableName},
			Check: afterwards,
		})
	})
}

// afterwards lets another worker flush, and looks into the table.
func afterwards(ctx context.Context, client race.Client, k race.Keys, ends []race.End) error {
	if _, err := exercise.Flush(ctx, client, k(bufferName), saver(client, k)); err != nil {
		return err
	}
	got, err := client.HGet(ctx, k(tableName), "value").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	accepted := "41"
	if ends[0].Err == nil && !ends[0].Crashed {
		accepted = "42"
	}
	if got == accepted || got == "42" { // a Put that failed may have been accepted
		return nil
	}
	return &race.Violation{Message: fmt.Sprintf("Put had accepted page %s, another worker has flushed since, and the database has %q.", accepted, got)}
}
