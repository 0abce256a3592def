package httpcache

import (
	"testing"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/redistest"
)

// The comments of the methods say what each costs; this holds them to it.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	trips := redistest.Count(client)
	open := func(local int) *Cache {
		c, err := New(client, Options{Name: redistest.Prefix(t), Local: cache.Local{Entries: local}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain, _ := says("Cache-Control", "max-age=600")
	tags, _ := says("Cache-Control", "max-age=600", "Surrogate-Key", "a b")
	varies, _ := says("Cache-Control", "max-age=600", "Vary", "Accept")
	c, memory := open(0), open(100)
	warm := open(0) // Redis has the scripts from now on
	ask(t, warm.Handler(varies), "GET", "/")
	ask(t, warm.Handler(tags), "GET", "/tags")
	ask(t, warm.Handler(tags), "POST", "/")
	get := func(c *Cache, url string) func() { return func() { ask(t, c.Handler(plain), "GET", url) } }
	for _, step := range []struct {
		name string
		want int
		do   func()
	}{
		{"stored", 3, get(c, "/a")},
		{"hit", 1, get(c, "/a")},
		{"stored, with tags", 4, func() { ask(t, c.Handler(tags), "GET", "/t") }},
		{"hit, with tags", 1, get(c, "/t")},
		{"stored, varies, the first of a URL", 7, func() { ask(t, c.Handler(varies), "GET", "/v") }},
		{"stored, varies", 5, func() { ask(t, c.Handler(varies), "GET", "/v", "Accept", "a") }},
		{"hit, varies", 2, func() { ask(t, c.Handler(varies), "GET", "/v", "Accept", "a") }},
		{"stored in memory too", 3, get(memory, "/a")},
		{"hit in memory", 0, get(memory, "/a")},
		{"InvalidateURL", 3, func() { _ = c.InvalidateURL(t.Context(), "http://example.com/a") }},
	} {
		trips.Reset()
		step.do()
		if got := trips.RoundTrips(); got != step.want {
			t.Errorf("%s: got %d round trips, want %d", step.name, got, step.want)
		}
	}
}
