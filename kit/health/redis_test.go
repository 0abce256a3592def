package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contexts is what a client must have so that the time limit of a check counts.
func contexts(o *redis.Options) { o.ContextTimeoutEnabled = true }

// badState is one of a server, and what the check says of it.
type badState struct {
	detail string
	server redisproc.Options
	client func(*redis.Options)
	set    func(*testing.T, *redisproc.Server, *redis.Client) // by a client that may do all
}

func badStates() []badState {
	config := func(directives ...string) func(*testing.T, *redisproc.Server, *redis.Client) {
		return func(t *testing.T, _ *redisproc.Server, admin *redis.Client) {
			for i := 0; i < len(directives); i += 2 {
				ok(t, admin.ConfigSet(t.Context(), directives[i], directives[i+1]).Err())
			}
		}
	}
	replica := func(t *testing.T, _ *redisproc.Server, admin *redis.Client) {
		ok(t, admin.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	}
	return []badState{
		{"read-only", redisproc.Options{}, nil, replica},
		{"master or cluster down", redisproc.Options{}, nil, func(t *testing.T, s *redisproc.Server, admin *redis.Client) {
			config("replica-serve-stale-data", "no", "replica-read-only", "no")(t, s, admin)
			replica(t, s, admin)
		}},
		{"out of memory", redisproc.Options{}, nil, config("maxmemory", "1")},
		{"too few replicas", redisproc.Options{}, nil, config("min-replicas-to-write", "1")},
		{"cannot save", redisproc.Options{}, nil, cannotSave},
		{"busy with a script", redisproc.Options{Config: map[string]string{"busy-reply-threshold": "1"}}, nil, busy},
		{"loading", redisproc.Options{}, nil, loading},
		{"not permitted", redisproc.Options{ACL: []string{"user app on >pw ~other:* +@all"}}, func(o *redis.Options) { o.Username, o.Password = "app", "pw" }, nil},
		{"login refused", redisproc.Options{Password: "secret"}, func(o *redis.Options) { o.Password = "other" }, nil},
		{"unreachable", redisproc.Options{}, nil, func(t *testing.T, s *redisproc.Server, _ *redis.Client) { ok(t, s.Kill(t.Context())) }},
		{"no answer", redisproc.Options{}, nil, func(t *testing.T, s *redisproc.Server, _ *redis.Client) { ok(t, s.Pause()) }},
	}
}

func cannotSave(t *testing.T, s *redisproc.Server, admin *redis.Client) {
	ok(t, admin.ConfigSet(t.Context(), "save", "3600 1000000").Err())
	// What the snapshot would replace is a directory that is not empty.
	ok(t, os.MkdirAll(filepath.Join(s.Dir(), "dump.rdb", "x"), 0o700))
	ok(t, admin.BgSave(t.Context()).Err())
	redistest.Eventually(t, "the snapshot failed", func() bool {
		return admin.InfoMap(t.Context(), "persistence").Item("Persistence", "rdb_last_bgsave_status") == "err"
	})
}

// background runs a command that ends when stop has made it.
func background(t *testing.T, admin *redis.Client, stop func(), args ...any) {
	done := make(chan struct{})
	endless := redis.NewClient(admin.Options())
	go func() {
		defer close(done)
		defer endless.Close()
		endless.Do(context.Background(), args...)
	}()
	t.Cleanup(func() { stop(); <-done })
	redistest.Eventually(t, "the server refuses", func() bool { return admin.Ping(t.Context()).Err() != nil })
}

func busy(t *testing.T, _ *redisproc.Server, admin *redis.Client) {
	background(t, admin, func() { admin.ScriptKill(context.Background()) }, "eval", "while true do end", 0)
}

func loading(t *testing.T, s *redisproc.Server, admin *redis.Client) {
	ok(t, admin.Do(t.Context(), "debug", "populate", 2000).Err())
	ok(t, admin.ConfigSet(t.Context(), "loading-process-events-interval-bytes", "1024").Err())
	ok(t, admin.ConfigSet(t.Context(), "key-load-delay", "2500").Err()) // µs: 5 s in all
	background(t, admin, func() { ok(t, s.Kill(context.Background())) }, "debug", "reload")
}

// Each state of a real server in which it takes no orders is told from the
// others; all but some of them answer PING.
func TestRedis_states(t *testing.T) {
	t.Parallel()
	for _, tt := range badStates() {
		t.Run(tt.detail, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, tt.server)
			admin := redistest.ClientOf(t, s, contexts, func(o *redis.Options) { o.MaxRetries = -1 })
			if tt.client == nil {
				tt.client = func(*redis.Options) {}
			}
			c := redistest.ClientOf(t, s, contexts, tt.client)
			check := Redis(c, RedisOptions{})
			_ = check.run(t.Context(), 5*time.Second) // connects, where that is not what fails
			if tt.set != nil {
				tt.set(t, s, admin)
			}
			start := time.Now()
			err := check.run(t.Context(), 2*time.Second)
			if got := detailOf(err); got != tt.detail {
				t.Errorf("%v: detail %q, want %q", err, got, tt.detail)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v with a limit of 2 s", took)
			}
		})
	}
}

// All connections are taken: told from a server that does not answer, whether
// the pool gives up first or the check does.
func TestRedis_poolExhausted(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{time.Millisecond, time.Minute} {
		c := redistest.Client(t, contexts, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, wait })
		check := Redis(c, RedisOptions{})
		ok(t, check.run(t.Context(), 5*time.Second))
		conn := c.Conn()
		ok(t, conn.Ping(t.Context()).Err())
		if err := check.run(t.Context(), 200*time.Millisecond); detailOf(err) != "no free connection" {
			t.Errorf("PoolTimeout %v: %v, detail %q", wait, err, detailOf(err))
		}
		ok(t, conn.Close())
		ok(t, check.run(t.Context(), 5*time.Second))
	}
}

// A check makes one attempt, also when its reply was lost, and leaves keys that
// go by themselves.
func TestRedis_footprint(t *testing.T) {
	t.Parallel()
	wire, err := tap.New(tap.Options{Upstream: redistest.Addr(t)})
	ok(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = wire.Run(ctx) }()
	c := redis.NewClient(&redis.Options{Addr: wire.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close(); cancel(); <-done })
	prefix := redistest.Prefix(t)
	check := Redis(c, RedisOptions{Prefix: prefix, Stream: true, PubSub: true})
	for range 3 {
		ok(t, check.run(t.Context(), 5*time.Second))
	}
	direct := redistest.Client(t)
	keys, err := direct.Keys(t.Context(), prefix+":*").Result()
	ok(t, err)
	if len(keys) != 1 || !strings.HasSuffix(keys[0], ":stream") || direct.XLen(t.Context(), keys[0]).Val() != 1 {
		t.Errorf("keys %v, want one stream with one entry", keys)
	}
	for n, struck := range []string{"SET", "GETDEL", "EXEC"} {
		clear, err := wire.Throw(tap.Fault{Kind: tap.LoseReply, Command: struck})
		ok(t, err)
		if err := check.run(t.Context(), 5*time.Second); detailOf(err) != "no answer" || int(wire.Stats().Faults) != n+1 {
			t.Errorf("each reply to %s lost: %v, %q, %d attempts so far; want %d", struck, err, detailOf(err), wire.Stats().Faults, n+1)
		}
		clear()
	}
	for _, key := range direct.Keys(t.Context(), prefix+":*").Val() {
		if ttl := direct.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("%s lives for %v, want at most a minute", key, ttl)
		}
	}
}

// thief deletes a key between the command that wrote it and the one that reads.
type thief struct {
	admin *redis.Client
	of    string
}

func (thief) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h thief) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == h.of {
			if err := h.admin.Del(ctx, cmd.Args()[1].(string)).Err(); err != nil {
				return err
			}
		}
		return next(ctx, cmd)
	}
}

func (thief) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// What was written and acknowledged is not there; messages are not for this user.
func TestRedis_undelivered(t *testing.T) {
	t.Parallel()
	robbed := redistest.Client(t, contexts)
	robbed.AddHook(thief{redistest.Client(t), "getdel"})
	s := redistest.Start(t, redisproc.Options{ACL: []string{"user app on >pw ~* resetchannels +@all"}})
	deaf := redistest.ClientOf(t, s, contexts, func(o *redis.Options) { o.Username, o.Password = "app", "pw" })
	for want, check := range map[string]Check{
		"wrong value":   Redis(robbed, RedisOptions{}),
		"not permitted": Redis(deaf, RedisOptions{Stream: true, PubSub: true}),
	} {
		err := check.run(t.Context(), 5*time.Second)
		if detailOf(err) != want || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("%v: detail %q, want %q", err, detailOf(err), want)
		}
	}
	cause := context.DeadlineExceeded
	if err := Fail("slow", cause); !errors.Is(err, cause) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

// A check works through a cluster's client, too.
func TestRedis_cluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
	ok(t, redistest.ClientOf(t, s).ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}, ContextTimeoutEnabled: true, ReadOnly: true})
	defer c.Close()
	check := Redis(c, RedisOptions{Stream: true, PubSub: true})
	redistest.Eventually(t, "the check passes", func() bool { return check.run(t.Context(), 5*time.Second) == nil })
	ok(t, s.Kill(t.Context()))
	if err := check.run(t.Context(), 5*time.Second); detailOf(err) != "unreachable" {
		t.Errorf("with the node dead: %v, %q", err, detailOf(err))
	}
}

// What a check costs on the wire, and a probe: nothing.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, contexts)
	trips := redistest.Count(c)
	h, err := New(Options{Checks: []Check{Redis(c, RedisOptions{})}})
	ok(t, err)
	checked := func(o RedisOptions) func() {
		check := Redis(c, o)
		return func() { ok(t, check.run(t.Context(), 5*time.Second)) }
	}
	for _, tt := range []struct {
		name string
		do   func()
		want int
	}{
		{"Redis", checked(RedisOptions{}), 2},
		{"Redis with Stream", checked(RedisOptions{Stream: true}), 3},
		{"Redis with PubSub", checked(RedisOptions{PubSub: true}), 4},
		{"Live", func() { get(t, h.Live()) }, 0},
		{"Ready", func() { get(t, h.Ready()) }, 0},
		{"Startup", func() { get(t, h.Startup()) }, 0},
		{"Report", func() { h.Report() }, 0},
	} {
		trips.Reset()
		if tt.do(); trips.RoundTrips() != tt.want {
			t.Errorf("%s: %d round trips, want %d", tt.name, trips.RoundTrips(), tt.want)
		}
	}
}

// The whole, on a real server that is killed and comes back: readiness follows,
// liveness does not, and a probe never waits.
func TestHealth_outage(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, contexts)
	h, err := New(Options{Checks: []Check{Redis(c, RedisOptions{Stream: true, PubSub: true})}, Interval: 100 * time.Millisecond})
	ok(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	defer func() { cancel(); ok(t, <-done) }()
	ready := func() bool { return h.Report().Ready }
	for _, outage := range []struct {
		name        string
		begin, over func() error
	}{
		{"paused", s.Pause, s.Resume},
		{"killed", func() error { return s.Kill(t.Context()) }, func() error { return s.Restart(t.Context()) }},
	} {
		redistest.Eventually(t, "it is ready", ready)
		ok(t, outage.begin())
		redistest.Eventually(t, outage.name+": it is not ready", func() bool { return !ready() })
		start := time.Now()
		wantProbes(t, h, outage.name, "101")
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: three probes took %v", outage.name, took)
		}
		ok(t, outage.over())
		start = time.Now()
		redistest.Eventually(t, outage.name+": it is ready again", ready)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: ready %v after Redis was back, want at most 5 s", outage.name, took)
		}
	}
}
