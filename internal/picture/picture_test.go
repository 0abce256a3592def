package picture

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// onBoth runs a test on a real server in both protocols and on the embedded one.
func onBoth(t *testing.T, f func(t *testing.T, c *redis.Client)) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("redis with RESP", protocol), func(t *testing.T) {
			f(t, redistest.Client(t, func(o *redis.Options) { o.Protocol = protocol }))
		})
	}
	t.Run("embedded", func(t *testing.T) {
		c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = c.Close() })
		f(t, c)
	})
}

func TestMany(t *testing.T) {
	onBoth(t, func(t *testing.T, c *redis.Client) {
		prefix := redistest.Prefix(t)
		ctx := t.Context()
		key := func(name string) string { return prefix + name }
		must(t, c.Set(ctx, key("string"), "ünï\x00\xff", 0).Err())
		must(t, c.Set(ctx, key("empty"), "", 0).Err())
		must(t, c.HSet(ctx, key("hash"), "b", "2", "a", "1").Err())
		must(t, c.RPush(ctx, key("list"), "x", "y").Err())
		must(t, c.SAdd(ctx, key("set"), "m", "k", "l").Err())
		must(t, c.ZAdd(ctx, key("zset"), redis.Z{Member: "bob", Score: 20}, redis.Z{Member: "alice", Score: 1.5}, redis.Z{Member: "carol", Score: 1e6}).Err())
		for i := range 3 {
			must(t, c.XAdd(ctx, &redis.XAddArgs{Stream: key("stream"), ID: fmt.Sprintf("%d-0", i+1), Values: []string{"z", "1", "a", "2"}}).Err())
		}
		must(t, c.XGroupCreate(ctx, key("stream"), "mail", "0").Err())
		must(t, c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "mail", Consumer: "w", Streams: []string{key("stream"), ">"}, Count: 2}).Err())

		names := []string{"string", "empty", "hash", "list", "set", "zset", "stream", "gone"}
		var keys []string
		for _, name := range names {
			keys = append(keys, key(name))
		}
		got, err := Many(ctx, c, keys, func(k string) string { return strings.TrimPrefix(k, prefix) })
		must(t, err)
		entry := func(id string) Item { return Item{Name: id, Value: "z=1 a=2"} }
		want := []Key{
			{Name: "string", Type: "string", TTL: -1, Length: 7, Items: []Item{{Value: `ünï\x00\xff`}}},
			{Name: "empty", Type: "string", TTL: -1, Items: []Item{{}}},
			{Name: "hash", Type: "hash", TTL: -1, Length: 2, Items: []Item{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}},
			{Name: "list", Type: "list", TTL: -1, Length: 2, Items: []Item{{Name: "0", Value: "x"}, {Name: "1", Value: "y"}}},
			{Name: "set", Type: "set", TTL: -1, Length: 3, Items: []Item{{Value: "k"}, {Value: "l"}, {Value: "m"}}},
			{Name: "zset", Type: "zset", TTL: -1, Length: 3, Items: []Item{
				{Name: "0", Value: "alice", Score: "1.5"}, {Name: "1", Value: "bob", Score: "20"}, {Name: "2", Value: "carol", Score: "1000000"}}},
			{Name: "stream", Type: "stream", TTL: -1, Length: 3, Items: []Item{entry("1-0"), entry("2-0"), entry("3-0")},
				Groups: []Group{{Name: "mail", Last: "2-0", Pending: 2}}},
			{Name: "gone", Type: "none", TTL: -1},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Key{}, "Encoding"), cmpopts.IgnoreFields(Group{}, "Lag")); diff != "" {
			t.Errorf("Many (-want +got):\n%s", diff)
		}
	})
}

func TestTake_large(t *testing.T) {
	onBoth(t, func(t *testing.T, c *redis.Client) {
		prefix := redistest.Prefix(t)
		ctx := t.Context()
		fill := map[string]func(p redis.Pipeliner, key string, i int){
			"hash": func(p redis.Pipeliner, key string, i int) {
				p.HSet(ctx, key, fmt.Sprintf("f%04d", i), strings.Repeat("v", 100))
			},
			"list": func(p redis.Pipeliner, key string, i int) { p.RPush(ctx, key, i) },
			"set":  func(p redis.Pipeliner, key string, i int) { p.SAdd(ctx, key, fmt.Sprintf("m%04d", i)) },
			"zset": func(p redis.Pipeliner, key string, i int) { p.ZAdd(ctx, key, redis.Z{Member: i, Score: float64(i)}) },
			"stream": func(p redis.Pipeliner, key string, i int) {
				p.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []any{"n", i}})
			},
		}
		for name, add := range fill {
			// 50 is the most that is shown in whole, in a hash's large encoding too.
			for _, n := range []int{MaxItems, 1000} {
				key := fmt.Sprint(prefix, name, n)
				_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					for i := range n {
						add(p, key, i)
					}
					return nil
				})
				must(t, err)
				got, err := Take(ctx, c, key)
				must(t, err)
				if got.Type != name || got.Length != int64(n) || len(got.Items) != MaxItems || got.More != int64(n-MaxItems) {
					t.Errorf("Take(%s of %d) = type %s, length %d, %d items, %d more; want %d items, %d more",
						name, n, got.Type, got.Length, len(got.Items), got.More, MaxItems, n-MaxItems)
				}
			}
		}
		key := prefix + "string"
		must(t, c.Set(ctx, key, strings.Repeat("é", 5000), 0).Err())
		got, err := Take(ctx, c, key)
		must(t, err)
		if want := strings.Repeat("é", MaxBytes/2) + "…"; got.Items[0].Value != want || got.Length != 10000 || got.More != 0 {
			t.Errorf("Take(long string) = %+v, want its first %d bytes", got, MaxBytes)
		}
	})
}

func TestTake_timeToLive(t *testing.T) {
	onBoth(t, func(t *testing.T, c *redis.Client) {
		prefix := redistest.Prefix(t)
		must(t, c.Set(t.Context(), prefix, "v", time.Minute).Err())
		got, err := Take(t.Context(), c, prefix)
		must(t, err)
		if got.TTL <= 50_000 || got.TTL > 60_000 {
			t.Errorf("TTL = %d ms, want at most a minute and nearly that", got.TTL)
		}
	})
}

// The embedded server has no encodings, and counts what is pending as lag.
func TestTake_lag(t *testing.T) {
	key := redistest.Prefix(t)
	c := redistest.Client(t)
	for i := range 3 {
		must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: key, ID: fmt.Sprintf("%d-0", i+1), Values: []string{"n", "1"}}).Err())
	}
	must(t, c.XGroupCreate(t.Context(), key, "mail", "1-0").Err())
	got, err := Take(t.Context(), c, key)
	must(t, err)
	// After a deletion in the middle the server cannot tell how far the group is.
	must(t, c.XDel(t.Context(), key, "2-0").Err())
	after, err := Take(t.Context(), c, key)
	must(t, err)
	want := []Group{{Name: "mail", Last: "1-0", Lag: 2}, {Name: "mail", Last: "1-0", Lag: -1}}
	if diff := cmp.Diff(want, append(got.Groups, after.Groups...)); diff != "" {
		t.Errorf("groups before and after the deletion (-want +got):\n%s", diff)
	}
}

func TestTake_encoding(t *testing.T) {
	key := redistest.Prefix(t)
	c := redistest.Client(t)
	must(t, c.Set(t.Context(), key, "42", 0).Err())
	got, err := Take(t.Context(), c, key)
	must(t, err)
	if got.Encoding != "int" {
		t.Errorf("Encoding = %q, want int", got.Encoding)
	}
}

func TestMany_roundTrips(t *testing.T) {
	key := redistest.Prefix(t)
	c := redis.NewClient(&redis.Options{Addr: redistest.Addr(t)})
	t.Cleanup(func() { _ = c.Close() })
	trips := redistest.Count(c)
	ctx := t.Context()
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprint(key, i))
		must(t, c.RPush(ctx, keys[i], "x").Err())
	}
	for _, test := range []struct {
		keys []string
		want int
	}{{keys, 3}, {[]string{"gone"}, 1}, {nil, 0}} {
		trips.Reset()
		_, err := Many(ctx, c, test.keys, nil)
		must(t, err)
		if got := trips.RoundTrips(); got != test.want {
			t.Errorf("Many of %d keys took %d round trips, want %d", len(test.keys), got, test.want)
		}
	}
}

// A key that becomes another type between two passes has a picture without
// items, and no error.
func TestTake_changedType(t *testing.T) {
	key := redistest.Prefix(t)
	c := redistest.Client(t)
	ctx := t.Context()
	other := redistest.Client(t)
	for pass := range 3 {
		must(t, c.Del(ctx, key).Err())
		must(t, c.RPush(ctx, key, "x").Err())
		watched := redistest.Client(t)
		watched.AddHook(&beforePipeline{at: pass, do: func() {
			must(t, other.Del(ctx, key).Err())
			must(t, other.Set(ctx, key, "now a string", 0).Err())
		}})
		must(t, watched.Ping(ctx).Err())
		got, err := Take(ctx, watched, key)
		must(t, err)
		want := [][]Item{{{Value: "now a string"}}, nil, nil}[pass]
		if diff := cmp.Diff(want, got.Items); diff != "" {
			t.Errorf("changed before pass %d (-want +got):\n%s", pass, diff)
		}
	}
}

// beforePipeline does something before the pipeline of this number.
type beforePipeline struct {
	at, seen int
	do       func()
}

func (h *beforePipeline) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *beforePipeline) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *beforePipeline) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "hello" || cmds[0].Name() == "client" {
			return next(ctx, cmds)
		}
		if h.seen == h.at {
			h.do()
		}
		h.seen++
		return next(ctx, cmds)
	}
}

func TestTake_noServer(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = c.Close() })
	if _, err := Take(t.Context(), c, "k"); err == nil {
		t.Error("Take without a server succeeded, want an error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Take(ctx, redistest.Client(t), "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("Take with a cancelled context = %v, want %v", err, context.Canceled)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("é", 300))
	f.Add("\xff\x00\n\u202e" + strings.Repeat("a\x80", 250))
	f.Fuzz(func(t *testing.T, value string) {
		got := printable(value)
		if len(got) > 10*MaxBytes || strings.ContainsAny(got, "\n\r\x00\x1b\u202e") {
			t.Errorf("printable(%q) = %q", value, got)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
