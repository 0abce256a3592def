package httpcache

import (
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// TestOutage: while Redis stands still every request is answered by the handler,
// nothing is stored, and after a few nobody waits for Redis. When it is back, so
// are the hits.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	c, err := New(redistest.ClientOf(t, server), Options{RedisTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	next, calls := says("Cache-Control", "max-age=600")
	h := c.Handler(next)
	ask(t, h, "GET", "/a")
	ask(t, h, "GET", "/a")
	if calls.Load() != 1 {
		t.Fatalf("got %d calls before the outage, want 1", calls.Load())
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	const requests = 60
	begun := time.Now()
	for i := range requests {
		if w := ask(t, h, "GET", "/a"); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("request %d of the outage: got %d %q", i, w.Code, w.Body)
		}
	}
	// Each that waited would have waited for RedisTimeout.
	if took := time.Since(begun); took > requests/2*200*time.Millisecond {
		t.Errorf("%d requests took %v, as if all had waited for Redis", requests, took)
	}
	if calls.Load() != 1+requests {
		t.Errorf("got %d calls, want one for each request of the outage", calls.Load()-1)
	}
	if stored := c.Stats().Cache.Stored; stored != 1 {
		t.Errorf("%d responses were stored, want the one from before", stored)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "a hit after the outage", func() bool {
		before := calls.Load()
		ask(t, h, "GET", "/a")
		return calls.Load() == before
	})
}
