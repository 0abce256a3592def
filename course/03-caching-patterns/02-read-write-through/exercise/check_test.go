//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/03-caching-patterns/02-read-write-through/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// table is the database: one row.
type table struct {
	row    exercise.Row
	loads  int
	saves  int
	refuse error
	before func() // called by save before the commit
	after  func() // and after it
	held   func() // called by load when it has read and before it returns
}

var errLocked = errors.New("database is locked")

func (t *table) load(context.Context) (exercise.Row, error) {
	t.loads++
	row := t.row
	if held := t.held; held != nil {
		t.held = nil
		held()
	}
	return row, nil
}

func (t *table) save(_ context.Context, state string) (exercise.Row, error) {
	t.saves++
	if before := t.before; before != nil {
		t.before = nil
		before()
	}
	if t.refuse != nil {
		return exercise.Row{}, t.refuse
	}
	t.row = exercise.Row{State: state, Version: t.row.Version + 1}
	row := t.row
	if after := t.after; after != nil {
		t.after = nil
		after()
	}
	return row, nil
}

// lift is a row that is open, and in the cache.
func lift(c *check.C, key string) *table {
	t := &table{row: exercise.Row{State: "open", Version: 1 + c.Rand().Int64N(50)}}
	if got := read(c, key, t); got != "open" {
		c.Fail("The database has open, the cache has nothing, and Read returned %q.", got)
	}
	return t
}

func read(c *check.C, key string, t *table) string {
	got, err := exercise.Read(c.Context(), c.Redis(), key, t.load)
	c.NoError(err, "Read")
	return got
}

func write(c *check.C, key, state string, t *table) {
	c.NoError(exercise.Write(c.Context(), c.Redis(), key, state, t.save), "Write")
}

func TestThrough(t *testing.T) {
	check.Task(t, "through", func(c *check.C) {
		key := c.Key("lift")
		db := lift(c, key)
		for i, state := range []string{"closed", "open", "closed for wind: gusts of 90 km/h", "", "closed"} {
			trips := c.RoundTrips(func() { write(c, key, state, db) })
			if db.saves != i+1 || db.row.State != state {
				c.Fail("Write of %q called save %d times, and the database has %q.", state, db.saves-i, db.row.State)
			}
			if trips > 2 && i > 0 {
				c.Fail("A Write took %d round trips, and 2 must do.", trips)
			}
			db.loads = 0
			trips = c.RoundTrips(func() {
				if got := read(c, key, db); got != state {
					c.Fail("Write of %q returned nil, and Read returned %q.", state, got)
				}
			})
			if db.loads > 0 || trips != 1 {
				c.Fail("After a Write the next Read asked the database %d times and took %d round trips, want a hit: 0 and 1.", db.loads, trips)
			}
		}
		found := c.Direct().Scan(c.Context(), 0, key+"*", 1000).Iterator()
		for found.Next(c.Context()) {
			if left := c.Direct().PTTL(c.Context(), found.Val()).Val(); left < 0 || left > 5*time.Minute {
				c.Fail("%s has %v to live, want an end within five minutes.", found.Val(), left)
			}
		}
		c.NoError(found.Err(), "SCAN")
	})
}

func TestRefused(t *testing.T) {
	check.Task(t, "refused", func(c *check.C) {
		key := c.Key("lift")
		db := lift(c, key)
		db.refuse = errLocked
		for range 3 {
			err := exercise.Write(c.Context(), c.Redis(), key, "closed", db.save)
			c.Written(err)
			if !errors.Is(err, errLocked) {
				c.Fail("The database refused with %q, and Write returned the error %v.", errLocked, err)
			}
			if got := read(c, key, db); got != "open" {
				c.Fail("The database refused to close the lift and still has open, and Read returned %q.", got)
			}
		}
		db.loads = 0
		read(c, key, db)
		read(c, key, db)
		if db.loads > 1 {
			c.Fail("After a Write that was refused two Reads asked the database %d times: the cache stores nothing any more.", db.loads)
		}
	})
}

func TestBetween(t *testing.T) {
	check.Task(t, "between", func(c *check.C) {
		for _, cached := range []bool{true, false} {
			key := c.Key(map[bool]string{true: "cached", false: "missing"}[cached])
			db := &table{row: exercise.Row{State: "open", Version: 1}}
			if cached {
				db = lift(c, key)
			}
			db.before = func() {
				if got := read(c, key, db); got != "open" {
					c.Fail("The lift is being closed, the database still has open, and Read returned %q.", got)
				}
			}
			db.after = func() {
				if got := read(c, key, db); got != "closed" {
					c.Fail("The database has closed since a moment, and Read returned %q: a skier is on his way to a lift that does not run.", got)
				}
			}
			write(c, key, "closed", db)
			if got := read(c, key, db); got != "closed" {
				c.Fail("The lift was closed, Write has returned, and Read returned %q.", got)
			}
		}
	})
}

func TestRefill(t *testing.T) {
	check.Task(t, "refill", func(c *check.C) {
		key := c.Key("lift")
		db := &table{row: exercise.Row{State: "open", Version: 7}}
		db.held = func() { write(c, key, "closed", db) } // the reader has read open, and is slow
		read(c, key, db)
		if got := read(c, key, db); got != "closed" {
			c.Fail("A reader loaded open, the lift was closed meanwhile, and the next Read returned %q: the late reader stored what it had.", got)
		}
		// The same, and the entry of the Write is gone again before the reader stores.
		key = c.Key("evicted")
		db = &table{row: exercise.Row{State: "open", Version: 7}}
		db.held = func() {
			write(c, key, "closed", db)
			c.NoError(c.Direct().Del(c.Context(), key).Err(), "DEL")
		}
		read(c, key, db)
		if got := read(c, key, db); got != "closed" {
			c.Fail("A reader loaded open, the lift was closed, Redis evicted the entry, and the next Read returned %q: the late reader stored what it had.", got)
		}
	})
}

func TestRedis(t *testing.T) {
	check.Task(t, "redis", func(c *check.C) {
		key := c.Key("lift")
		db := lift(c, key)
		clear := c.Throw(tap.Fault{Kind: tap.Cut})
		err := exercise.Write(c.Context(), c.Redis(), key, "closed", db.save)
		clear()
		c.Written(err)
		if err == nil || db.saves > 0 {
			c.Fail("Redis could not be reached, and Write called save %d times and returned the error %v: now the cache has open, and nobody can change it.", db.saves, err)
		}
		// The connection is cut once the database has committed.
		db.after = func() { clear = c.Throw(tap.Fault{Kind: tap.Cut}) }
		err = exercise.Write(c.Context(), c.Redis(), key, "closed", db.save)
		clear()
		if err == nil {
			c.Fail("Redis could not be told that the lift was closed, and Write returned nil.")
		}
		if got := read(c, key, db); got != "closed" {
			c.Fail("The database has closed, Redis could not be told, and Read returned %q: it will for five minutes.", got)
		}
	})
}

func TestTwo(t *testing.T) {
	check.Task(t, "two", func(c *check.C) {
		key := c.Key("lift")
		db := lift(c, key)
		// The valley has closed the lift and is slow to tell the cache. The summit opens it.
		db.after = func() { write(c, key, "open after all", db) }
		write(c, key, "closed", db)
		if got := read(c, key, db); got != db.row.State {
			c.Fail("Two Writes overlapped. The database has %q, and Read returned %q.", db.row.State, got)
		}
		// The summit begins first, and commits last.
		db.before = func() { write(c, key, "closed", db) }
		write(c, key, "open again", db)
		if got := read(c, key, db); got != db.row.State {
			c.Fail("Two Writes overlapped. The database has %q, and Read returned %q.", db.row.State, got)
		}
	})
}
