//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/03-caching-patterns/01-cache-aside/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

var errLoad = errors.New("the database is restarting")

// shop is a cache under test, with a database that counts.
type shop struct {
	c      *check.C
	prefix string
	loads  int
}

func open(c *check.C, name string) *shop { return &shop{c: c, prefix: c.Key(name + ":")} }

// answer is what a Fetch returned.
type answer struct {
	text   string
	source exercise.Source
	err    error
}

// fetch asks for a product of which the database says this.
func (s *shop) fetch(code, text string, err error) answer {
	got, source, fetchErr := exercise.Fetch(s.c.Context(), s.c.Redis(), s.prefix, code, func(context.Context) (string, error) {
		s.loads++
		return text, err
	})
	s.c.Written(fetchErr)
	return answer{got, source, fetchErr}
}

// invalidate says that a product has changed.
func (s *shop) invalidate(code string) {
	s.c.NoError(exercise.Invalidate(s.c.Context(), s.c.Redis(), s.prefix, code), "Invalidate")
}

// kept are the keys of the shop.
func (s *shop) kept() []string {
	found, err := s.c.Direct().Keys(s.c.Context(), s.prefix+"*").Result()
	s.c.NoError(err, "KEYS")
	return found
}

// want fails unless an answer is a value of this source.
func (s *shop) want(got answer, text string, source exercise.Source, when string) {
	switch {
	case got.err != nil:
		s.c.Fail("%s: Fetch returned the error %v.", when, got.err)
	case got.text != text:
		s.c.Fail("%s: Fetch returned %q, want %q.", when, got.text, text)
	case got.source != source:
		s.c.Fail("%s: the source was %s, want %s.", when, word(got.source), word(source))
	}
}

func word(s exercise.Source) string {
	if s < exercise.Hit || s > exercise.Down {
		return fmt.Sprint(int(s))
	}
	return [...]string{"Hit", "Miss", "Down"}[s]
}

// product is a random code, and what the database says of it.
func product(c *check.C) (code, text string) {
	return fmt.Sprintf("%04dA%02d", c.Rand().IntN(10_000), c.Rand().IntN(100)), fmt.Sprintf("price %d", c.Rand().IntN(10_000))
}

func TestHit(t *testing.T) {
	check.Task(t, "hit", func(c *check.C) {
		s := open(c, "hit")
		for _, text := range []string{"", "null", "-", "+", "0", "!", "no such product", "price 9.90"} {
			code, _ := product(c)
			s.loads = 0
			trips := c.RoundTrips(func() {
				s.want(s.fetch(code, text, nil), text, exercise.Miss, fmt.Sprintf("The first Fetch, of a product whose text is %q", text))
			})
			if trips > 6 { // the script's text goes once
				c.Fail("A Fetch that loads took %d round trips, and 5 must do.", trips)
			}
			trips = c.RoundTrips(func() {
				s.want(s.fetch(code, text, nil), text, exercise.Hit, fmt.Sprintf("The second Fetch, of a product whose text is %q", text))
			})
			if s.loads != 1 {
				c.Fail("Two Fetches of a product whose text is %q loaded it %d times, want once.", text, s.loads)
			}
			if trips != 1 {
				c.Fail("A Fetch that Redis can answer took %d round trips, want 1.", trips)
			}
		}
	})
}

func TestUnknown(t *testing.T) {
	check.Task(t, "unknown", func(c *check.C) {
		s := open(c, "unknown")
		code, _ := product(c)
		wrapped := fmt.Errorf("pharmacy: %w", exercise.ErrUnknown)
		for i := range 3 {
			trips := 0
			var got answer
			trips = c.RoundTrips(func() { got = s.fetch(code, "", wrapped) })
			if !errors.Is(got.err, exercise.ErrUnknown) {
				c.Fail("There is no such product, and Fetch number %d returned %q and the error %v, want ErrUnknown.", i+1, got.text, got.err)
			}
			if i > 0 && s.loads > 1 {
				c.Fail("Fetch number %d of a product that does not exist asked the database again.", i+1)
			}
			if i > 0 && (got.source != exercise.Hit || trips != 1) {
				c.Fail("A note says that there is no such product. Fetch took %d round trips and said %s, want 1 and Hit.", trips, word(got.source))
			}
		}
		// What stands for "nothing" may also be what a product says.
		for _, key := range s.kept() {
			note, err := c.Direct().Get(c.Context(), key).Result()
			if err != nil {
				continue // no string
			}
			code, _ := product(c)
			s.fetch(code, note, nil)
			s.want(s.fetch(code, note, nil), note, exercise.Hit, fmt.Sprintf("A product whose text is %q, which is also what you keep for one that does not exist", note))
		}
		s.pass(time.Minute)
		s.loads = 0
		s.want(s.fetch(code, "new", nil), "new", exercise.Miss, "A minute after the note that there is no such product, there is one")
	})
}

// pass lets time pass for the keys of the shop.
func (s *shop) pass(d time.Duration) {
	for _, key := range s.kept() {
		left, err := s.c.Direct().PTTL(s.c.Context(), key).Result()
		s.c.NoError(err, "PTTL")
		if left >= 0 {
			s.c.NoError(s.c.Direct().PExpire(s.c.Context(), key, left-d).Err(), "PEXPIRE")
		}
	}
}

func TestErrors(t *testing.T) {
	check.Task(t, "errors", func(c *check.C) {
		s := open(c, "errors")
		code, text := product(c)
		for range 2 {
			if got := s.fetch(code, "half a pri", errLoad); !errors.Is(got.err, errLoad) {
				c.Fail("The database could not be asked, and Fetch returned %q and the error %v, want the database's.", got.text, got.err)
			}
		}
		if s.loads != 2 {
			c.Fail("The database failed, and the next Fetch did not ask it: an error was kept.")
		}
		s.want(s.fetch(code, text, nil), text, exercise.Miss, "The database failed before, and works again")
		s.want(s.fetch(code, text, nil), text, exercise.Hit, "The database failed once, and the product was loaded since")
	})
}

func TestSpelling(t *testing.T) {
	check.Task(t, "spelling", func(c *check.C) {
		s := open(c, "spelling")
		const spellings = 4
		order := c.Rand().Perm(spellings)
		for i := range spellings { // each with a product that no other one has touched
			code, old := product(c)
			spelt := [spellings]string{code, strings.ToLower(code), " " + code[:4] + "-" + code[4:] + " ", code[:2] + "  " + strings.ToLower(code[2:]) + "-"}
			as, other := spelt[order[i]], spelt[order[(i+1)%spellings]]
			s.loads = 0
			s.fetch(as, old, nil)
			s.want(s.fetch(other, old, nil), old, exercise.Hit, fmt.Sprintf("Fetched as %q, and then as %q", as, other))
			s.invalidate(other)
			s.want(s.fetch(as, "changed", nil), "changed", exercise.Miss, fmt.Sprintf("Read as %q, and invalidated as %q", as, other))
			if i == 0 {
				if trips := c.RoundTrips(func() { s.invalidate(as) }); trips > 2 {
					c.Fail("Invalidate took %d round trips, and 2 must do.", trips)
				}
			}
		}
		code, old := product(c)
		other := code[:len(code)-1] + "Z"
		s.fetch(code, old, nil)
		s.fetch(other, "another", nil)
		s.invalidate(other)
		s.want(s.fetch(code, old, nil), old, exercise.Hit, "Another product was invalidated")
	})
}

func TestDown(t *testing.T) {
	check.Task(t, "down", func(c *check.C) {
		s := open(c, "down")
		code, text := product(c)
		s.fetch("warm", "up", nil) // scripts are loaded
		for _, message := range []string{"LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script."} {
			clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: message})
			s.loads = 0
			sent := c.Commands(func() {
				s.want(s.fetch(code, text, nil), text, exercise.Down, fmt.Sprintf("Redis answers %q to every command", message))
			})
			clear()
			if len(sent) != 1 {
				c.Fail("The first command failed, and %d were sent in all: when Redis does not answer, each costs a timeout.", len(sent))
			}
			if s.loads != 1 {
				c.Fail("Redis failed, and the database was asked %d times, want once.", s.loads)
			}
		}
		for after := range 6 { // and now in the middle
			clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, After: after, Message: "OOM command not allowed when used memory > 'maxmemory'."})
			code, text := product(c)
			if got := s.fetch(code, text, nil); got.err != nil || got.text != text {
				c.Fail("Redis refused command %d and all after it. Fetch returned %q and the error %v, want %q, which it had from the database.", after+1, got.text, got.err, text)
			}
			clear()
		}
		clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"})
		err := exercise.Invalidate(c.Context(), c.Redis(), s.prefix, code)
		clear()
		if err == nil {
			c.Fail("Redis refused every command, and Invalidate said that all was well.")
		}
	})
}

func TestStale(t *testing.T) {
	check.Task(t, "stale", func(c *check.C) {
		const code = "0716"
		ask := func(ctx context.Context, rdb race.Client, k race.Keys) (string, error) {
			text, _, err := exercise.Fetch(ctx, rdb, k("cache:"), code, func(ctx context.Context) (string, error) { return rdb.Get(ctx, k("db")).Result() })
			return text, err
		}
		c.Explore(race.Scenario{
			Name: "stale", Title: "a product is loaded while it changes",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.Set(ctx, k("db"), "sell", 0).Err()
			},
			Actors: []race.Actor{
				{Name: "till", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
					_, err := ask(ctx, rdb, k)
					return err
				}},
				{Name: "office", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
					if err := rdb.Set(ctx, k("db"), "recalled", 0).Err(); err != nil {
						return err
					}
					return exercise.Invalidate(ctx, rdb, k("cache:"), code)
				}},
			},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, ends []race.End) error {
				if ends[1].Err != nil || ends[1].Crashed {
					return nil //nolint:nilerr // the office knows that it must try again
				}
				if text, err := ask(ctx, rdb, k); err != nil || text != "recalled" {
					return &race.Violation{Message: fmt.Sprintf("The product was recalled, and Invalidate returned nil. The next Fetch returned %q and the error %v.", text, err)}
				}
				return nil
			},
		})
		twoTills(c)
	})
}

// twoTills has two tills load the same product, the second after its recall: what
// the first one holds in hand must not pass for the second one's.
func twoTills(c *check.C) {
	s := open(c, "two")
	began, end := make(chan struct{}), make(chan struct{})
	var second sync.WaitGroup
	first := func(context.Context) (string, error) {
		s.invalidate("0716") // the product was recalled while the first till loaded
		second.Go(func() {
			_, _, _ = exercise.Fetch(c.Context(), c.Redis(), s.prefix, "0716", func(context.Context) (string, error) {
				close(began)
				<-end
				return "recalled", nil
			})
		})
		select {
		case <-began:
		case <-time.After(2 * time.Second): // it waits for the first one
		}
		return "sell", nil
	}
	_, _, err := exercise.Fetch(c.Context(), c.Redis(), s.prefix, "0716", first)
	third := s.fetch("0716", "recalled", nil)
	close(end)
	second.Wait()
	c.NoError(err, "Fetch")
	if third.text != "recalled" || third.err != nil {
		c.Fail("A till loaded a product, which was recalled meanwhile. A second till began to load it, and then the first one stored what it had. A third till was told %q.", third.text)
	}
	s.want(s.fetch("0716", "recalled", nil), "recalled", exercise.Hit, "Two tills loaded a product, the second after its recall, and both are done")
}

func TestEnds(t *testing.T) {
	check.Task(t, "ends", func(c *check.C) {
		c.Explore(race.Scenario{
			Name: "ends", Title: "a product is loaded, one that does not exist, and one is changed",
			Actors: []race.Actor{{Name: "till", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				for _, err := range []error{nil, exercise.ErrUnknown, errLoad} {
					_, _, got := exercise.Fetch(ctx, rdb, k("cache:"), fmt.Sprintf("A%v", err != nil), func(context.Context) (string, error) { return "text", err })
					if check.NotImplemented(got) {
						return got
					}
				}
				return exercise.Invalidate(ctx, rdb, k("cache:"), "Afalse")
			}}},
			Check: func(ctx context.Context, _ race.Client, k race.Keys, _ []race.End) error {
				found, err := c.Direct().Keys(ctx, k("cache:")+"*").Result()
				for _, key := range found {
					left := c.Direct().PTTL(ctx, key).Val()
					switch {
					case left == -1:
						return &race.Violation{Message: c.Show(key) + " has no end: it stays in Redis for ever."}
					case left > 5*time.Minute+time.Second:
						return &race.Violation{Message: fmt.Sprintf("%s lives for %v, want 5 minutes at most.", c.Show(key), left)}
					}
				}
				return err
			},
		})
		s := open(c, "ends")
		code, text := product(c)
		s.fetch(code, text, nil)
		s.pass(4*time.Minute + 50*time.Second)
		s.want(s.fetch(code, text, nil), text, exercise.Hit, "A product was loaded 4 minutes 50 seconds ago")
		s.pass(20 * time.Second)
		s.want(s.fetch(code, "other", nil), "other", exercise.Miss, "A product was loaded 5 minutes 10 seconds ago")
	})
}
