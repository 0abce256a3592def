package cache

import (
	"context"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// The comments of the methods say what each costs; this holds them to it.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	trips := redistest.Count(client)
	make := func(change ...func(*Options[int64, user])) *Cache[int64, user] {
		o := Options[int64, user]{Name: redistest.Prefix(t), EarlyRefresh: -1, RedisTimeout: ample}
		for _, f := range change {
			f(&o)
		}
		c, err := New(client, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ctx := t.Context()
	plain, inMemory, tagged, stale := make(), make(withLocal), make(withTags("a", "b")), make(func(o *Options[int64, user]) {
		o.TTL, o.StaleWhileRevalidate, o.Jitter = time.Millisecond, time.Hour, -1
	})
	fetch := func(c *Cache[int64, user], id int64) func() error {
		return func() error {
			_, err := c.Fetch(ctx, id, func(context.Context, int64) (user, error) { return user{id, "x"}, nil })
			return err
		}
	}
	many := func(c *Cache[int64, user], ids ...int64) func() error {
		return func() error {
			_, err := c.FetchMany(ctx, ids, func(context.Context, []int64) (map[int64]user, error) {
				return map[int64]user{ids[0]: {}}, nil
			})
			return err
		}
	}
	write := func(c *Cache[int64, user]) func() error {
		return func() error { return c.Write(ctx, 1, user{}, func(context.Context) error { return nil }) }
	}
	warmScripts(t, make(withTags("a", "b")))
	hitAfterTime := func() error { // the clock of a cache that has loaded nothing is not known
		return fetch(twinOver(t, client, plain), 1)()
	}
	for _, step := range []struct {
		name string
		want int
		do   func() error
	}{
		{"load", 3, fetch(plain, 1)},
		{"hit in Redis", 1, fetch(plain, 1)},
		{"first hit of a process", 2, hitAfterTime},
		{"load with two tags", 4, fetch(tagged, 1)},
		{"load, with memory", 3, fetch(inMemory, 1)},
		{"hit in memory", 0, fetch(inMemory, 1)},
		{"many, one hit and two loaded", 3, many(plain, 2, 1, 3)},
		{"many, all in Redis", 1, many(plain, 1, 2, 3)},
		{"many, in memory", 0, many(inMemory, 1)},
		{"many, loaded, tagged", 4, many(tagged, 2, 3)},
		{"Peek", 1, func() error { _, _, err := plain.Peek(ctx, 1); return err }},
		{"Invalidate", 1, func() error { return plain.Invalidate(ctx, 1) }},
		{"Invalidate, three keys", 1, func() error { return plain.Invalidate(ctx, 1, 2, 3) }},
		{"Invalidate, none", 0, func() error { return plain.Invalidate(ctx) }},
		{"InvalidateTag, two keys", 4, func() error { return tagged.InvalidateTag(ctx, "a") }},
		{"InvalidateTag, no keys", 2, func() error { return tagged.InvalidateTag(ctx, "none") }},
		{"Write", 2, write(plain)},
		{"Write, tagged", 3, write(tagged)},
		{"Explain", 1, func() error { _, err := plain.Explain(ctx, 1); return err }},
		{"Stats", 0, func() error { plain.Stats(); return nil }},
		{"load of what will be stale", 3, fetch(stale, 1)},
	} {
		trips.Reset()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := trips.RoundTrips(); got != step.want {
			t.Errorf("%s: got %d round trips, want %d", step.name, got, step.want)
		}
	}
	// A stale hit costs its caller one; the refresh in the background is a load.
	time.Sleep(5 * time.Millisecond) // longer than it is fresh
	trips.Reset()
	if err := fetch(stale, 1)(); err != nil {
		t.Error(err)
	}
	redistest.Eventually(t, "it is loaded anew", func() bool { return !stale.flights.busy("1") })
	if got := trips.RoundTrips(); got != 3 {
		t.Errorf("stale hit with its refresh: got %d round trips, want 3", got)
	}
}

// twinOver is another process with the same cache, over the same client.
func twinOver(t *testing.T, client conn, c *Cache[int64, user]) *Cache[int64, user] {
	t.Helper()
	other, err := newCache(client, Options[int64, user]{Name: c.space.Prefix(), RedisTimeout: ample})
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// warmScripts runs every script once: the first run of each costs one round trip
// more, when the server does not know it.
func warmScripts(t *testing.T, c *Cache[int64, user]) {
	t.Helper()
	ctx := t.Context()
	load := func(context.Context, int64) (user, error) { return user{}, nil }
	_, err := c.Fetch(ctx, 1, load)
	if err == nil {
		err = c.Write(ctx, 1, user{}, func(context.Context) error { return nil })
	}
	if err == nil {
		err = c.InvalidateTag(ctx, "a")
	}
	if err != nil {
		t.Fatal(err)
	}
}
