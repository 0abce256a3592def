package track

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Whatever changes a key is pushed, and nothing of other keys.
func TestTracker_changes(t *testing.T) {
	t.Parallel()
	writer := redistest.Client(t)
	prefix := redistest.Prefix(t)
	_, told, _ := run(t, redistest.Client(t), Options{Prefix: prefix + ":"})
	for _, tt := range []struct {
		name         string
		before, then func(key string) error
	}{
		{"SET", nil, func(k string) error { return writer.Set(t.Context(), k, "v", 0).Err() }},
		{"SET again", set(writer), func(k string) error { return writer.Set(t.Context(), k, "w", 0).Err() }},
		{"DEL", set(writer), func(k string) error { return writer.Del(t.Context(), k).Err() }},
		{"UNLINK", set(writer), func(k string) error { return writer.Unlink(t.Context(), k).Err() }},
		{"EXPIRE", set(writer), func(k string) error { return writer.Expire(t.Context(), k, time.Hour).Err() }},
		{"HSET", nil, func(k string) error { return writer.HSet(t.Context(), k, "f", "v").Err() }},
		{"RENAME", func(k string) error { return set(writer)(k + "-old") }, func(k string) error { return writer.Rename(t.Context(), k+"-old", k).Err() }},
		{"script", nil, func(k string) error {
			return writer.Eval(t.Context(), "return redis.call('SET', KEYS[1], 1)", []string{k}).Err()
		}},
		{"MULTI", nil, func(k string) error {
			_, err := writer.TxPipelined(t.Context(), func(p redis.Pipeliner) error { return p.Set(t.Context(), k, 1, 0).Err() })
			return err
		}},
		{"expired", func(k string) error { return writer.Set(t.Context(), k, "v", 50*time.Millisecond).Err() }, func(string) error { return nil }},
		{"other database", nil, func(k string) error {
			return redistest.Client(t, func(o *redis.Options) { o.DB = 3 }).Set(t.Context(), k, 1, time.Second).Err()
		}},
	} {
		key := prefix + ":" + tt.name
		if tt.before != nil {
			must(t, tt.before(key))
			redistest.Eventually(t, "what was before is told", func() bool { keys, _ := told.count(); return keys > 0 })
			told.forget()
		}
		must(t, writer.Set(t.Context(), prefix+"other", "v", 0).Err(), tt.then(key))
		redistest.Eventually(t, tt.name+" is told", func() bool { return told.told(key) })
		if told.told(prefix + "other") {
			t.Error("a key without the prefix was told")
		}
		told.forget()
	}
}

func set(c *redis.Client) func(string) error {
	return func(key string) error { return c.Set(context.Background(), key, "v", 0).Err() }
}

// Eviction is a change too.
func TestTracker_eviction(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{MaxMemory: 4 << 20, MaxMemoryPolicy: "allkeys-lru"})
	c := redistest.ClientOf(t, s)
	_, told, _ := run(t, c, Options{Prefix: "cached:"})
	must(t, c.Set(t.Context(), "cached:1", "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told("cached:1") })
	told.forget()
	big := strings.Repeat("x", 100_000)
	for i := 0; !told.told("cached:1"); i++ {
		if i == 1000 {
			t.Fatal("100 MB of writes to a server of 4 MB, and the eviction was not told")
		}
		must(t, c.Set(t.Context(), fmt.Sprint("filler:", i), big, 0).Err())
	}
}

// Empty prefix: every key.
func TestTracker_noPrefix(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	_, told, _ := run(t, c, Options{})
	key := redistest.Prefix(t)
	must(t, c.Set(t.Context(), key, "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told(key) })
}

// FLUSHALL and FLUSHDB are a reset, on the same connection.
func TestTracker_flush(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	tracker, told, _ := run(t, c, Options{Prefix: "x"})
	id := trackers(t, c)
	for _, command := range []string{"flushall", "flushdb"} {
		told.forget()
		must(t, c.Do(t.Context(), command).Err())
		redistest.Eventually(t, command+" is a reset", func() bool { _, n := told.count(); return n > 0 })
		if !tracker.Live() {
			t.Errorf("after %s it is not live", command)
		}
	}
	if got := trackers(t, c); fmt.Sprint(got) != fmt.Sprint(id) {
		t.Errorf("a flush changed the connection from %v to %v", id, got)
	}
}

// A burst: none is lost while Live.
func TestTracker_burst(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	prefix := redistest.Prefix(t)
	tracker, told, _ := run(t, c, Options{Prefix: prefix, Check: 5 * time.Second})
	told.forget()
	const n = 10_000
	_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(t.Context(), fmt.Sprint(prefix, i), "v", time.Minute)
		}
		return nil
	})
	must(t, err)
	redistest.Eventually(t, "all are told", func() bool { keys, _ := told.count(); return keys == n })
	if _, resets := told.count(); resets > 0 || !tracker.Live() {
		t.Errorf("%d resets, live %v; want 0, true", resets, tracker.Live())
	}
}

// What New refuses.
func TestNew_refused(t *testing.T) {
	t.Parallel()
	keys, reset := func([]string) {}, func() {}
	c := redistest.Client(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": redistest.Addr(t)}})
	t.Cleanup(func() { ring.Close() })
	replicas := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Addr(t)}, RouteRandomly: true})
	t.Cleanup(func() { replicas.Close() })
	for _, tt := range []struct {
		name        string
		client      redis.UniversalClient
		o           Options
		want        string
		unsupported bool
	}{
		{"no OnKeys", c, Options{OnReset: reset}, "Options.OnKeys must be set", false},
		{"no OnReset", c, Options{OnKeys: keys}, "Options.OnReset must be set", false},
		{"short check", c, Options{OnKeys: keys, OnReset: reset, Check: -1}, "Options.Check must be at least 10ms, got -1ns", false},
		{"ring", ring, Options{OnKeys: keys, OnReset: reset}, "a *redis.Ring has no masters", true},
		{"replicas", replicas, Options{OnKeys: keys, OnReset: reset}, "reads from replicas", true},
	} {
		_, err := New(tt.client, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrUnsupported) != tt.unsupported {
			t.Errorf("%s: New = %v; want %q, unsupported %v", tt.name, err, tt.want, tt.unsupported)
		}
	}
}

// Servers and users without tracking are told apart from those that are down.
func TestRun_unsupported(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{ACL: []string{
		"user all on >pw ~* &* +@all",
		"user notrack on >pw ~* &* +@all -client|tracking",
		"user nochannel on >pw ~* resetchannels +@all",
		"user noinfo on >pw ~* &* +@all -info",
	}})
	for name, tt := range map[string]struct {
		o    redis.Options
		want string
	}{
		"embedded":   {redis.Options{Addr: miniredis.RunT(t).Addr()}, "INFO"},
		"no INFO":    {redis.Options{Addr: s.Addr(), Username: "noinfo", Password: "pw"}, "INFO: NOPERM"},
		"no command": {redis.Options{Addr: s.Addr(), Username: "notrack", Password: "pw"}, "CLIENT TRACKING: NOPERM"},
		"no channel": {redis.Options{Addr: s.Addr(), Username: "nochannel", Password: "pw"}, "SUBSCRIBE: NOPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redis.NewClient(&tt.o)
			defer c.Close()
			tracker, err := New(c, Options{OnKeys: func([]string) {}, OnReset: func() {}})
			must(t, err)
			err = tracker.Run(t.Context())
			if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run = %v, want ErrUnsupported that names %s", err, tt.want)
			}
			if tracker.Live() {
				t.Error("live")
			}
		})
	}
}

// The user with the permissions of the package's documentation, over TLS.
func TestTracker_leastPermissions(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{TLS: true, ClientCerts: true, ACL: []string{
		"user tracker on >pw resetkeys resetchannels &__redis__:invalidate -@all +hello +ping +info +subscribe +client|id +client|tracking +client|setname",
	}})
	c := redistest.ClientOf(t, s, func(o *redis.Options) { o.Username, o.Password, o.ClientName = "tracker", "pw", "me" })
	_, told, _ := run(t, c, Options{Prefix: "k"})
	must(t, redistest.ClientOf(t, s).Set(t.Context(), "k1", "v", 0).Err())
	redistest.Eventually(t, "SET is told", func() bool { return told.told("k1") })
}

// Run ends by its context, by the client's Close, and is not run twice at once.
func TestRun_ends(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	tracker, told, stop := run(t, c, Options{})
	if err := tracker.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "running already") {
		t.Errorf("a second Run = %v, want an error", err)
	}
	told.forget()
	stop()
	if _, resets := told.count(); resets == 0 || tracker.Live() {
		t.Errorf("after Run: %d resets, live %v; want some, false", resets, tracker.Live())
	}
	redistest.Eventually(t, "its connection is closed", func() bool { return len(trackers(t, c)) == 0 })

	done := make(chan error, 1)
	go func() { done <- tracker.Run(t.Context()) }()
	live(t, tracker)
	must(t, c.Close())
	if err := <-done; !errors.Is(err, redis.ErrClosed) {
		t.Errorf("Run of a closed client = %v, want redis.ErrClosed", err)
	}
}

// Who has seen Live false sees it true again only after a reset: a proof that
// comes too late is not taken.
func TestExpired(t *testing.T) {
	t.Parallel()
	var proof atomic.Int64
	proof.Store(10)
	if expired(&proof, 10) || proof.Load() != 10 {
		t.Error("a proof of 10 expired at 10")
	}
	if !expired(&proof, 11) || !expired(&proof, 5) {
		t.Error("a proof of 10 did not expire at 11 for good")
	}
	if proof.CompareAndSwap(10, 12) {
		t.Error("a proof was taken after the one before had expired")
	}
}
