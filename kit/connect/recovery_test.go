package connect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

const (
	// recoveryBound is the promise: from the death of a primary until each call
	// works again, with a node timeout of two seconds, or Sentinels that wait one.
	recoveryBound = 5 * time.Second
	// lagBound is our share of it, from the end of the failover on: what goes
	// before is between the servers, which on a busy machine, or after a vote
	// that nobody won, take longer than the promise leaves them.
	lagBound = 1500 * time.Millisecond
)

// callTimeout is the deadline of a call in these tests, as a server would set
// it for a request of its own.
const callTimeout = 250 * time.Millisecond

// recovery says when calls fail while a primary dies.
type recovery struct {
	mu         sync.Mutex
	lastFailed time.Time
	failed     int
	wg         sync.WaitGroup
	stop       context.CancelFunc
}

// watch calls again and again, for each key by itself, until the end.
func watch(t *testing.T, c redis.UniversalClient, keys ...string) *recovery {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recovery{stop: cancel}
	for _, key := range keys {
		r.wg.Go(func() {
			for ctx.Err() == nil {
				call, done := context.WithTimeout(t.Context(), callTimeout)
				err := c.Incr(call, key).Err()
				done()
				if err != nil {
					r.mu.Lock()
					r.lastFailed, r.failed = time.Now(), r.failed+1
					r.mu.Unlock()
				}
				time.Sleep(5 * time.Millisecond) // a caller, and not a benchmark
			}
		})
	}
	return r
}

// since returns how long after begin the last call failed, and how many did.
// It waits until none has for a second.
func (r *recovery) since(t *testing.T, begin time.Time) (time.Duration, int) {
	t.Helper()
	redistest.Eventually(t, "calls work again", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return !r.lastFailed.IsZero() && time.Since(r.lastFailed) > time.Second
	})
	r.stop()
	r.wg.Wait()
	return r.lastFailed.Sub(begin), r.failed
}

// wantRecovery kills a primary and holds the calls against the promise.
func wantRecovery(t *testing.T, r *recovery, victim *redisproc.Server, topology interface {
	WaitFailover(ctx context.Context, old *redisproc.Server) (*redisproc.Server, error)
}) {
	t.Helper()
	begin := time.Now()
	if err := victim.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := topology.WaitFailover(t.Context(), victim); err != nil {
		t.Fatal(err)
	}
	failover := time.Since(begin)
	got, failed := r.since(t, begin)
	t.Logf("the failover took %v; the last of %d failed calls ended after %v", failover, failed, got)
	if bound := max(recoveryBound, failover+lagBound); got > bound {
		t.Errorf("calls failed until %v after the primary died, want at most %v", got, bound)
	}
}

// A primary of a cluster dies: the calls to its slots fail until a replica has
// taken its place and not much longer.
func TestRecovery_cluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redisproc.ClusterOptions{})
	c := open(t, Options{URL: cluster.URL()})
	var keys []string
	for i := range 12 {
		keys = append(keys, fmt.Sprint("k", i))
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r := watch(t, c, keys...)
	slot, err := c.ClusterKeySlot(t.Context(), keys[0]).Result()
	if err != nil {
		t.Fatal(err)
	}
	victim, err := cluster.Primary(t.Context(), int(slot))
	if err != nil {
		t.Fatal(err)
	}
	wantRecovery(t, r, victim, cluster)
}

// What follows the failover is the look after a call without an answer: a client
// that has no other reason to look comes back too.
func TestReloadHook(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redisproc.ClusterOptions{NodeTimeout: 500 * time.Millisecond})
	c := redistest.ClusterClientOf(t, cluster, func(o *redis.ClusterOptions) {
		o.ClusterStateReloadInterval, o.ContextTimeoutEnabled = time.Hour, true
	})
	c.AddHook(reloadHook{c})
	const key = "k"
	set := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
		defer cancel()
		return c.Set(ctx, key, "v", 0).Err()
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	slot, err := c.ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	victim, err := cluster.Primary(t.Context(), int(slot))
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.WaitFailover(t.Context(), victim); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the client writes to the new primary", func() bool { return set() == nil })
}

// The primary that Sentinels watch dies.
func TestRecovery_sentinel(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redisproc.SentinelOptions{Server: redisproc.Options{Password: "secret"}})
	c := open(t, Options{URL: s.URL(), SentinelPassword: "secret"})
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r := watch(t, c, "k")
	wantRecovery(t, r, s.Servers()[0], s)
}

// Each form of topology, with all that guards it, is reached by its URL.
func TestOpen_topologies(t *testing.T) {
	t.Parallel()
	guarded := redisproc.Options{Password: "p@ss", TLS: true, ClientCerts: true}
	s := redistest.StartSentinel(t, redisproc.SentinelOptions{Server: guarded, Master: "shop"})
	k := redistest.StartCluster(t, redisproc.ClusterOptions{Server: guarded})
	for name, test := range map[string]struct {
		o    Options
		want Status
	}{
		"sentinel": {Options{URL: s.URL(), SentinelPassword: "p@ss", TLS: s.Options().TLSConfig}, Status{Mode: "standalone", Role: "master", Masters: 1}},
		"cluster":  {Options{URL: k.URL(), TLS: k.Options().TLSConfig}, Status{Mode: "cluster", Role: "master", Masters: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.Version = s.Servers()[0].Version()
			if got, err := Check(t.Context(), open(t, test.o)); err != nil || got != test.want {
				t.Errorf("Check = %+v, %v; want %+v", got, err, test.want)
			}
			test.o.Password = "wrong"
			if _, err := Check(t.Context(), open(t, test.o)); !errors.Is(err, ErrWrongPassword) {
				t.Errorf("with a wrong password Check = %v, want ErrWrongPassword", err)
			}
		})
	}
}
