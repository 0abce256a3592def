//go:build exercise

package exercise_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/06-lists/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestOrder(t *testing.T) {
	check.Task(t, "order", func(c *check.C) {
		key := c.Key("feed")
		want := fill(c, key, 3+c.Rand().IntN(10))
		got, _, err := exercise.Page(c.Context(), c.Redis(), key, 0, 20)
		c.NoError(err, "Page")
		if slices.Equal(got, want) {
			return
		}
		if slices.Reverse(want); slices.Equal(got, want) {
			c.Fail("The feed shows the oldest event first: %s.", short(got))
		}
		slices.Reverse(want)
		c.Fail("The feed should show %s, and shows %s.", short(want), short(got))
	})
}

func TestNewest(t *testing.T) {
	check.Task(t, "newest", func(c *check.C) {
		key := c.Key("feed")
		added := exercise.Newest + 20 + c.Rand().IntN(200)
		want := fill(c, key, added)
		kept(c, key, added)
		got, _, err := exercise.Page(c.Context(), c.Redis(), key, 0, exercise.Newest)
		c.NoError(err, "Page")
		if !slices.Contains(got, want[0]) {
			c.Fail("%d events were added, and the newest of them is not in the feed. It shows %s.", added, short(got))
		}
		if !slices.Equal(got, want[:exercise.Newest]) {
			c.Fail("%d events were added. The feed should show %s, and shows %s.", added, short(want[:exercise.Newest]), short(got))
		}
		together(c)
	})
}

// together has 8 writers fill one feed. Who comes first is open, but of each
// writer's events the newest are kept, in their order.
func together(c *check.C) {
	const writers = 8
	key, each := c.Key("busy"), 30+c.Rand().IntN(20)
	c.Clients(writers, func(w int, rdb *redis.Client) {
		for n := range each {
			c.NoError(exercise.Add(c.Context(), rdb, key, fmt.Sprintf("writer %d event %d", w, n)), "Add")
		}
	})
	kept(c, key, writers*each)
	got, _, err := exercise.Page(c.Context(), c.Redis(), key, 0, exercise.Newest)
	c.NoError(err, "Page")
	next := map[int]int{} // of each writer, the event that should come now, going back
	for _, event := range got {
		var w, n int
		if _, err := fmt.Sscanf(event, "writer %d event %d", &w, &n); err != nil {
			c.Fail("The feed shows %q, which nobody added.", event)
		}
		want, seen := next[w]
		if !seen {
			want = each - 1
		}
		if n != want {
			c.Fail("%d writers added %d events each. The feed shows event %d of writer %d where event %d should stand.", writers, each, n, w, want)
		}
		next[w] = n - 1
	}
}

func TestPages(t *testing.T) {
	check.Task(t, "pages", func(c *check.C) {
		size := 3 + c.Rand().IntN(12)
		full := (2 + c.Rand().IntN(3)) * size
		for i, length := range []int{full, full + 1 + c.Rand().IntN(size-1), exercise.Newest + 7} {
			key := c.Key(fmt.Sprintf("feed-%d", i))
			want := fill(c, key, length)
			leaf(c, key, want[:min(length, exercise.Newest)], size)
		}
		events, more, err := exercise.Page(c.Context(), c.Redis(), c.Key("nobody"), 0, int64(size))
		c.NoError(err, "Page of a feed that is not there")
		if len(events) > 0 || more {
			c.Fail("A feed that is not there shows %s, and a next page: %v.", short(events), more)
		}
	})
}

// leaf reads a feed page by page, and one page beyond its end.
func leaf(c *check.C, key string, want []string, size int) {
	pages := (len(want) + size - 1) / size
	seen := map[string]int{}
	for p := range pages + 1 {
		got, more, err := exercise.Page(c.Context(), c.Redis(), key, int64(p), int64(size))
		c.NoError(err, "Page")
		if len(got) > size {
			c.Fail("Page %d has room for %d events, and holds %d.", p, size, len(got))
		}
		for _, event := range got {
			if before, twice := seen[event]; twice {
				c.Fail("%q stands on page %d and on page %d.", event, before, p)
			}
			seen[event] = p
		}
		page := want[min(p*size, len(want)):min((p+1)*size, len(want))]
		if !slices.Equal(got, page) {
			c.Fail("Page %d of %d events, %d a page, should show %s, and shows %s.", p, len(want), size, short(page), short(got))
		}
		switch isMore := p+1 < pages; {
		case more && !isMore:
			c.Fail("Page %d is the last of %d events, %d a page, and Page says that there is more.", p, len(want), size)
		case !more && isMore:
			c.Fail("Page %d of %d events, %d a page, has a next one, and Page says that there is no more.", p, len(want), size)
		}
	}
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		const length, size = 100, 10
		key := c.Key("feed")
		for range exercise.Newest + 5 {
			c.NoError(exercise.Add(c.Context(), c.Redis(), key, strings.Repeat("x", length)), "Add")
		}
		var err error
		if trips := c.RoundTrips(func() { err = exercise.Add(c.Context(), c.Redis(), key, strings.Repeat("y", length)) }); trips != 1 {
			c.NoError(err, "Add")
			c.Fail("Add took %d round trips, and one is enough.", trips)
		}
		for _, page := range []int64{0, exercise.Newest/size - 1} {
			read := func() { _, _, err = exercise.Page(c.Context(), c.Redis(), key, page, size) }
			trips := c.RoundTrips(read)
			c.NoError(err, "Page")
			bytes := int64(0)
			for _, e := range c.Commands(read) {
				bytes += e.Received
			}
			if bytes > (size+5)*length {
				c.Fail("Page %d holds %d events of %d bytes, and %d bytes came over the wire: most of it was fetched for nothing.", page, size, length, bytes)
			}
			if trips > 1 {
				c.Fail("Page took %d round trips, and one is enough.", trips)
			}
		}
	})
}

// fill adds n events and returns them as the feed should show them: newest first.
func fill(c *check.C, key string, n int) []string {
	var shown []string
	for i := range n {
		event := fmt.Sprintf("event %d", i)
		c.NoError(exercise.Add(c.Context(), c.Redis(), key, event), "Add")
		shown = append([]string{event}, shown...)
	}
	return shown
}

// kept fails unless the list holds exactly the newest hundred.
func kept(c *check.C, key string, added int) {
	held, err := c.Direct().LLen(c.Context(), key).Result()
	c.NoError(err, "LLEN "+key)
	if held != exercise.Newest {
		c.Fail("%d events were added. The list should hold %d of them, and holds %d.", added, exercise.Newest, held)
	}
}

// short names the ends of a list of events.
func short(events []string) string {
	switch n := len(events); {
	case n == 0:
		return "nothing"
	case n <= 3:
		return fmt.Sprintf("%q", events)
	default:
		return fmt.Sprintf("%d events from %q to %q", n, events[0], events[n-1])
	}
}
