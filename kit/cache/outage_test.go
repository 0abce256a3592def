package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Redis stands still for a while under load. Readers get their values from the
// origin, few at a time; soon none of them waits for Redis; afterwards the cache
// answers again. With a client that heeds deadlines, and with one that does not.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"a client of connect": true, "go-redis as it comes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redisproc.Options{})
			client := redistest.ClientOf(t, server, func(o *redis.Options) { o.ContextTimeoutEnabled = heeds })
			c, err := New(client, Options[int64, user]{OriginLimit: 4, RedisTimeout: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			o := &origin{delay: 5 * time.Millisecond}
			for id := range int64(50) {
				o.set(id, "someone")
			}
			source(t, c, 1, o.load)
			if err := server.Pause(); err != nil {
				t.Fatal(err)
			}
			loads := o.loads.Load()
			took := hammer(t, c, o, 2*time.Second)
			if err := server.Resume(); err != nil {
				t.Fatal(err)
			}
			// Who meets the outage first waits for a step, some steps at once until it is
			// known; after that one a second looks whether it is over.
			if p90 := took[len(took)*9/10]; p90 > 80*time.Millisecond {
				t.Errorf("the p90 of %d reads was %v, want about that of the origin, 5ms", len(took), p90)
			}
			s := c.Stats()
			if s.Overloaded == 0 || s.Unstored == 0 || s.RedisErrors < breakAfter {
				t.Errorf("got %+v, want reads refused and reads answered by the origin", s)
			}
			t.Logf("%d reads, %d loads, %d refused, p50 %v, p90 %v, slowest %v",
				len(took), o.loads.Load()-loads, s.Overloaded, took[len(took)/2], took[len(took)*9/10], took[len(took)-1])
			redistest.Eventually(t, "Redis answers again", func() bool { return source(t, c, 1, o.load) == Redis })
			if c.Stats().Outage {
				t.Error("the outage is not over")
			}
		})
	}
}

// hammer reads by eight callers for a time, and returns how long each answer
// took, sorted.
func hammer(t *testing.T, c *Cache[int64, user], o *origin, during time.Duration) []time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for id, begun := int64(i), time.Now(); time.Since(begun) < during; id = (id + 7) % 50 {
				asked := time.Now()
				u, err := c.Fetch(t.Context(), id, o.load)
				if err != nil && !errors.Is(err, ErrOverloaded) || err == nil && u.Name != "someone" {
					t.Errorf("fetch %d = %v, %v", id, u, err)
				}
				mu.Lock()
				took = append(took, time.Since(asked))
				mu.Unlock()
				time.Sleep(time.Millisecond) // between two requests
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took
}

// Not more than OriginLimit loads are under way without Redis.
func TestOutage_originLimit(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	c, err := New(client, Options[int64, user]{OriginLimit: 3})
	if err != nil {
		t.Fatal(err)
	}
	var now, most, refused atomic.Int64
	var wg sync.WaitGroup
	for id := range int64(40) {
		wg.Go(func() {
			_, err := c.Fetch(t.Context(), id, func(context.Context, int64) (user, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for {
					if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				time.Sleep(50 * time.Millisecond) // a slow origin
				return user{}, nil
			})
			if errors.Is(err, ErrOverloaded) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 || refused.Load() == 0 {
		t.Errorf("%d loads at once and %d refused, want at most 3, and some", most.Load(), refused.Load())
	}
	// What changes something says so.
	if err := c.Invalidate(t.Context(), 1); err == nil {
		t.Error("Invalidate without Redis returned nil")
	}
	written := false
	err = c.Write(t.Context(), 1, user{}, func(context.Context) error { written = true; return nil })
	if err == nil || written || errors.Is(err, ErrNotTold) {
		t.Errorf("Write without Redis = %v, and wrote: %v; want an error before it writes", err, written)
	}
	if _, _, err := c.Peek(t.Context(), 1); err == nil {
		t.Error("Peek without Redis returned nil: an error is not a miss")
	}
}

// A caller with little time is let go in time for the origin, and a caller in
// great haste does not make Redis look slow.
func TestPatience(t *testing.T) {
	t.Parallel()
	r := remote{timeout: 250 * time.Millisecond}
	for left, want := range map[time.Duration][2]time.Duration{
		0:                      {250 * time.Millisecond, 250 * time.Millisecond}, // no deadline
		time.Minute:            {250 * time.Millisecond, 250 * time.Millisecond},
		200 * time.Millisecond: {80 * time.Millisecond, 100 * time.Millisecond},
		10 * time.Millisecond:  {0, 10 * time.Millisecond},
	} {
		ctx := t.Context()
		if left > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, left)
			defer cancel()
		}
		if got := r.patience(ctx); got < want[0] || got > want[1] {
			t.Errorf("with %v left a step may take %v, want %v to %v", left, got, want[0], want[1])
		}
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	b := breaker{start: time.Now(), logger: newUsers(t).options.Logger}
	for range breakAfter - 1 {
		b.note(fault.Unreachable)
	}
	b.note(fault.Caller) // says nothing
	if !b.allow() || b.open() {
		t.Error("it is open before its time")
	}
	b.note(fault.None)
	for range breakAfter {
		if !b.allow() {
			t.Error("a success did not set the count back")
		}
		b.note(fault.Ambiguous)
	}
	if b.allow() || !b.open() {
		t.Error("it is not open after so many failures in a row")
	}
	b.start = b.start.Add(-breakFor) // as if that had passed
	if !b.allow() || b.allow() {
		t.Error("after its time one step is to be let through, and no other")
	}
	b.note(fault.Unreachable)
	if b.allow() {
		t.Error("the one that looked found nothing, and yet others are let through")
	}
	b.note(fault.None)
	if !b.allow() || b.open() {
		t.Error("it is open after a success")
	}
}

// Redis is full and evicts nothing: values are answered with, not stored, and
// counted.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	client := redistest.ClientOf(t, server)
	c, err := New(client, Options[int64, user]{RedisTimeout: ample})
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{}
	o.set(7, "ann")
	source(t, c, 7, o.load)
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if got := source(t, c, 7, o.load); got != Redis {
		t.Errorf("what was there came from %v, want redis", got)
	}
	o.set(8, "ben")
	for range 2 * breakAfter {
		if u, err := c.Fetch(t.Context(), 8, o.load); u.Name != "ben" || err != nil {
			t.Errorf("got %v, %v; want ben from the origin", u, err)
		}
	}
	if s := c.Stats(); s.OutOfMemory != 2*breakAfter || s.Outage || s.Overloaded != 0 {
		t.Errorf("got %+v, want each counted, and Redis still asked", s)
	}
	if err := c.Invalidate(t.Context(), 7); err != nil {
		t.Errorf("Invalidate in a full Redis: %v", err)
	}
}

// What cannot be read is loaded anew and overwritten; what a newer program
// wrote is left alone.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	keysOf := func(id string) *codec.Keys {
		k := new(codec.Keys)
		if err := k.Add(id, []byte(strings.Repeat(id+"?", 32)[:32])); err != nil {
			t.Fatal(err)
		}
		return k
	}
	v := func(version int) codec.Codec[user] { return codec.Versioned(codec.CBOR[user](), version) }
	good := func(c codec.Codec[user]) func(n name) []byte {
		return func(n name) []byte {
			head := header{id: entryID([]byte("ABCDEFGH")), created: time.Now().UnixMilli(), fresh: time.Now().Add(time.Hour).UnixMilli()}
			data, err := codec.Append(head.append(nil), c, n.value, user{7, "there"})
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	for what, test := range map[string]struct {
		data  func(name) []byte
		codec codec.Codec[user]
		stays bool
	}{
		"no entry":        {func(name) []byte { return []byte("set by hand") }, nil, false},
		"one byte":        {func(name) []byte { return []byte{format} }, nil, false},
		"an empty one":    {func(name) []byte { return nil }, nil, false},
		"cut off":         {func(n name) []byte { return good(codec.CBOR[user]())(n)[:headerSize+3] }, nil, false},
		"an older schema": {good(v(1)), v(2), false},
		"an unknown key":  {good(codec.Sealed(codec.CBOR[user](), keysOf("old"))), codec.Sealed(codec.CBOR[user](), keysOf("new")), false},
		"a newer schema":  {good(v(3)), v(2), true},
		"a newer format":  {func(name) []byte { return []byte{format + 1, 1, 2, 3} }, nil, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c, o := newUsers(t, func(o *Options[int64, user]) { o.Codec = test.codec }), &origin{}
			o.set(7, "ann")
			n := c.nameOf(7)
			before := test.data(n)
			client := redistest.Client(t)
			if err := client.Set(t.Context(), n.value, before, time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			if what != "an empty one" {
				if _, ok, _ := c.Peek(t.Context(), 7); ok {
					t.Error("Peek took it for a value")
				}
			}
			m, err := c.FetchMany(t.Context(), []int64{7}, func(context.Context, []int64) (map[int64]user, error) {
				return map[int64]user{7: {7, "many"}}, nil
			})
			if err != nil || m[7].Name != "many" {
				t.Errorf("FetchMany = %v, %v; want many", m, err)
			}
			if err := client.Set(t.Context(), n.value, before, time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			if u, err := c.Fetch(t.Context(), 7, o.load); u.Name != "ann" || err != nil {
				t.Errorf("got %v, %v; want ann from the origin", u, err)
			}
			after, err := client.Get(t.Context(), n.value).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if stayed := string(after) == string(before); stayed != test.stays {
				t.Errorf("the entry stayed: %v, want %v", stayed, test.stays)
			}
			s := c.Stats()
			if counted := s.Newer > 0; counted != test.stays || test.stays == (s.Undecodable > 0) && len(before) > 0 {
				t.Errorf("got %+v, want it counted", s)
			}
		})
	}
}

// Values over the bound are answered with and not stored.
func TestOversized(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, func(o *Options[int64, user]) { o.MaxBytes = 100 }), &origin{}
	o.set(7, string(make([]byte, 200)))
	for range 2 {
		if got := source(t, c, 7, o.load); got != Origin {
			t.Errorf("it came from %v, want the origin", got)
		}
	}
	if s := c.Stats(); s.Oversized != 2 || s.Stored != 0 {
		t.Errorf("got %+v, want 2 oversized", s)
	}
	if x, err := c.Explain(t.Context(), 7); err != nil || x.Lease != "" {
		t.Errorf("%v, %v; want no lease left", x, err)
	}
}

// A reader that is refused by the server for what it is still gets its value.
func TestWrongType(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t), &origin{}
	o.set(7, "ann")
	if err := redistest.Client(t).RPush(t.Context(), c.nameOf(7).value, "a list").Err(); err != nil {
		t.Fatal(err)
	}
	if u, err := c.Fetch(t.Context(), 7, o.load); u.Name != "ann" || err != nil {
		t.Errorf("got %v, %v; want ann", u, err)
	}
	if _, _, err := c.Peek(t.Context(), 7); err == nil {
		t.Error("Peek returned nil")
	}
	if s := c.Stats(); s.RedisErrors == 0 || s.Outage {
		t.Errorf("got %+v, want an error of Redis and no outage", s)
	}
}
