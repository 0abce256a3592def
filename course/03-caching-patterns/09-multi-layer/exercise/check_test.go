//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/kit/cache"
)

var errOffice = errors.New("the office is closed")

func TestLayers(t *testing.T) {
	check.Task(t, "layers", func(c *check.C) {
		s := newChain(c)
		one, two := s.open(c.Redis()), s.open(c.Redis())
		key, text := s.key(), fmt.Sprint(c.Rand().Int())
		one.want(one.fetch(key, text, nil), text, cache.Origin, "The first Fetch of a key")
		one.fetch(key, text, nil)
		var got answer
		trips := c.RoundTrips(func() { got = one.fetch(key, text, nil) })
		one.want(got, text, cache.Memory, "A key was read twice within a moment, and then again")
		if trips > 0 {
			c.Fail("The answer came from memory, and %d round trips were made.", trips)
		}
		if one.loads != 1 {
			c.Fail("Three Fetches of one key loaded it %d times, want once.", one.loads)
		}
		trips = c.RoundTrips(func() { got = two.fetch(key, text, nil) })
		two.want(got, text, cache.Redis, "One lane has read a key, and now another one does")
		if trips > 2 || two.loads > 0 {
			c.Fail("Redis had the value. Fetch took %d round trips and loaded %d times, want 2 at most, and none.", trips, two.loads)
		}
		other := s.key()
		for range 3 {
			if got := one.fetch(other, "half a to", errOffice); !errors.Is(got.err, errOffice) {
				c.Fail("The office could not be asked. Fetch returned %q and the error %v, want the office's.", got.text, got.err)
			}
		}
		one.want(one.fetch(other, text, nil), text, cache.Origin, "The office could not be asked three times, and now it can")
	})
}

func TestEnds(t *testing.T) {
	check.Task(t, "ends", func(c *check.C) {
		s := newChain(c)
		s.shared.TTL, s.options.TTL = time.Hour, time.Minute
		n, key := s.open(c.Redis()), s.key()
		n.warm(key, "old")
		n.clock.pass(75 * time.Second)
		n.want(n.fetch(key, "new", nil), "old", cache.Redis, "Memory keeps a value for a minute; after 75 seconds")

		key = s.key()
		n.warm(key, "old")
		for range 2 {
			n.clock.pass(25 * time.Second)
			n.want(n.fetch(key, "new", nil), "old", cache.Memory, "Memory keeps a value for a minute; before that")
		}
		n.clock.pass(25 * time.Second)
		n.want(n.fetch(key, "new", nil), "old", cache.Redis, "Memory keeps a value for a minute. It was read after 25 and after 50 seconds, and now after 75")

		s.shared.TTL, s.options.TTL = 20*time.Minute, time.Hour
		n, key = s.open(c.Redis()), s.key()
		n.warm(key, "old")
		n.clock.pass(19 * time.Minute)
		n.want(n.fetch(key, "new", nil), "old", cache.Memory, "Redis keeps a value for 20 minutes, memory for an hour; after 19 minutes")
		n.clock.pass(2 * time.Minute)
		c.NoError(c.Direct().Del(c.Context(), s.entry(key)).Err(), "DEL") // as its end would
		if got := n.fetch(key, "new", nil); got.text != "new" {
			c.Fail("Redis kept a value for 20 minutes. After 21 memory, whose values may live for an hour, still answered %q.", got.text)
		}

		s.shared.MaxBytes = 16
		n, key = s.open(c.Redis()), s.key()
		for i := range 5 {
			long := fmt.Sprintf("a text that is too long for Redis, number %d", i)
			n.want(n.fetch(key, long, nil), long, cache.Origin, "Redis does not take a value of more than 16 bytes, so no lane could be told that it has changed")
		}
	})
}

func TestTold(t *testing.T) {
	check.Task(t, "told", func(c *check.C) {
		s := newChain(c)
		alone, key := s.open(c.Redis()), s.key()
		alone.warm(key, "old")
		alone.invalidate(key)
		if got := alone.fetch(key, "new", nil); got.text != "new" {
			c.Fail("A lane invalidated a key, and its own next Fetch returned %q, from %s. Run did not run there.", got.text, word(got.source))
		}

		one, two := s.open(c.Redis()), s.open(c.Redis())
		defer one.run()()
		defer two.run()()
		var others []string
		for range 10 {
			others = append(others, s.key())
		}
		key = s.key()
		for _, k := range append(others, key) {
			two.warm(k, "old")
		}
		one.invalidate(key)
		two.learns(key, "One lane invalidated a key")
		kept := 0
		for _, k := range others {
			if two.fetch(k, "old", nil).source == cache.Memory {
				kept++
			}
		}
		if kept < len(others)/2 {
			c.Fail("One of %d keys in memory was invalidated, and of the other %d memory still answered %d: a message about one key empties it.", len(others)+1, len(others), kept)
		}
		s.betweenSteps(two)
	})
}

// betweenSteps has both lanes read after each command of an Invalidate: what they read
// then must not stay.
func (s *chain) betweenSteps(two *node) {
	rdb := s.client()
	one, key := s.open(rdb), s.key()
	one.warm(key, "old")
	two.warm(key, "old")
	look := func() {
		for end := time.Now().Add(while); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if two.fetch(key, "new", nil).source != cache.Memory { // it has been told
				two.fetch(key, "new", nil)
				return
			}
		}
	}
	end := interrupt(rdb, func([]redis.Cmder) bool {
		look()
		s.soon(func() { one.fetch(key, "new", nil); one.fetch(key, "new", nil) })
		return true
	})
	one.invalidate(key)
	end()
	if got := one.fetch(key, "new", nil); got.text != "new" {
		s.c.Fail("While Invalidate was at work, its own lane read the key again. Invalidate has returned, and it still answers %q from %s.", got.text, word(got.source))
	}
	two.learns(key, "Another lane was told of a change, and read the key again while Invalidate was still at work")
}

func TestFlight(t *testing.T) {
	check.Task(t, "flight", func(c *check.C) {
		s := newChain(c)
		one, hears, alone := s.open(c.Redis()), s.client(), s.client()
		two := s.open(hears)
		defer two.run()()
		s.inFlight(two, hears, one, "at another lane, and this one was told")
		three := s.open(alone)
		s.inFlight(three, alone, three, "at this lane, where Run does not run")
	})
}

// inFlight has a writer invalidate a key while a reader has its value in hand.
func (s *chain) inFlight(reader *node, rdb *redis.Client, writer *node, where string) {
	for before := range 2 { // what is kept at the first reading, and what is at the second
		key, bell := s.key(), s.key()
		writer.fetch(key, "old", nil) // Redis has it
		reader.warm(bell, "old")
		for range before {
			reader.fetch(key, "old", nil)
		}
		free, met := true, false
		end := interrupt(rdb, func(cmds []redis.Cmder) bool {
			if !mentions(cmds, key) {
				return true
			}
			met = true
			free = s.soon(func() {
				writer.invalidate(key)
				writer.invalidate(bell)
				reader.learns(bell, "A key was invalidated "+where)
			})
			return false
		})
		during := reader.fetch(key, "new", nil)
		end()
		if !free {
			s.c.Fail("While one Fetch waited for Redis, its lane did nothing else: neither a Fetch of another key nor an Invalidate returned within %v. Is a lock held while Redis is asked?", patience/2)
		}
		if !met || during.text != "old" {
			continue // it came from memory, or Redis was asked again
		}
		for range 3 {
			if got := reader.fetch(key, "new", nil); got.text != "new" {
				s.c.Fail("A Fetch had its answer from Redis in hand. The key was invalidated %s, and forgotten. Then the Fetch ended, and a later one was answered %q from %s: an old value came in behind the message.", where, got.text, word(got.source))
			}
		}
	}
}

func TestMissed(t *testing.T) {
	check.Task(t, "missed", func(c *check.C) {
		s := newChain(c)
		one := s.open(c.Direct()) // never cut off
		rdb := s.client()
		two, key := s.open(rdb), s.key()
		two.warm(key, "old")
		one.invalidate(key)
		defer two.run()()
		if got := two.fetch(key, "new", nil); got.text != "new" {
			c.Fail("A key was read and invalidated before Run began to hear. OnReady has been called, and memory still answers %q.", got.text)
		}

		key = s.key()
		two.warm(key, "old")
		two.silence(func() { one.invalidate(key) })
		if got := two.fetch(key, "new", nil); got.text != "new" {
			c.Fail("The connection of a lane broke, a key was invalidated elsewhere, and the connection came back. OnReady has been called, and memory still answers %q.", got.text)
		}

		s.brokenInFlight(two, rdb, one)

		clear := c.Throw(tap.Fault{Kind: tap.Latency, Command: "*SUBSCRIBE", Delay: 300 * time.Millisecond})
		three := s.open(s.client())
		defer three.run()()
		key = s.key()
		three.warm(key, "old")
		one.invalidate(key)
		clear()
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if three.fetch(key, "new", nil).text == "new" {
				return
			}
		}
		c.Fail("OnReady was called, then a key was read, and then invalidated elsewhere. The lane was not told: its subscription was still on its way to Redis.")
	})
}

// brokenInFlight has the reader's connection break, and come back, while it has a value in
// hand that is invalidated meanwhile.
func (s *chain) brokenInFlight(reader *node, rdb *redis.Client, writer *node) {
	for before := range 2 {
		key := s.key()
		writer.fetch(key, "old", nil)
		reader.warm(s.key(), "any") // its own connections are up again
		for range before {
			reader.fetch(key, "old", nil)
		}
		end := interrupt(rdb, func(cmds []redis.Cmder) bool {
			if !mentions(cmds, key) {
				return true
			}
			reader.silence(func() { writer.invalidate(key) })
			return false
		})
		met := reader.fetch(key, "new", nil)
		end()
		for range 3 {
			if got := reader.fetch(key, "new", nil); met.source != cache.Memory && got.text != "new" {
				s.c.Fail("A Fetch had its answer in hand. The connection broke, the key was invalidated elsewhere, and the connection came back. Then the Fetch ended, and a later one was answered %q from %s.", got.text, word(got.source))
			}
		}
	}
}

// many puts so many keys into Redis and returns them.
func (s *chain) many(n int) (keys []string) {
	for range n {
		keys = append(keys, s.key())
	}
	shared, err := cache.New(s.c.Direct(), s.shared)
	s.c.NoError(err, "opening the shared cache")
	_, err = shared.FetchMany(s.c.Context(), keys, func(_ context.Context, keys []string) (map[string]string, error) {
		all := map[string]string{}
		for _, key := range keys {
			all[key] = "toll of " + key
		}
		return all, nil
	})
	s.c.NoError(err, "filling Redis")
	return keys
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		s := newChain(c)
		s.options.Entries = 20 + c.Rand().IntN(20)
		n := s.open(c.Redis())
		keys := s.many(15 * s.options.Entries)
		for _, key := range keys {
			for range 3 {
				n.fetch(key, "", errOffice)
			}
		}
		switch held := n.fromMemory(keys); {
		case held > s.options.Entries+s.options.Entries/4:
			c.Fail("Memory is to hold %d values. %d keys were read three times each, and afterwards memory answered %d of them: nothing bounds it.", s.options.Entries, len(keys), held)
		case held < s.options.Entries/2:
			c.Fail("Memory is to hold %d values. %d keys were read three times each, and afterwards memory answered %d of them: most of its room is empty.", s.options.Entries, len(keys), held)
		}
	})
}

func TestScan(t *testing.T) {
	check.Task(t, "scan", func(c *check.C) {
		s := newChain(c)
		n := s.open(c.Redis())
		for _, key := range s.many(2 * s.options.Entries) { // so that memory is full
			n.fetch(key, "", errOffice)
			n.fetch(key, "", errOffice)
		}
		hot := s.many(20)
		for range 10 {
			for _, key := range hot {
				n.fetch(key, "", errOffice)
			}
		}
		audit := s.many(8 * s.options.Entries)
		for _, key := range audit {
			n.fetch(key, "", errOffice)
		}
		if held := n.fromMemory(hot); held < len(hot)/2 {
			c.Fail("%d keys were read ten times each, then an audit read %d others once. Of the %d memory now answers %d: the audit has pushed them out.", len(hot), len(audit), len(hot), held)
		}
	})
}

func TestStops(t *testing.T) {
	check.Task(t, "stops", func(c *check.C) {
		s := newChain(c)
		for _, when := range []string{"Redis is there", "Redis was away when Run began"} {
			n := s.open(s.client())
			clear := func() {}
			if when != "Redis is there" {
				clear = c.Throw(tap.Fault{Kind: tap.Cut, Command: "*SUBSCRIBE"})
			}
			ctx, cancel := context.WithCancel(c.Context())
			ended := make(chan error, 1)
			go func() { ended <- n.cache.Run(ctx) }()
			select {
			case err := <-ended:
				c.Written(err)
				c.Fail("%s, and Run returned by itself, with the error %v.", when, err)
			case <-time.After(while):
			}
			clear()
			n.hears(when)
			cancel()
			select {
			case err := <-ended:
				c.NoError(err, "Run, whose context has ended,")
			case <-time.After(patience):
				c.Fail("The context of Run has ended, and %v later Run has not returned.", patience)
			}
		}
	})
}
