//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/12-scanning/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestAll(t *testing.T) {
	check.Task(t, "all", func(c *check.C) {
		s := open(c)
		defer s.close()
		// Few pages among many other keys: most replies of SCAN are empty.
		old, noise := 10+c.Rand().IntN(10), 3000
		s.lay(noise, "product", 0)
		s.lay(old, "page", 41)
		deleted, err := exercise.Purge(c.Context(), s.rdb, c.Key("page:*"), 42, 50)
		c.NoError(err, "Purge")
		if left := s.count("page", old); left > 0 {
			c.Fail("%d of %d old pages are still there, after a walk over %d keys.", left, old, old+noise)
		}
		if left := s.count("product", noise); left < noise {
			c.Fail("%d keys that do not match the pattern are gone.", noise-left)
		}
		if deleted != old {
			c.Fail("%d pages are gone, and Purge says %d.", old, deleted)
		}
		s.lay(5, "page", 41)
		s.lay(100, "page", 42) // anew, the five among them
		if deleted, err = exercise.Purge(c.Context(), s.rdb, c.Key("page:*"), 42, 50); err != nil || deleted != 0 {
			c.NoError(err, "Purge")
			c.Fail("No page is old, and Purge says that it deleted %d.", deleted)
		}
	})
}

func TestNew(t *testing.T) {
	check.Task(t, "new", func(c *check.C) {
		releases := []int{7, 8, 9, 10, 11, 100, 8 + c.Rand().IntN(90)}
		for i, r := range releases {
			c.NoError(c.Direct().HSet(c.Context(), c.Key(fmt.Sprint("page:", i)), "release", r).Err(), "HSET")
		}
		_, err := exercise.Purge(c.Context(), c.Redis(), c.Key("page:*"), 10, 1000)
		c.NoError(err, "Purge")
		for i, r := range releases {
			there := c.Direct().Exists(c.Context(), c.Key(fmt.Sprint("page:", i))).Val() == 1
			if !there && r >= 10 {
				c.Fail("Purge for release 10 deleted a page of release %d, which is not an older one.", r)
			}
			if there && r < 10 {
				c.Fail("Purge for release 10 kept a page of release %d. The release is a number, it is not a text.", r)
			}
		}
		c.ExploreOrders(meanwhile("the new release writes the page", func(ctx context.Context, rdb race.Client, page string) error {
			return rdb.HSet(ctx, page, "release", 42, "body", "new").Err()
		}, 1, "Release 42 wrote this page while Purge ran, and it is gone."))
		c.ExploreOrders(meanwhile("somebody deletes the page", func(ctx context.Context, rdb race.Client, page string) error {
			return rdb.Del(ctx, page).Err()
		}, 0, "An old page is still there."))
	})
}

// wholeServer is a batch of all keys of the server. Checks of other exercises may share
// it, and with a smaller batch a walk would take as many commands as there are keys of
// theirs: the same schedule would not lead to the same end.
const wholeServer = 1 << 20

// meanwhile is the race of a purge with somebody else at its only page, which must
// be there afterwards or not.
func meanwhile(title string, other func(ctx context.Context, rdb race.Client, page string) error, there int64, wrong string) race.Scenario {
	return race.Scenario{
		Name: "meanwhile", Title: title,
		Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
			return rdb.HSet(ctx, k("page:home"), "release", 41, "body", "old").Err()
		},
		Actors: []race.Actor{
			{Name: "purge", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				_, err := exercise.Purge(ctx, rdb, k("page:*"), 42, wholeServer)
				return err
			}},
			{Name: "other", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error { return other(ctx, rdb, k("page:home")) }},
		},
		Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
			if err := ends[0].Err; err != nil && there == 0 {
				return &race.Violation{Message: fmt.Sprintf("Somebody deleted a page while Purge ran, and Purge returned an error: %v", err)}
			}
			if err := ends[0].Err; err != nil {
				return &race.Violation{Message: fmt.Sprintf("Purge returned an error: %v", err)}
			}
			if n, err := rdb.Exists(ctx, k("page:home")).Result(); err != nil || n != there {
				return &race.Violation{Message: wrong}
			}
			return nil
		},
	}
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		s := open(c)
		defer s.close()
		const old, noise, batch = 1000, 1000, 50
		s.lay(noise, "product", 0)
		s.lay(old, "page", 41)
		sent := s.commands(func() {
			_, err := exercise.Purge(c.Context(), s.rdb, c.Key("page:*"), 42, batch)
			c.NoError(err, "Purge")
		})
		calls := s.calls(sent)
		if calls["keys"] > 0 {
			c.Fail("Purge sent KEYS. On a server with a million keys, KEYS holds everybody up until all of them were looked at.")
		}
		for _, e := range sent {
			// The embedded server answers SCAN with all names at once; a batch is what it says.
			if n := len(e.Args) + e.More; s.own && e.Name != "SCAN" && n > 3*batch {
				c.Fail("With a batch of %d, one command names %d keys: %s takes as long as there are pages.", batch, n, e.Name)
			}
			if n := countOf(e); n > 2*batch {
				c.Fail("With a batch of %d, one SCAN looked at up to %d keys.", batch, n)
			}
		}
		if looked := (old + noise) / max(1, calls["scan"]); s.own && calls["scan"] > 0 && looked > 4*batch {
			c.Fail("With a batch of %d, each SCAN looked at %d keys.", batch, looked)
		}
		if trips, limit := tripsOf(sent), 4*max(calls["scan"], old/batch)+20; trips > limit {
			c.Fail("%d old pages among %d keys, in batches of %d: %d round trips, want at most %d.", old, old+noise, batch, trips, limit)
		}
	})
}

func TestHuge(t *testing.T) {
	check.Task(t, "huge", func(c *check.C) {
		s := open(c)
		defer s.close()
		const fields = 20_000
		page := c.Key("page:atlas")
		values := []any{"release", 41}
		for i := range fields {
			values = append(values, fmt.Sprint("place:", i), "somewhere")
		}
		c.NoError(s.direct.HSet(c.Context(), page, values...).Err(), "HSET")
		sent := s.commands(func() {
			_, err := exercise.Purge(c.Context(), s.rdb, c.Key("page:*"), 42, 50)
			c.NoError(err, "Purge")
		})
		if s.direct.Exists(c.Context(), page).Val() == 1 {
			c.Fail("The old page with %d fields is still there.", fields)
		}
		// Who empties it bit by bit may DEL what is left.
		if calls := s.calls(sent); calls["del"] > 0 && calls["hdel"] == 0 {
			c.Fail("A page of %d fields was old, and DEL freed them one by one while everybody waited. One command does it in the background.", fields)
		}
		for _, e := range sent {
			if e.Received > 100_000 {
				c.Fail("To delete a page, Purge fetched %d bytes of it: %s.", e.Received, e.Name)
			}
		}
	})
}

// countOf is the COUNT of a SCAN, 0 for other commands.
func countOf(e trace.Event) int {
	for i, arg := range e.Args {
		if e.Name == "SCAN" && (arg == "count" || arg == "COUNT") && i+1 < len(e.Args) {
			n, err := strconv.Atoi(e.Args[i+1])
			if err == nil {
				return n
			}
		}
	}
	return 0
}

func tripsOf(sent []trace.Event) int {
	type trip struct{ conn, n uint64 }
	seen := map[trip]bool{}
	for _, e := range sent {
		seen[trip{e.Conn, e.Trip}] = true
	}
	return len(seen)
}
