package pipe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// always returns a Pipe that batches every call.
func always(c Client, o Options) *Pipe {
	p := New(c, o)
	p.from = 1
	return p
}

func get(ctx context.Context, p *Pipe, key string) (string, error) {
	return Do(ctx, p, redis.NewStringCmd(ctx, "get", key), (*redis.StringCmd).Result)
}

func incr(ctx context.Context, p *Pipe, key string) (int64, error) {
	return Do(ctx, p, redis.NewIntCmd(ctx, "incr", key), (*redis.IntCmd).Result)
}

// A call whose context is over is not executed.
func TestDo_cancelledBefore(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	key := redistest.Prefix(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []*Pipe{always(c, Options{}), New(c, Options{Off: true})} {
		if _, err := incr(ctx, p, key); !errors.Is(err, context.Canceled) {
			t.Errorf("INCR = %v, want context.Canceled", err)
		}
	}
	if n := c.Exists(t.Context(), key).Val(); n != 0 {
		t.Error("a cancelled INCR was executed")
	}
}

// Callers give up while a server stands still. They return at once, and under
// the race detector none of them touches a command that is still in its batch.
func TestDo_givesUp(t *testing.T) {
	t.Parallel()
	const callers = 64
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, func(o *redis.Options) { o.ReadTimeout = time.Minute })
	p := always(c, Options{})
	if err := c.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if v, err := get(ctx, p, "key"); !errors.Is(err, context.Canceled) || v != "" {
				t.Errorf("GET = %q, %v; want context.Canceled", v, err)
			}
		})
	}
	redistest.Eventually(t, "all callers wait", func() bool { return p.inFlight.Load() == callers })
	cancel()
	wg.Wait() // while the server still stands
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	// Batches keep their order: when this one is done, the given up ones are.
	if v, err := get(t.Context(), p, "key"); v != "value" || err != nil {
		t.Errorf("GET after the pause = %q, %v; want value", v, err)
	}
}

// Many callers get their own results, some above the threshold and some below.
func TestDo_manyCallers(t *testing.T) {
	t.Parallel()
	const callers, calls = 256, 40
	var batched, plain atomic.Int64
	c := redistest.Client(t)
	prefix := redistest.Prefix(t)
	p := New(c, Options{Observe: func(_ context.Context, call Call) {
		if call.Batched {
			batched.Add(1)
		} else {
			plain.Add(1)
		}
	}})
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			key := fmt.Sprint(prefix, ":", i)
			for want := range int64(calls) {
				n, err := incr(t.Context(), p, key)
				if n != want+1 || err != nil {
					t.Errorf("INCR %d of caller %d = %d, %v", want+1, i, n, err)
				}
				if v, err := get(t.Context(), p, key); v != fmt.Sprint(want+1) || err != nil {
					t.Errorf("GET %d of caller %d = %q, %v", want+1, i, v, err)
				}
				if _, err := get(t.Context(), p, key+":none"); !errors.Is(err, redis.Nil) {
					t.Errorf("GET of nothing = %v, want redis.Nil", err)
				}
			}
		})
	}
	wg.Wait()
	if got := batched.Load() + plain.Load(); got != 3*callers*calls || batched.Load() == 0 {
		t.Errorf("observed %d calls, %d of them batched; want %d, some batched", got, batched.Load(), 3*callers*calls)
	}
	if got := p.inFlight.Load(); got != 0 {
		t.Errorf("%d calls are in flight when all have returned", got)
	}
}

// One caller never batches, and neither does anyone when it is off or when the
// client cannot.
func TestPipe_plain(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": redistest.Addr(t)}})
	defer ring.Close()
	var batched atomic.Bool
	observe := func(_ context.Context, call Call) {
		if call.Name != "get" || !errors.Is(call.Err, redis.Nil) || call.Took <= 0 {
			t.Errorf("observed %+v", call)
		}
		batched.Store(batched.Load() || call.Batched)
	}
	key := redistest.Prefix(t)
	for name, p := range map[string]*Pipe{
		"one caller": New(c, Options{Observe: observe}),
		"off":        always(c, Options{Observe: observe, Off: true}),
		"hidden":     always(hidden{c}, Options{Observe: observe}),
		"ring":       always(ring, Options{Observe: observe}),
	} {
		batched.Store(false)
		if _, err := get(t.Context(), p, key); !errors.Is(err, redis.Nil) {
			t.Errorf("%s: GET = %v, want redis.Nil", name, err)
		}
		if batched.Load() {
			t.Errorf("%s: the call was batched", name)
		}
	}
}

// hidden hides that a client can batch, as the actors of a race do.
type hidden struct{ client *redis.Client }

func (h hidden) Process(ctx context.Context, cmd redis.Cmder) error {
	return h.client.Process(ctx, cmd)
}

// Commands that keep a connection go plain, and hold nobody up.
func TestPipe_keepsConnection(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	key := redistest.Prefix(t)
	var names sync.Map
	p := always(c, Options{Observe: func(_ context.Context, call Call) { names.Store(call.Name, call.Batched) }})
	popped := make(chan []string)
	go func() {
		list, err := Do(t.Context(), p, redis.NewStringSliceCmd(t.Context(), "blpop", key, 0), (*redis.StringSliceCmd).Result)
		if err != nil {
			t.Error(err)
		}
		popped <- list
	}()
	redistest.Eventually(t, "BLPOP waits", func() bool { return p.inFlight.Load() == 1 })
	if _, err := Do(t.Context(), p, redis.NewIntCmd(t.Context(), "rpush", key, "x"), (*redis.IntCmd).Result); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(<-popped); got != fmt.Sprint([]string{key, "x"}) {
		t.Errorf("BLPOP = %s", got)
	}
	for name, want := range map[string]bool{"blpop": false, "rpush": true} {
		if got, ok := names.Load(name); got != want || !ok {
			t.Errorf("%s was batched: %v, want %v", name, got, want)
		}
	}
}

// When the client is closed under 64 callers, each of them gets its result or
// redis.ErrClosed, and nothing stays behind.
func TestPipe_clientClosed(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	c := redis.NewClient(&redis.Options{Addr: redistest.Addr(t)})
	p := New(c, Options{})
	key := redistest.Prefix(t)
	var wg sync.WaitGroup
	var calls atomic.Int64
	for range 64 {
		wg.Go(func() {
			for {
				_, err := incr(t.Context(), p, key)
				if errors.Is(err, redis.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("INCR = %v, want a result or redis.ErrClosed", err)
					return
				}
				calls.Add(1)
			}
		})
	}
	redistest.Eventually(t, "callers are at work", func() bool { return calls.Load() > 1000 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := incr(t.Context(), always(c, Options{}), key); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("INCR with a closed client = %v, want redis.ErrClosed", err)
	}
	goleak.VerifyNone(t, ignore)
}

// In a cluster calls are batched for each node. A hook on a node that looks at
// commands before they are sent, as telemetry does, must not wait for the batch
// that it is in.
func TestPipe_cluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
	if err := redistest.ClientOf(t, s).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer c.Close()
	c.OnNewNode(func(node *redis.Client) { node.AddHook(peeking{}) })
	redistest.Eventually(t, "the cluster serves", func() bool { return c.Set(t.Context(), "a", 1, 0).Err() == nil })
	p := always(c, Options{})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			key := fmt.Sprint("key:", i)
			if n, err := Do(t.Context(), p, NewOnce(t.Context(), "incr", key), Once.Int64); n != 1 || err != nil {
				t.Errorf("INCR %s = %d, %v; want 1", key, n, err)
			}
			if v, err := get(t.Context(), p, key); v != "1" || err != nil {
				t.Errorf("GET %s = %q, %v; want 1", key, v, err)
			}
		})
	}
	wg.Wait()
}

// peeking is a hook that reads commands before they are sent.
type peeking struct{}

func (peeking) DialHook(next redis.DialHook) redis.DialHook { return next }

func (peeking) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (peeking) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			_, _ = cmd.String(), cmd.Err()
		}
		return next(ctx, cmds)
	}
}
