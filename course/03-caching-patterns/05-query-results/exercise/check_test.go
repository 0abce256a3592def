//go:build exercise

package exercise_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/03-caching-patterns/05-query-results/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// shelf is a store under test, over a database that counts.
type shelf struct {
	*exercise.Store
	c *check.C
	g *garden
}

func open(c *check.C, name string) *shelf {
	g, db := newGarden()
	return &shelf{&exercise.Store{DB: db, Redis: c.Redis(), Prefix: c.Key(name + ":")}, c, g}
}

// page is a question about tables, and a random month.
type page struct {
	tables []string
	text   string
	args   []any
}

func pageOf(c *check.C, tables ...string) page {
	return page{tables, "SELECT name, seeds FROM " + strings.Join(tables, " JOIN ") + " WHERE sow = $1", []any{1 + c.Rand().IntN(12)}}
}

// try asks.
func (s *shelf) try(q exercise.Queryer, p page) (exercise.Rows, error) {
	got, err := s.Query(s.c.Context(), q, p.tables, p.text, p.args...)
	s.c.Written(err)
	return got, err
}

// ask asks the store, and wants an answer.
func (s *shelf) ask(p page) exercise.Rows {
	got, err := s.try(s.DB, p)
	s.c.NoError(err, "Query")
	return got
}

// numbers is what an answer says of the tables.
func numbers(got exercise.Rows) string {
	if len(got) == 0 || len(got[0]) < 3 {
		return "nothing"
	}
	return got[0][2]
}

// wants asks, and wants the tables to have these numbers.
func (s *shelf) wants(p page, want, when string) {
	if got := numbers(s.ask(p)); got != want {
		s.c.Fail("%s: the database has %q, and Query returned %q.", when, want, got)
	}
}

// change raises the numbers of tables in a transaction.
func change(c *check.C, tx *sql.Tx, tables ...string) {
	for _, table := range tables {
		_, err := tx.ExecContext(c.Context(), "UPDATE "+table)
		c.NoError(err, "UPDATE")
	}
}

// update changes tables by the store, and wants that to work.
func (s *shelf) update(tables ...string) {
	s.c.NoError(s.Update(s.c.Context(), tables, func(tx *sql.Tx) error { change(s.c, tx, tables...); return nil }), "Update")
}

func TestHit(t *testing.T) {
	check.Task(t, "hit", func(c *check.C) {
		s := open(c, "hit")
		for _, p := range []page{pageOf(c, "seeds"), pageOf(c, "seeds", "members"), {[]string{"seeds"}, "SELECT name FROM seeds WHERE 1 = 0", nil}} {
			first := s.ask(p)
			if n := s.g.queries(); n != 1 {
				c.Fail("The first Query asked the database %d times, want once.", n)
			}
			for range 2 {
				var again exercise.Rows
				trips := c.RoundTrips(func() { again = s.ask(p) })
				if n := s.g.queries(); n > 0 && len(first) == 0 {
					c.Fail("The database found no row, and the next Query asked it again: an empty answer is an answer.")
				} else if n > 0 {
					c.Fail("The second Query of the same asked the database again.")
				}
				if len(first) != len(again) || len(first) > 0 && !reflect.DeepEqual(first, again) {
					c.Fail("The first Query returned %q, the second one %q.", first, again)
				}
				if trips != 1 {
					c.Fail("A Query that Redis can answer took %d round trips, want 1.", trips)
				}
			}
		}
		s.update("seeds")
		s.ask(pageOf(c, "seeds"))
		found := c.Direct().Scan(c.Context(), 0, s.Prefix+"*", 1000).Iterator()
		for found.Next(c.Context()) {
			if left := c.Direct().PTTL(c.Context(), found.Val()).Val(); left < 0 || left > 10*time.Minute {
				c.Fail("%s has %v to live, want an end within ten minutes.", found.Val(), left)
			}
		}
		c.NoError(found.Err(), "SCAN")
	})
}

func TestArguments(t *testing.T) {
	check.Task(t, "arguments", func(c *check.C) {
		s := open(c, "arguments")
		const search = "SELECT id FROM seeds WHERE name = $1 AND giver = $2"
		one := func(arg any) page { return page{[]string{"seeds"}, "SELECT id FROM seeds WHERE note = $1", []any{arg}} }
		month := c.Rand().IntN(11)
		pairs := []pair{{one(month), one(month + 1), "the argument is another one"}}
		for _, between := range []string{" ", ",", ", ", ":", "|", ";", "/", "-", "_", "%", "\x00", "\n", `","`, `" "`, ""} {
			pairs = append(pairs, pair{
				page{[]string{"seeds"}, search, []any{"Early" + between + "Purple", "Rose"}},
				page{[]string{"seeds"}, search, []any{"Early", "Purple" + between + "Rose"}},
				"one argument ends elsewhere",
			})
		}
		for _, two := range [][2]any{{month, fmt.Sprint(month)}, {true, "true"}, {nil, ""}, {nil, "<nil>"}, {nil, "null"}} {
			pairs = append(pairs, pair{one(two[0]), one(two[1]), fmt.Sprintf("%T and %T are two types", two[0], two[1])})
		}
		pairs = append(pairs,
			pair{page{[]string{"seeds"}, "SELECT id FROM seeds", nil}, page{[]string{"seeds"}, "SELECT name FROM seeds", nil}, "the text is another one"},
			pair{page{[]string{"seeds"}, "SELECT id FROM seeds WHERE name = 'Kale'", nil}, page{[]string{"seeds"}, "SELECT id FROM seeds WHERE name = 'kale'", nil}, "Kale is not kale"})
		for _, pair := range pairs {
			for _, p := range []page{pair.first, pair.second} {
				got := s.ask(p)
				want, err := s.direct(p)
				c.NoError(err, "the database")
				if !reflect.DeepEqual(got, want) {
					c.Fail("%s was asked after %s, and was given its answer: %s.", spelt(pair.second), spelt(pair.first), pair.why)
				}
			}
		}
	})
}

// pair is two questions that differ, and how.
type pair struct {
	first, second page
	why           string
}

// direct asks the database alone, without counting.
func (s *shelf) direct(p page) (all exercise.Rows, err error) {
	found, err := s.DB.QueryContext(s.c.Context(), p.text, p.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		row := make([]string, 3)
		if err := found.Scan(&row[0], &row[1], &row[2]); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	s.g.queries()
	return all, found.Err()
}

func spelt(p page) string {
	var args []string
	for _, arg := range p.args {
		if text, ok := arg.(string); ok {
			args = append(args, fmt.Sprintf("%q", text))
			continue
		}
		args = append(args, fmt.Sprint(arg))
	}
	return fmt.Sprintf("%s with (%s)", p.text, strings.Join(args, ", "))
}

func TestErrors(t *testing.T) {
	check.Task(t, "errors", func(c *check.C) {
		s := open(c, "errors")
		for _, fault := range []struct {
			what string
			err  error
			set  func(on bool)
		}{
			{"refused", errBusy, func(on bool) {
				s.g.refuse = nil
				if on {
					s.g.refuse = errBusy
				}
			}},
			{"broke off after a row", errBroken, func(on bool) { s.g.breaksOff = on }},
		} {
			p := pageOf(c, strings.Fields(fault.what)[0])
			fault.set(true)
			if got, err := s.try(s.DB, p); !errors.Is(err, fault.err) {
				c.Fail("The database %s, and Query returned %q and the error %v, want %q.", fault.what, got, err, fault.err)
			}
			fault.set(false)
			s.g.queries()
			if got, err := s.try(s.DB, p); err != nil || s.g.queries() != 1 || len(got) != 2 {
				c.Fail("The database %s and works again. The next Query returned %d rows and the error %v, want 2 rows from the database: a failure was kept.", fault.what, len(got), err)
			}
		}
	})
}

func TestTables(t *testing.T) {
	check.Task(t, "tables", func(c *check.C) {
		s := open(c, "tables")
		seeds, members, both := pageOf(c, "seeds"), pageOf(c, "members"), pageOf(c, "seeds", "members")
		all := []page{seeds, members, both}
		for _, round := range []struct {
			tables []string
			loads  []page
		}{
			{[]string{"seeds"}, []page{seeds, both}},
			{[]string{"plots", "members"}, []page{members, both}},
			{[]string{"plots"}, nil},
			{[]string{"seed"}, nil},
			{[]string{"members", "seeds"}, all},
		} {
			for _, p := range all {
				s.ask(p)
			}
			s.update(round.tables...)
			for _, p := range all {
				s.g.queries()
				got := s.ask(p)
				asked := s.g.queries()
				want, err := s.direct(p)
				c.NoError(err, "the database")
				if numbers(got) != numbers(want) {
					c.Fail("%v were updated. A query of %v returned %q, and the database has %q.", round.tables, p.tables, numbers(got), numbers(want))
				}
				loads := false
				for _, l := range round.loads {
					loads = loads || l.text == p.text
				}
				if !loads && asked > 0 {
					c.Fail("%v were updated, and a query of %v asked the database again: its answer was still good.", round.tables, p.tables)
				}
			}
		}
	})
}

func TestCommit(t *testing.T) {
	check.Task(t, "commit", func(c *check.C) {
		for _, cached := range []bool{true, false} {
			s := open(c, fmt.Sprint("commit-", cached))
			p := pageOf(c, "seeds", "members")
			if cached {
				s.ask(p)
			}
			s.g.beforeCommit = func() { s.wants(p, "seeds 0, members 0", "An Update is about to commit") }
			s.update("seeds")
			s.wants(p, "seeds 1, members 0", "A reader came just before the commit of an Update, which has returned since")
		}
	})
}

func TestLate(t *testing.T) {
	check.Task(t, "late", func(c *check.C) {
		for _, before := range []int{0, 1} { // how many updates there were
			s := open(c, fmt.Sprint("late-", before))
			p := pageOf(c, "members", "seeds")
			for range before {
				s.update("seeds")
			}
			s.g.held = func() { s.update("seeds") } // the reader has read, and is slow
			s.ask(p)
			s.wants(p, fmt.Sprint("members 0, seeds ", before+1), "A reader had read before the commit of an Update, and came back after it")
		}
	})
}

func TestInside(t *testing.T) {
	check.Task(t, "inside", func(c *check.C) {
		for _, cached := range []bool{true, false} {
			s := open(c, fmt.Sprint("inside-", cached))
			p := pageOf(c, "seeds")
			if cached {
				s.ask(p)
			}
			err := s.Update(c.Context(), []string{"seeds"}, func(tx *sql.Tx) error {
				change(c, tx, "seeds")
				got, err := s.try(tx, p)
				c.NoError(err, "Query within a transaction")
				if numbers(got) != "seeds 1" {
					c.Fail("A transaction has changed the seeds to 1, and its own Query returned %q.", numbers(got))
				}
				s.wants(p, "seeds 0", "A transaction has asked for what it changed, and has not committed")
				return errBackOut
			})
			c.Written(err)
			s.wants(p, "seeds 0", "A transaction has asked for what it changed, and was rolled back")
		}
	})
}

func TestRollback(t *testing.T) {
	check.Task(t, "rollback", func(c *check.C) {
		s := open(c, "rollback")
		p := pageOf(c, "seeds")
		s.ask(p)
		err := s.Update(c.Context(), []string{"seeds"}, func(tx *sql.Tx) error { change(c, tx, "seeds"); return errBackOut })
		c.Written(err)
		if !errors.Is(err, errBackOut) || errors.Is(err, exercise.ErrNotTold) {
			c.Fail("f returned %q, and Update the error %v.", errBackOut, err)
		}
		if n := s.g.transactions(); n != 0 {
			c.Fail("f returned an error, and its transaction was left open.")
		}
		s.g.queries()
		s.wants(p, "seeds 0", "An Update was rolled back")
		if s.g.queries() > 0 {
			c.Fail("An Update was rolled back, and the next Query asked the database: its answer was still good.")
		}
		s.g.refuseCommit = errBusy
		err = s.Update(c.Context(), []string{"seeds"}, func(tx *sql.Tx) error { change(c, tx, "seeds"); return nil })
		if !errors.Is(err, errBusy) || errors.Is(err, exercise.ErrNotTold) {
			c.Fail("The commit failed with %q, and Update returned the error %v.", errBusy, err)
		}
		s.wants(p, "seeds 0", "A commit has failed")
	})
}

func TestTold(t *testing.T) {
	check.Task(t, "told", func(c *check.C) {
		s := open(c, "told")
		p := pageOf(c, "seeds")
		clear := c.Throw(tap.Fault{Kind: tap.Cut})
		got, err := s.try(s.DB, p)
		if err != nil || numbers(got) != "seeds 0" {
			c.Fail("Redis cannot be reached, the database can, and Query returned %q and the error %v.", numbers(got), err)
		}
		calls := 0
		err = s.Update(c.Context(), []string{"seeds"}, func(tx *sql.Tx) error { calls++; change(c, tx, "seeds"); return nil })
		clear()
		c.Written(err)
		if calls != 1 || s.g.tables["seeds"] != 1 {
			c.Fail("Redis cannot be reached, and Update called f %d times; %d changes are committed, want 1.", calls, s.g.tables["seeds"])
		}
		if !errors.Is(err, exercise.ErrNotTold) {
			c.Fail("The transaction has committed, Redis could not be told, and Update returned the error %v, want ErrNotTold: the caller must not repeat it, and must know.", err)
		}
		s = open(c, "left")
		s.ask(p)
		ctx, leave := context.WithCancel(c.Context())
		defer leave()
		s.g.atCommit = leave
		_ = s.Update(ctx, []string{"seeds"}, func(tx *sql.Tx) error { change(c, tx, "seeds"); return nil })
		s.wants(p, "seeds 1", "The caller left when the transaction had committed")
	})
}
