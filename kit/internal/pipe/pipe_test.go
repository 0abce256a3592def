package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
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

// lossy loses replies: the server has run the commands and answered, and the
// connection breaks before the client sees it.
type lossy struct{ lose atomic.Int32 }

func (l *lossy) dialer(o *redis.Options) {
	o.PipelinePoolSize = -1 // one pool, so that a warm connection is the one in use
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &lossyConn{conn, l}, nil
	}
}

type lossyConn struct {
	net.Conn
	*lossy
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.lose.Load() > 0 {
		c.lose.Add(-1)
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// A reply is lost after a Once was executed: it was executed once, batched or
// not. Any other command is repeated, which is why Once is there.
func TestOnce_replyLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		once bool
		off  bool
		want string
	}{
		{"Once, batched", true, false, "1"},
		{"Once, plain", true, true, "1"},
		{"other, batched", false, false, "2"},
		{"other, plain", false, true, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l lossy
			c := redistest.Client(t, l.dialer)
			p := always(c, Options{Off: tt.off})
			key := redistest.Prefix(t)
			if _, err := get(t.Context(), p, key); !errors.Is(err, redis.Nil) {
				t.Fatalf("GET = %v, want redis.Nil", err)
			}
			l.lose.Store(1)
			var err error
			if tt.once {
				_, err = Do(t.Context(), p, NewOnce(t.Context(), "incr", key), Once.Int64)
			} else {
				_, err = incr(t.Context(), p, key)
			}
			if lost := err != nil; lost != tt.once {
				t.Errorf("the call returned %v", err)
			}
			if got := c.Get(t.Context(), key).Val(); got != tt.want {
				t.Errorf("one call was executed %s times, want %s", got, tt.want)
			}
		})
	}
}

// Every type that a batch knows arrives, and none of them cuts it.
func TestPipe_types(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	p := always(c, Options{})
	key := redistest.Prefix(t)
	ctx := t.Context()
	for _, tt := range []struct {
		cmd  redis.Cmder
		want string
	}{
		{redis.NewStatusCmd(ctx, "set", key, "1"), "OK"},
		{redis.NewCmd(ctx, "get", key), "1"},
		{NewOnce(ctx, "get", key), "1"},
		{redis.NewStringCmd(ctx, "get", key), "1"},
		{redis.NewIntCmd(ctx, "incr", key), "2"},
		{redis.NewFloatCmd(ctx, "incrbyfloat", key, "0.5"), "2.5"},
		{redis.NewBoolCmd(ctx, "persist", key), "false"},
		{redis.NewIntCmd(ctx, "hset", key+"h", "f", "v"), "1"},
		{redis.NewSliceCmd(ctx, "hmget", key+"h", "f"), "[v]"},
		{redis.NewStringSliceCmd(ctx, "hkeys", key+"h"), "[f]"},
		{redis.NewMapStringStringCmd(ctx, "hgetall", key+"h"), "map[f:v]"},
	} {
		if !batched(tt.cmd).NoRetry() {
			t.Errorf("%T would be repeated with its batch", tt.cmd)
		}
		if err := p.Process(ctx, tt.cmd); err != nil {
			t.Errorf("%v: %v", tt.cmd.Args(), err)
		}
		if got := fmt.Sprint(tt.cmd); !strings.HasSuffix(got, ": "+tt.want) {
			t.Errorf("got %q, want %s", got, tt.want)
		}
	}
	other := redis.NewDurationCmd(ctx, time.Millisecond, "pttl", key)
	if batched(other).NoRetry() {
		t.Error("a type that is not known changed its answer")
	}
	if err := p.Process(ctx, other); err != nil {
		t.Error(err)
	}
}

// After which errors a call is made once more, through the client.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{context.DeadlineExceeded, true}, // not of the call's own context
		{redis.ErrPoolTimeout, true},
		{redis.ErrClosed, false},
		{redis.ErrAutoPipelineQueueFull, false},
		{redis.Nil, false},
		{redis.ErrNoScript, false},
		{answer("WRONGTYPE Operation"), false},
		{answer("LOADING Redis is loading the dataset in memory"), true},
		{answer("READONLY You can't write against a read only replica."), true},
	} {
		if got := repeatable(tt.err); got != tt.want {
			t.Errorf("repeatable(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// answer is an error of the server.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

// A Once stays one when go-redis copies it.
func TestOnce_Clone(t *testing.T) {
	t.Parallel()
	c := NewOnce(t.Context(), "incr", "n")
	if clone := c.Clone(); !clone.NoRetry() || fmt.Sprint(clone.Args()) != "[incr n]" {
		t.Errorf("Clone = %v, NoRetry %v", clone.Args(), clone.NoRetry())
	}
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

// A cluster client is told to look again after an error on the way, and only
// then.
func TestRefresh(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"network", t.Context(), io.EOF, 1},
		{"wrapped", t.Context(), fmt.Errorf("x: %w", io.EOF), 1},
		{"none", t.Context(), nil, 0},
		{"nil reply", t.Context(), redis.Nil, 0},
		{"answer", t.Context(), redis.ErrCrossSlot, 0},
		{"context", cancelled, context.Canceled, 0},
	} {
		var r reloads
		Refresh(tt.ctx, &r, tt.err)
		if int(r) != tt.want {
			t.Errorf("%s: %d reloads, want %d", tt.name, r, tt.want)
		}
	}
	Refresh(t.Context(), redistest.Client(t), io.EOF) // no cluster client: nothing to do
}

type reloads int

func (r *reloads) ReloadState(context.Context) { *r++ }
