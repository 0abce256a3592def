package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// once keeps a client from repeating anything, so that what is seen is what was
// provoked.
func once(o *redis.Options) {
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
}

// own returns a client of a server that nobody else uses.
func own(t *testing.T, o redisproc.Options) *redis.Client {
	t.Helper()
	return redistest.ClientOf(t, redistest.Start(t, o), once)
}

// configured returns a client of a server with directives set while it runs.
func configured(directives ...string) func(*testing.T) *redis.Client {
	return func(t *testing.T) *redis.Client {
		c := own(t, redisproc.Options{})
		for i := 0; i < len(directives); i += 2 {
			must(t, c.ConfigSet(t.Context(), directives[i], directives[i+1]).Err())
		}
		return c
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// replica is one whose master never answers.
func replica(t *testing.T, staleReads string) *redis.Client {
	c := configured("replica-serve-stale-data", staleReads)(t)
	must(t, c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	return c
}

// misconfigured could not save its snapshot, and so accepts no writes.
func misconfigured(t *testing.T) *redis.Client {
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, once)
	must(t, c.ConfigSet(t.Context(), "save", "3600 1000000").Err())
	// What the snapshot would replace is a directory that is not empty.
	must(t, os.MkdirAll(filepath.Join(s.Dir(), "dump.rdb", "x"), 0o700))
	must(t, c.BgSave(t.Context()).Err())
	redistest.Eventually(t, "the snapshot failed", func() bool {
		return c.InfoMap(t.Context(), "persistence").Item("Persistence", "rdb_last_bgsave_status") == "err"
	})
	return c
}

// busy runs a script that does not end.
func busy(t *testing.T) *redis.Client {
	s := redistest.Start(t, redisproc.Options{Config: map[string]string{"busy-reply-threshold": "1"}})
	c, endless := redistest.ClientOf(t, s, once), redistest.ClientOf(t, s, once)
	done := make(chan struct{})
	go func() {
		defer close(done)
		endless.Eval(context.Background(), "while true do end", nil) // ends with the server at the latest
	}()
	t.Cleanup(func() {
		c.ScriptKill(context.Background())
		<-done
	})
	redistest.Eventually(t, "a script runs", func() bool { return c.Ping(t.Context()).Err() != nil })
	return c
}

// loading takes seconds to read its data.
func loading(t *testing.T) *redis.Client {
	s := redistest.Start(t, redisproc.Options{})
	c, reloading := redistest.ClientOf(t, s, once), redistest.ClientOf(t, s, once)
	must(t, c.Do(t.Context(), "debug", "populate", 2000).Err())
	must(t, c.ConfigSet(t.Context(), "loading-process-events-interval-bytes", "1024").Err())
	must(t, c.ConfigSet(t.Context(), "key-load-delay", "2500").Err()) // µs: 5 s in all
	done := make(chan struct{})
	go func() {
		defer close(done)
		reloading.Do(context.Background(), "debug", "reload") // ends with the server
	}()
	t.Cleanup(func() {
		must(t, s.Kill(context.Background()))
		<-done
	})
	redistest.Eventually(t, "it loads", func() bool { return c.Ping(t.Context()).Err() != nil })
	return c
}

// limited is a user who may only read.
func limited(t *testing.T) *redis.Client {
	s := redistest.Start(t, redisproc.Options{ACL: []string{"user default on nopass ~* +@read +@connection +@transaction"}})
	return redistest.ClientOf(t, s, once)
}

// node is one of a cluster, which has the slots from..to; none if to is negative.
func node(t *testing.T, from, to int) *redis.Client {
	c := own(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes", "cluster-require-full-coverage": "no"}})
	if to >= 0 {
		must(t, c.ClusterAddSlotsRange(t.Context(), from, to).Err())
		redistest.Eventually(t, "the node serves its slots", func() bool {
			return strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
		})
	}
	return c
}

// halves is the first of two nodes; "foo", in slot 12182, is the second's.
func halves(t *testing.T) (first, second *redis.Client) {
	first, second = node(t, 0, 8191), node(t, 8192, 16383)
	host, port, _ := strings.Cut(second.Options().Addr, ":")
	must(t, first.ClusterMeet(t.Context(), host, port).Err())
	redistest.Eventually(t, "each knows the other's slots", func() bool {
		a, b := first.ClusterInfo(t.Context()).Val(), second.ClusterInfo(t.Context()).Val()
		return strings.Contains(a, "cluster_slots_assigned:16384") && strings.Contains(b, "cluster_slots_assigned:16384")
	})
	return first, second
}

// moving is the node that slot 12182 moves away from, half empty already.
func moving(t *testing.T) *redis.Client {
	first, second := halves(t)
	id := first.ClusterMyID(t.Context()).Val()
	must(t, second.Set(t.Context(), "{foo}here", "v", 0).Err())
	must(t, second.Do(t.Context(), "cluster", "setslot", 12182, "migrating", id).Err())
	return second
}

// client is a client or a pipeline.
type client interface {
	redis.Cmdable
	Do(ctx context.Context, args ...any) *redis.Cmd
}

type command = func(context.Context, client) redis.Cmder

func set(ctx context.Context, c client) redis.Cmder { return c.Set(ctx, "foo", "v", 0) }

func script(body string) command {
	return func(ctx context.Context, c client) redis.Cmder { return c.Eval(ctx, body, []string{"foo"}) }
}

// Each answer of a real server has its class: alone, wrapped, in a pipeline and
// in a transaction.
func TestClassify_answers(t *testing.T) {
	t.Parallel()
	write := script("return redis.call('set', KEYS[1], 'v')")
	for _, tt := range []struct {
		want   Class
		text   string // that the answer begins with, as proof of what was provoked
		server func(*testing.T) *redis.Client
		do     command
	}{
		{Shed, "OOM", configured("maxmemory", "1"), set},
		{Shed, "OOM", configured("maxmemory", "1"), write},
		{Shed, "MISCONF", misconfigured, set},
		{Later, "NOREPLICAS", configured("min-replicas-to-write", "1"), set},
		{Later, "READONLY", func(t *testing.T) *redis.Client { return replica(t, "yes") }, set},
		{Later, "READONLY", func(t *testing.T) *redis.Client { return replica(t, "yes") }, write},
		{Later, "MASTERDOWN", func(t *testing.T) *redis.Client { return replica(t, "no") }, func(ctx context.Context, c client) redis.Cmder { return c.Get(ctx, "foo") }},
		{Later, "LOADING", loading, set},
		{Later, "BUSY", busy, set},
		{Later, "CLUSTERDOWN", func(t *testing.T) *redis.Client { return node(t, 0, -1) }, set},
		{Redirect, "MOVED", func(t *testing.T) *redis.Client { first, _ := halves(t); return first }, set},
		{Redirect, "ASK", moving, set},
		{Redirect, "TRYAGAIN", moving, func(ctx context.Context, c client) redis.Cmder { return c.MGet(ctx, "{foo}here", "{foo}gone") }},
		{Bug, "CROSSSLOT", func(t *testing.T) *redis.Client { return node(t, 0, 16383) }, func(ctx context.Context, c client) redis.Cmder { return c.MGet(ctx, "a", "b") }},
		{Bug, "NOPERM", limited, set},
		{Bug, "NOAUTH", func(t *testing.T) *redis.Client {
			s := redistest.Start(t, redisproc.Options{Password: "secret"})
			return redistest.ClientOf(t, s, once, func(o *redis.Options) { o.Password = "" })
		}, set},
		{Bug, "WRONGPASS", func(t *testing.T) *redis.Client {
			s := redistest.Start(t, redisproc.Options{Password: "secret"})
			return redistest.ClientOf(t, s, once, func(o *redis.Options) { o.Password = "other" })
		}, set},
		{Bug, "WRONGTYPE", shared, func(ctx context.Context, c client) redis.Cmder {
			return c.Eval(ctx, "redis.call('set', KEYS[1], 'v') return redis.call('lpush', KEYS[1], 'v')", []string{"fault:wrong"})
		}},
		{Bug, "ERR unknown command", shared, func(ctx context.Context, c client) redis.Cmder { return c.Do(ctx, "nosuch") }},
		{Bug, "ERR wrong number", shared, func(ctx context.Context, c client) redis.Cmder { return c.Do(ctx, "get") }},
		{Bug, "ERR value is not an integer", shared, func(ctx context.Context, c client) redis.Cmder { return c.Do(ctx, "expire", "k", "x") }},
		{Bug, "NOSCRIPT", shared, func(ctx context.Context, c client) redis.Cmder {
			return c.EvalSha(ctx, strings.Repeat("0", 40), nil)
		}},
		{Bug, "BUSYGROUP", shared, func(ctx context.Context, c client) redis.Cmder {
			c.XGroupCreateMkStream(ctx, "fault:stream", "g", "$")
			return c.XGroupCreateMkStream(ctx, "fault:stream", "g", "$")
		}},
		{Bug, "MINE", shared, script("return redis.error_reply('MINE is the error of a script')")},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			c := tt.server(t)
			check := func(how string, err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%s: got %v, want %s", how, err, tt.text)
				}
				for _, err := range []error{err, fmt.Errorf("a: %w", fmt.Errorf("b: %w", err)), errors.Join(errors.New("a"), err)} {
					if got := Classify(err); got != tt.want {
						t.Errorf("%s: Classify(%v) = %v, want %v", how, err, got, tt.want)
					}
				}
			}
			check("alone", tt.do(t.Context(), c).Err())
			for how, exec := range map[string]func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error){
				"pipeline": c.Pipelined, "transaction": c.TxPipelined,
			} {
				cmds, err := exec(t.Context(), func(p redis.Pipeliner) error {
					p.Echo(t.Context(), "hello")
					tt.do(t.Context(), p)
					p.Echo(t.Context(), "hello")
					return nil
				})
				check(how, Cause(cmds, err))
			}
		})
	}
}

func shared(t *testing.T) *redis.Client { return redistest.Client(t, once) }

// A blocked command is released when its server becomes a replica.
func TestClassify_unblocked(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c, admin := redistest.ClientOf(t, s, once), redistest.ClientOf(t, s)
	blocked := make(chan error, 1)
	go func() { blocked <- c.BLPop(t.Context(), 30*time.Second, "list").Err() }()
	redistest.Eventually(t, "a client is blocked", func() bool {
		return admin.InfoMap(t.Context(), "clients").Item("Clients", "blocked_clients") == "1"
	})
	must(t, admin.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	if err := <-blocked; Classify(err) != Later || !strings.HasPrefix(err.Error(), "UNBLOCKED") {
		t.Errorf("got %v of class %v, want UNBLOCKED, later", err, Classify(err))
	}
}

// A server that is full says so and closes. The client hears it, or meets the
// end of the connection first, and never takes it for anything else.
func TestClassify_maxclients(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	admin := redistest.ClientOf(t, s, once)
	must(t, admin.ConfigSet(t.Context(), "maxclients", "1").Err())
	if err := redistest.ClientOf(t, s, once).Ping(t.Context()).Err(); !Classify(err).Down() {
		t.Errorf("a client too many: %v is %v", err, Classify(err))
	}
	conn, err := net.Dial("tcp", s.Addr())
	must(t, err)
	defer conn.Close()
	said, err := io.ReadAll(conn)
	must(t, err)
	heard := answer(strings.Trim(string(said), "-\r\n"))
	if got := Classify(heard); got != Shed {
		t.Errorf("a client that hears %q: %v, want shed", heard, got)
	}
}

// answer is an error of the server.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

// Answers that are none of an error.
func TestClassify_none(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, once)
	key := redistest.Prefix(t)
	lost := c.Watch(t.Context(), func(tx *redis.Tx) error {
		must(t, c.Set(t.Context(), key, "somebody else's", 0).Err())
		_, err := tx.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Set(t.Context(), key, "mine", 0)
			return nil
		})
		return err
	}, key)
	if !errors.Is(lost, redis.TxFailedErr) {
		t.Errorf("a lost race is %v, want redis.TxFailedErr", lost)
	}
	for _, err := range []error{nil, c.Get(t.Context(), key+"missing").Err(), lost, fmt.Errorf("a: %w", lost)} {
		if got := Classify(err); got != None {
			t.Errorf("Classify(%v) = %v, want none", err, got)
		}
	}
	own := errors.New("LOADING is what a decoding error says")
	if got := Classify(own); got != Other || Code(own) != "" {
		t.Errorf("an error of the caller's own is %v, with the code %q; want other, and none", got, Code(own))
	}
}
