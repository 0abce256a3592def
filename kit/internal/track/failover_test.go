package track

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// follows checks what a tracker owes after a failover: a reset, liveness soon,
// and pushes of what is written to whoever is the master now.
func follows(t *testing.T, c redis.UniversalClient, tracker *Tracker, told *recorder, promoted time.Time) {
	t.Helper()
	redistest.Eventually(t, "the failover is a reset", func() bool { _, n := told.count(); return n > 0 })
	live(t, tracker)
	took := time.Since(promoted)
	t.Logf("live %v after the promotion", took.Round(time.Millisecond))
	if took > 5*time.Second+slack {
		t.Errorf("live %v after the promotion, want at most 5s", took)
	}
	const n = 100
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint("k:", i)
		redistest.Eventually(t, "a key is written", func() bool { return c.Set(t.Context(), keys[i], "v", 0).Err() == nil })
	}
	live(t, tracker)
	told.forget()
	for _, key := range keys {
		must(t, c.Set(t.Context(), key, "w", 0).Err())
	}
	redistest.Eventually(t, "every key of the new master is told", func() bool { got, _ := told.count(); return got == n })
}

// A topology that fails over, as Sentinel and Cluster do.
type failing interface {
	FailOver(ctx context.Context, old *redisproc.Server) (*redisproc.Server, error)
	WaitFailover(ctx context.Context, old *redisproc.Server) (*redisproc.Server, error)
	WaitStable(ctx context.Context) error
}

// sentinel has the methods of a cluster.
type sentinel struct{ *redisproc.Sentinel }

func (s sentinel) FailOver(ctx context.Context, _ *redisproc.Server) (*redisproc.Server, error) {
	return s.Sentinel.FailOver(ctx)
}

// Failovers of every kind, one after the other: ordered, after a kill, and with
// an old master that stood still and comes back.
func TestFailover(t *testing.T) {
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		s := redistest.StartSentinel(t, redisproc.SentinelOptions{Server: secured})
		failover(t, sentinel{s}, redistest.SentinelClientOf(t, s, func(o *redis.FailoverOptions) {
			o.Username, o.Password, o.ContextTimeoutEnabled, o.ReadTimeout, o.DialTimeout = "app", "pw", true, time.Second, 2*time.Second // as kit/connect sets
		}), func() *redisproc.Server {
			primary, err := s.Primary(t.Context())
			must(t, err)
			return primary
		})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		c := redistest.StartCluster(t, redisproc.ClusterOptions{Server: secured})
		failover(t, c, redistest.ClusterClientOf(t, c, func(o *redis.ClusterOptions) {
			o.Username, o.Password, o.ContextTimeoutEnabled, o.ReadTimeout, o.DialTimeout = "app", "pw", true, time.Second, 2*time.Second // as kit/connect sets
		}), func() *redisproc.Server { return c.Primaries(t.Context())[0] })
	})
}

// secured is how servers outside are: TLS, a password, a user of its own.
var secured = redisproc.Options{TLS: true, Password: "secret", ACL: []string{"user app on >pw ~k:* &__redis__:invalidate +@all"}}

func failover(t *testing.T, f failing, c redis.UniversalClient, primary func() *redisproc.Server) {
	tracker, told, _ := run(t, c, Options{Prefix: "k:"})
	for _, kind := range []string{"ordered", "killed", "paused"} {
		told.forget()
		old := primary()
		var err error
		switch kind {
		case "ordered":
			_, err = f.FailOver(t.Context(), old)
		case "killed":
			must(t, old.Kill(t.Context()))
			_, err = f.WaitFailover(t.Context(), old)
		case "paused":
			must(t, old.Pause())
			_, err = f.WaitFailover(t.Context(), old)
		}
		must(t, err)
		t.Log(kind)
		follows(t, c, tracker, told, time.Now())
		switch kind {
		case "killed":
			err = old.Restart(t.Context())
		case "paused":
			err = old.Resume()
		}
		must(t, err, f.WaitStable(t.Context()))
		live(t, tracker)
	}
}
