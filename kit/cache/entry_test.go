package cache

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	for _, h := range []header{
		{id: entryID([]byte("ABCDEFGH")), created: 1, fresh: 2, took: time.Microsecond},
		{id: entryID([]byte("--------")), negative: true, created: 1 << 41, fresh: 1<<48 - 1, took: 4294967295 * time.Microsecond},
	} {
		got, payload, ok := parseHeader(append(h.append(nil), "payload"...))
		if got != h || string(payload) != "payload" || !ok {
			t.Errorf("got %+v, %q, %v; want %+v", got, payload, ok, h)
		}
	}
	if got, _, _ := parseHeader(header{id: entryID([]byte("ABCDEFGH")), took: 3 * time.Hour}.append(nil)); got.took != 4294967295*time.Microsecond {
		t.Errorf("a load of 3h is noted as %v, want the longest that fits", got.took)
	}
}

// Anything may stand in Redis.
func FuzzParseHeader(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("set by hand"))
	f.Add(header{id: entryID([]byte("ABCDEFGH"))}.append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, payload, ok := parseHeader(data)
		if id := idOf(data); len(id) > idSize || !bytes.Contains(data, []byte(id)) {
			t.Errorf("the id of %q is %q", data, id)
		}
		if !ok {
			return
		}
		again := append(h.append(nil), payload...)
		again[1] = data[1] // flags that are not known yet
		if !bytes.Equal(again, data) {
			t.Errorf("%q became %q", data, again)
		}
	})
}

// What a loader may say about its entry.
func TestEntry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		load   func(*Entry) error
		stored bool
		fresh  time.Duration
	}{
		"nothing":              {func(*Entry) error { return nil }, true, DefaultTTL},
		"a TTL":                {func(e *Entry) error { e.TTL(time.Minute); return nil }, true, time.Minute},
		"not found":            {func(*Entry) error { return ErrNotFound }, true, DefaultNegativeTTL},
		"not found, and a TTL": {func(e *Entry) error { e.TTL(time.Minute); return ErrNotFound }, true, time.Minute},
		"NoStore":              {func(e *Entry) error { e.NoStore(); return nil }, false, 0},
		"no TTL":               {func(e *Entry) error { e.TTL(0); return nil }, false, 0},
		"NoStore, not found":   {func(e *Entry) error { e.NoStore(); return ErrNotFound }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newUsers(t, func(o *Options[int64, user]) { o.Jitter = -1 })
			r, err := c.FetchWith(t.Context(), 7, func(_ context.Context, e *Entry) (user, error) { return user{}, test.load(e) })
			if err != nil && !errors.Is(err, ErrNotFound) || r.Source != Origin || r.Stale {
				t.Errorf("got %+v, %v", r, err)
			}
			x, err := c.Explain(t.Context(), 7)
			if err != nil {
				t.Fatal(err)
			}
			if x.InRedis != test.stored || x.Fresh > test.fresh || test.stored && x.Fresh < test.fresh-2*time.Second || x.Lease != "" {
				t.Errorf("got %v; want it stored: %v, for %v", x, test.stored, test.fresh)
			}
		})
	}
}

// A negative NegativeTTL remembers nothing.
func TestNegativeTTL_none(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, func(o *Options[int64, user]) { o.NegativeTTL = -1 }), &origin{}
	for range 2 {
		if _, err := c.Fetch(t.Context(), 7, o.load); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	if n := o.loads.Load(); n != 2 {
		t.Errorf("got %d loads, want 2", n)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, withLocal, func(o *Options[int64, user]) { o.Jitter = -1 }), &origin{}
	o.set(7, "ann")
	says := func(id int64, want ...string) {
		t.Helper()
		x, err := c.Explain(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		for _, want := range want {
			if !strings.Contains(x.String(), want) {
				t.Errorf("got %s\nwant %q in it", x, want)
			}
		}
	}
	says(7, `"7": not in Redis`)
	source(t, c, 7, o.load)
	says(7, "in memory; in Redis with ", "loaded ", "fresh for ", "gone in ")
	source(t, c, 8, o.load)
	says(8, "noted as not found", "fresh for ")
	b := newBlocked()
	go func() { _, _ = c.Fetch(context.Background(), 9, b.load) }()
	<-b.running
	says(9, "this process is loading it; lease: load, for ")
	b.release <- user{}
	if err := c.client.Set(t.Context(), c.nameOf(10).value, "by hand", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	says(10, "in Redis, unreadable: no entry of format 1")
	_ = c.Write(t.Context(), 11, user{}, func(context.Context) error {
		says(11, "not in Redis; lease: write, for ")
		if err := c.Invalidate(t.Context(), 11); err != nil {
			t.Error(err)
		}
		says(11, "lease: writes, for ")
		return nil
	})
}
