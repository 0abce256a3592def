//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/08-sets/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestFollow(t *testing.T) {
	check.Task(t, "follow", func(c *check.C) {
		told := make([]bool, 2)
		phone := func(i int, name string) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
				told[i] = false
				told[i], err = exercise.Follow(ctx, rdb, k("followers:ada"), "bela")
				return err
			}}
		}
		c.ExploreOrders(race.Scenario{
			Name: "follow", Title: "bela follows ada on two phones",
			Actors: []race.Actor{phone(0, "phone"), phone(1, "tablet")},
			Check: func(_ context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
				for _, end := range ends {
					if end.Err != nil {
						return &race.Violation{Message: fmt.Sprintf("Follow returned an error: %v", end.Err)}
					}
				}
				switch {
				case told[0] && told[1]:
					return &race.Violation{Message: "bela followed ada on two phones at once, and both were told that it is new."}
				case !told[0] && !told[1]:
					return &race.Violation{Message: "bela followed ada on two phones at once, and neither was told that it is new."}
				}
				return nil
			},
		})
		key := c.Key("followers:cleo")
		const people = 30
		var isNew atomic.Int64
		c.Clients(people, func(i int, rdb *redis.Client) {
			for _, who := range []int{i, i, (i + 1) % people} {
				first, err := exercise.Follow(c.Context(), rdb, key, name(who))
				c.NoError(err, "Follow")
				if first {
					isNew.Add(1)
				}
			}
		})
		if isNew.Load() != people {
			c.Fail("%d people followed cleo, three times each, and %d calls were told that it is new.", people, isNew.Load())
		}
		oneCommand(c, "Follow", func() error { _, err := exercise.Follow(c.Context(), c.Redis(), key, "zoe"); return err })
	})
}

func TestFollows(t *testing.T) {
	check.Task(t, "follows", func(c *check.C) {
		key, people := c.Key("followers:ada"), 1500+c.Rand().IntN(500)
		add(c, key, 0, people)
		for _, ask := range []struct {
			key, who string
			want     bool
		}{
			{key, name(c.Rand().IntN(people)), true},
			{key, name(people), false},
			{key, "", false},
			{c.Key("followers:nobody"), name(1), false},
		} {
			var got bool
			sent := oneCommand(c, "Follows", func() (err error) { got, err = exercise.Follows(c.Context(), c.Redis(), ask.key, ask.who); return err })
			if got != ask.want {
				c.Fail("%q is among the followers: %v. Follows says %v.", ask.who, ask.want, got)
			}
			if bytes := received(sent); bytes > 100 {
				c.Fail("Of %d followers one was asked for, and the yes or no came as %d bytes.", people, bytes)
			}
		}
	})
}

func TestBoth(t *testing.T) {
	check.Task(t, "both", func(c *check.C) {
		a, b := c.Key("followers:ada"), c.Key("followers:bela")
		common := 20 + c.Rand().IntN(20)
		add(c, a, 0, 500)
		add(c, b, 500-common, 500)
		var got []string
		sent := oneCommand(c, "Both", func() (err error) { got, err = exercise.Both(c.Context(), c.Redis(), a, b); return err })
		same(c, "follow both", got, names(500-common, common))
		if bytes := received(sent); bytes > int64(common)*100 {
			c.Fail("%d people follow both, and %d bytes came over the wire for them: those who do not travelled too.", common, bytes)
		}
		for _, limit := range []int64{1, int64(common) - 1, int64(common), 1000} {
			var n int64
			sent := oneCommand(c, "CountBoth", func() (err error) { n, err = exercise.CountBoth(c.Context(), c.Redis(), a, b, limit); return err })
			if want := min(limit, int64(common)); n != want {
				c.Fail("%d people follow both. Counted to %d at most, CountBoth says %d, and it is %d.", common, limit, n, want)
			}
			if bytes := received(sent); bytes > 100 {
				c.Fail("CountBoth was asked for a number, and %d bytes came: the names travelled.", bytes)
			}
		}
		got, err := exercise.Both(c.Context(), c.Redis(), a, c.Key("followers:nobody"))
		c.NoError(err, "Both")
		same(c, "follow both ada and somebody whom nobody follows", got, nil)
	})
}

func TestTags(t *testing.T) {
	check.Task(t, "tags", func(c *check.C) {
		prefix := c.Key("tag") + ":"
		tags := []string{"sea", "sun", "dog", "rain"}
		has := map[string][]string{}
		for i := range 40 {
			photo := fmt.Sprintf("photo-%02d", i)
			mine := slices.Clone(tags[:1+i%3])
			c.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			has[photo] = mine
			var err error
			trips := c.RoundTrips(func() { err = exercise.Tag(c.Context(), c.Redis(), prefix, photo, append(mine, mine[0])...) })
			c.NoError(err, "Tag")
			if trips != 1 {
				c.Fail("Filing a photo under %d tags took %d round trips, and one is enough.", len(mine)+1, trips)
			}
		}
		bytes := ask(c, "all", exercise.TaggedAll, prefix, has)
		if bytes > 400 {
			c.Fail("13 photos have all of three tags, and %d bytes came over the wire for them: the others travelled too.", bytes)
		}
		ask(c, "any", exercise.TaggedAny, prefix, has)
	})
}

// ask compares what a search finds with the photos that have all or any of the
// tags, for several choices of tags, and returns the bytes of the search for three.
func ask(c *check.C, which string, search func(context.Context, redis.Cmdable, string, ...string) ([]string, error), prefix string, has map[string][]string) (bytes int64) {
	for _, tags := range [][]string{{"sun"}, {"sea", "dog"}, {"sea", "sun", "dog"}, {"sea", "rain"}, {"rain"}, {}} {
		var want []string
		for photo, mine := range has {
			n := 0
			for _, tag := range tags {
				if slices.Contains(mine, tag) {
					n++
				}
			}
			if n > 0 && (which == "any" || n == len(tags)) {
				want = append(want, photo)
			}
		}
		var got []string
		var err error
		sent := c.Commands(func() { got, err = search(c.Context(), c.Redis(), prefix, tags...) })
		c.NoError(err, fmt.Sprintf("searching for %s of %v", which, tags))
		same(c, fmt.Sprintf("have %s of the tags %v", which, tags), got, want)
		if trips := roundTrips(sent); trips > 1 {
			c.Fail("Searching for %s of %d tags took %d round trips, and one is enough.", which, len(tags), trips)
		}
		if len(tags) == 3 {
			bytes = received(sent)
		}
	}
	return bytes
}

// same compares an answer with what it should be, whatever the order.
func same(c *check.C, what string, got, want []string) {
	seen := map[string]bool{}
	for _, name := range got {
		if seen[name] {
			c.Fail("%s is in the answer twice, among those who %s.", name, what)
		}
		seen[name] = true
		if !slices.Contains(want, name) {
			c.Fail("%s is in the answer, and is not among those who %s.", name, what)
		}
	}
	for _, name := range want {
		if !seen[name] {
			c.Fail("%s is missing in the answer, and is among those who %s.", name, what)
		}
	}
}

// oneCommand calls do and returns what it sent, which must be one command.
func oneCommand(c *check.C, what string, do func() error) []trace.Event {
	var err error
	sent := c.Commands(func() { err = do() })
	c.NoError(err, what)
	if len(sent) != 1 {
		var lines []string
		for _, e := range sent {
			lines = append(lines, c.Line(e))
		}
		c.Fail("%s took %d commands, and one is enough: %s", what, len(sent), strings.Join(lines, ", "))
	}
	return sent
}

// roundTrips is how many times the program waited for Redis.
func roundTrips(sent []trace.Event) (trips int) {
	for _, group := range trace.Groups(sent) {
		trips += group.RoundTrips
	}
	return trips
}

// received is how many bytes came back.
func received(sent []trace.Event) (bytes int64) {
	for _, e := range sent {
		bytes += e.Received
	}
	return bytes
}

func name(i int) string { return fmt.Sprintf("person-%04d", i) }

func names(from, n int) (out []string) {
	for i := range n {
		out = append(out, name(from+i))
	}
	return out
}

// add makes n people, from number from on, followers.
func add(c *check.C, key string, from, n int) {
	var members []any
	for _, person := range names(from, n) {
		members = append(members, person)
	}
	c.NoError(c.Direct().SAdd(c.Context(), key, members...).Err(), "SADD")
}
