//go:build exercise

package exercise_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/04-pipelines/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestAll(t *testing.T) {
	check.Task(t, "all", func(c *check.C) {
		for round, n := range []int{0, 1, 2_000 + c.Rand().IntN(999)} {
			list := products(c, fmt.Sprint("list-", round), n)
			failed, err := exercise.Load(c.Context(), c.Redis(), list)
			c.NoError(err, fmt.Sprintf("Load of %d products", n))
			if len(failed) > 0 {
				c.Fail("Redis refused none of %d products, and Load reports %d as failed, such as %s.", n, len(failed), some(failed))
			}
			if missing := missing(c, list); len(missing) > 0 {
				c.Fail("Of %d products %d are not in Redis as they are in the list, %s the last of them.", n, len(missing), missing[len(missing)-1])
			}
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		const most = 20
		// A few first: 10,000 one by one, over a wire as slow as the one below, would
		// take minutes to tell.
		for _, n := range []int{2_000, 10_000} {
			list := products(c, fmt.Sprint("list-", n), n)
			if n == 10_000 {
				// With some delay a batch that is written in several pieces is still one
				// round trip, also on a busy machine.
				defer c.Throw(tap.Fault{Kind: tap.Latency, Delay: 10 * time.Millisecond})()
			}
			var err error
			trips := c.RoundTrips(func() { _, err = exercise.Load(c.Context(), c.Redis(), list) })
			c.NoError(err, "Load")
			if trips > most {
				c.Fail("%d products took %d round trips, and %d must do for 10000.", n, trips, most)
			}
		}
	})
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		const most = 1_000
		list := products(c, "list", 3_000+c.Rand().IntN(999))
		defer c.Throw(tap.Fault{Kind: tap.Latency, Delay: 10 * time.Millisecond})()
		var err error
		sent := c.Commands(func() { _, err = exercise.Load(c.Context(), c.Redis(), list) })
		c.NoError(err, "Load")
		if n := largest(sent); n > most {
			c.Fail("Of %d products, %d commands were sent before the first reply was read, and at most %d may be: if the connection breaks then, nothing is known of any of them.", len(list), n, most)
		}
	})
}

// largest counts the product commands of the largest round trip: MULTI and EXEC
// around them are no products.
func largest(sent []trace.Event) int {
	type trip struct{ conn, number uint64 }
	count, most := map[trip]int{}, 0
	for _, e := range sent {
		if e.Name == "MULTI" || e.Name == "EXEC" {
			continue
		}
		at := trip{e.Conn, e.Trip}
		count[at]++
		most = max(most, count[at])
	}
	return most
}

func TestReport(t *testing.T) {
	check.Task(t, "report", func(c *check.C) {
		list := products(c, "list", 2_500+c.Rand().IntN(500))
		const old = `{"cents":100,"stock":5}`
		// Some keys hold what the shop's first program wrote: a text.
		texts := map[string]bool{}
		const refused = 20
		for i := range refused { // all over the list, so that every batch has one
			stretch := len(list) / refused
			texts[list[i*stretch+c.Rand().IntN(stretch)].Key] = true
		}
		for key := range texts {
			c.NoError(c.Direct().Set(c.Context(), key, old, 0).Err(), "SET")
		}
		failed, err := exercise.Load(c.Context(), c.Redis(), list)
		c.Written(err)
		reported := 0
		for key := range texts {
			if text, err := c.Direct().Get(c.Context(), key).Result(); err != nil || text != old {
				c.Fail("%s held a text, %s, which is gone: it was not Load's to remove.", key, old)
			}
			if failed[key] != nil {
				reported++
			}
		}
		var sound []exercise.Product
		for _, p := range list {
			if !texts[p.Key] {
				sound = append(sound, p)
			}
		}
		for _, key := range missing(c, sound) {
			if failed[key] == nil {
				c.Fail("%s is not in Redis, and not in what Load reports as failed: Redis refused another product, and %s was given up with it.", key, key)
			}
			c.Fail("%s was given up because Redis refused another product.", key)
		}
		if reported != len(texts) {
			c.Fail("Redis refused %d products, and Load reports %d of them as failed.", len(texts), reported)
		}
		for _, p := range sound {
			if failed[p.Key] != nil {
				c.Fail("%s is stored, and Load reports it as failed: %v. Only %d of %d products were refused, and Load reports %d.", p.Key, failed[p.Key], len(texts), len(list), len(failed))
			}
		}
		for key := range texts {
			if !strings.Contains(failed[key].Error(), "WRONGTYPE") {
				c.Fail("Redis refused %s with WRONGTYPE, and Load reports: %v.", key, failed[key])
			}
		}
	})
}

func TestCut(t *testing.T) {
	check.Task(t, "cut", func(c *check.C) {
		list := products(c, "list", 2_600)
		at := 1_100 + c.Rand().IntN(400)
		c.Throw(tap.Fault{Kind: tap.Cut, After: at, Times: 1})
		failed, err := exercise.Load(c.Context(), c.Redis(), list)
		c.Written(err)
		lost := 0
		last := ""
		for _, key := range missing(c, list) {
			if failed[key] == nil {
				lost, last = lost+1, key
			}
		}
		if lost > 0 {
			c.Fail("The connection broke after %d commands, and %d products are neither in Redis nor in what Load reports as failed, such as %s.", at, lost, last)
		}
	})
}

// products is a list of n products.
func products(c *check.C, name string, n int) []exercise.Product {
	list := make([]exercise.Product, n)
	for i := range list {
		list[i] = exercise.Product{
			Key:   c.Key(fmt.Sprintf("%s:%d", name, i)),
			Cents: int64(1 + c.Rand().IntN(100_000)),
			Stock: int64(c.Rand().IntN(1000)),
		}
	}
	return list
}

// missing returns the keys of the products that are not in Redis as they are in
// the list.
func missing(c *check.C, list []exercise.Product) []string {
	if len(list) == 0 {
		return nil
	}
	pipe := c.Direct().Pipeline()
	found := make([]*redis.MapStringStringCmd, len(list))
	for i, p := range list {
		found[i] = pipe.HGetAll(c.Context(), p.Key)
	}
	_, _ = pipe.Exec(c.Context()) // a key that holds a text is missing
	var out []string
	for i, p := range list {
		fields := found[i].Val()
		if fields["cents"] != strconv.FormatInt(p.Cents, 10) || fields["stock"] != strconv.FormatInt(p.Stock, 10) {
			out = append(out, p.Key)
		}
	}
	return out
}

// some names one of the failures.
func some(failed map[string]error) string {
	for key, err := range failed {
		return fmt.Sprintf("%s (%v)", key, err)
	}
	return ""
}
