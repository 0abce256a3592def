package cache

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	type options = Options[int64, user]
	for want, o := range map[string]options{
		`Options.Name: keys: bad prefix: "a{b" must not contain '{'`:  {Name: "a{b"},
		"Options.TTL must not be negative, got -1s":                   {TTL: -time.Second},
		"Options.StaleWhileRevalidate must not be negative, got -1s":  {StaleWhileRevalidate: -time.Second},
		"Options.StaleIfError must not be negative, got -1s":          {StaleIfError: -time.Second},
		"Options.LoadTimeout must not be negative, got -1s":           {LoadTimeout: -time.Second},
		"Options.RedisTimeout must not be negative, got -1s":          {RedisTimeout: -time.Second},
		"Options.ReplicaLag must not be negative, got -1s":            {ReplicaLag: -time.Second},
		"Options.LeaseTTL must be at least 100ms, got 99ms":           {LeaseTTL: 99 * time.Millisecond},
		"Options.Jitter must be below 1, got 1":                       {Jitter: 1},
		"Options.Local.Entries must not be negative, got -1":          {Local: Local{Entries: -1}},
		"Options.Local.Bytes must not be negative, got -1":            {Local: Local{Bytes: -1}},
		"Options.Local must be bounded by Entries or by Bytes, not b": {Local: Local{Entries: 1, Bytes: 1}},
		"Options.Local.TTL needs Local.Entries or Local.Bytes, got 1": {Local: Local{TTL: time.Second}},
		"Options.Local.TTL must not be negative, got -1s":             {Local: Local{TTL: -time.Second, Entries: 1}},
	} {
		if _, err := New(redistest.Client(t), o); err == nil || !strings.Contains(err.Error(), "cache: "+want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := New[int64, user](nil, options{}); err == nil {
		t.Error("New accepts no client")
	}
	if _, err := New(redistest.Client(t), Options[struct{ A, B int }, user]{}); err == nil || !strings.Contains(err.Error(), "Options.KeyFunc is needed for keys of type struct") {
		t.Errorf("got %v, want Options.KeyFunc asked for", err)
	}
}

type (
	slug   string
	number uint8
	point  struct{ X, Y int }
	level  int
)

func (p point) String() string { return fmt.Sprintf("%d,%d", p.X, p.Y) }
func (level) String() string   { return "every level prints like this" }

func TestTextOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ got, want string }{
		{text(t, "a"), "a"},
		{text(t, slug("b")), "b"},
		{text(t, int64(-5)), "-5"},
		{text(t, number(200)), "200"},
		{text(t, point{1, 2}), "1,2"},
		{text(t, level(3)), "3"}, // by its kind: its String would give all one name
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func text[K comparable](t *testing.T, key K) string {
	t.Helper()
	f, err := textOf[K]()
	if err != nil {
		t.Error(err)
		return ""
	}
	return f(key)
}

// Keys of any bytes are different keys, and work.
func TestKeys(t *testing.T) {
	t.Parallel()
	c, err := New(redistest.Client(t), Options[string, string]{Name: redistest.Prefix(t), RedisTimeout: ample, TagFunc: func(key, _ string) []string { return []string{key} }})
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"", " ", "{", "}", "{}", "}:v", "a}:l", "%", "%7B", "%empty", "tag:x", "\x00\xff\xfe", "*", "[a-z]?", strings.Repeat("long", 5000), "日本", "a\r\nDEL b"}
	for _, key := range keys {
		if _, err := c.Fetch(t.Context(), key, func(context.Context, string) (string, error) { return "of " + key, nil }); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, key := range keys {
		if v, ok, err := c.Peek(t.Context(), key); v != "of "+key || !ok || err != nil {
			t.Errorf("%q holds %q, %v, %v", key, v, ok, err)
		}
	}
	for i, key := range keys {
		if err := c.InvalidateTag(t.Context(), key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		for j, other := range keys {
			if _, ok, _ := c.Peek(t.Context(), other); ok != (j > i) {
				t.Errorf("after the invalidation of tag %q: %q is there: %v", key, other, ok)
			}
		}
	}
}
