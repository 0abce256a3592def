package script_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

// A reply is lost after the script ran: it must have run exactly once, and the
// caller must learn that the outcome is unknown.
func TestScript_Run_replyLost(t *testing.T) {
	t.Parallel()
	var l lossy
	c := redistest.Client(t, l.dialer)
	warm(t, c)
	key := redistest.Prefix(t)
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	if err := incr.Run(t.Context(), c, []string{key}).Err(); err != nil {
		t.Fatal(err)
	}

	l.lose.Store(1)
	err := incr.Run(t.Context(), c, []string{key}).Err()
	if !errors.Is(err, script.ErrUnknown) {
		t.Errorf("Run = %v, want ErrUnknown", err)
	}
	if got, err := c.Get(t.Context(), key).Int(); got != 2 || err != nil {
		t.Errorf("the script ran %d times in two runs (%v), want 2", got, err)
	}
}

// What is lost is the reply to EVAL, the second command of a first run.
func TestScript_Run_replyLostAfterNoScript(t *testing.T) {
	t.Parallel()
	var l lossy
	c := redistest.Client(t, l.dialer)
	warm(t, c)
	key := redistest.Prefix(t)
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	hooked := clientFunc(func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "eval" {
			l.lose.Store(1)
		}
		return c.Process(ctx, cmd)
	})
	if err := incr.Run(t.Context(), hooked, []string{key}).Err(); !errors.Is(err, script.ErrUnknown) {
		t.Errorf("Run = %v, want ErrUnknown", err)
	}
	if got, err := c.Get(t.Context(), key).Int(); got != 1 || err != nil {
		t.Errorf("the script ran %d times (%v), want 1", got, err)
	}
}

// clientFunc is a client made of one function.
type clientFunc func(context.Context, redis.Cmder) error

func (f clientFunc) Process(ctx context.Context, cmd redis.Cmder) error { return f(ctx, cmd) }

// An idempotent script is repeated by go-redis, and the caller sees no error.
func TestScript_Run_idempotentReplyLost(t *testing.T) {
	t.Parallel()
	var l lossy
	c := redistest.Client(t, l.dialer)
	warm(t, c)
	key := redistest.Prefix(t)
	set := fresh(t, `redis.call('INCR', KEYS[1] .. ':runs') return redis.call('SET', KEYS[1], ARGV[1])`, script.Idempotent())
	if err := set.Run(t.Context(), c, []string{"{" + key + "}"}, "a").Err(); err != nil {
		t.Fatal(err)
	}
	l.lose.Store(1)
	if err := set.Run(t.Context(), c, []string{"{" + key + "}"}, "b").Err(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if got, err := c.Get(t.Context(), "{"+key+"}:runs").Int(); got != 3 || err != nil {
		t.Errorf("two runs and one lost reply make %d executions (%v), want 3", got, err)
	}
	c.Del(t.Context(), "{"+key+"}", "{"+key+"}:runs")
}

// Which errors leave the outcome open: never those from before the sending, and
// never the server's own answer.
func TestScript_Run_errors(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	closed := redis.NewClient(&redis.Options{Addr: redistest.Addr(t)})
	closed.Close()
	nobody := redis.NewClient(&redis.Options{Addr: unusedAddr(t), DialerRetries: 1})
	defer nobody.Close()
	server := redistest.Start(t, redisproc.Options{})
	paused := redistest.ClientOf(t, server, func(o *redis.Options) { o.ReadTimeout = 50 * time.Millisecond })
	warm(t, paused)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name    string
		ctx     context.Context
		client  script.Client
		body    string
		unknown bool
		is      error
		says    string
	}{
		{"context ended before", cancelled, c, `return 1`, false, context.Canceled, "not sent"},
		{"client closed", t.Context(), closed, `return 1`, false, redis.ErrClosed, ""},
		{"nobody listens", t.Context(), nobody, `return 1`, false, nil, "connection refused"},
		{"server stands still", t.Context(), paused, `return 1`, true, nil, "timeout"},
		{"script raises", t.Context(), c, `return redis.error_reply('STOCK empty')`, false, nil, "STOCK empty"},
		{"script is wrong", t.Context(), c, `return nosuch()`, false, nil, "nosuch"},
		{"script does not compile", t.Context(), c, `return (`, false, nil, "compil"},
		{"pipeline", t.Context(), c.Pipeline(), `return 1`, false, script.ErrArgument, "Pipelined"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fresh(t, tt.body).Run(tt.ctx, tt.client, []string{"some:key"}).Err()
			if err == nil {
				t.Fatal("Run succeeded")
			}
			if got := errors.Is(err, script.ErrUnknown); got != tt.unknown {
				t.Errorf("errors.Is(%q, ErrUnknown) = %v, want %v", err, got, tt.unknown)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %q, want it to be %v", err, tt.is)
			}
			for _, want := range []string{"script: run test.lua", "some:key", tt.says} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to contain %q", err, want)
				}
			}
		})
	}
}

// unusedAddr is an address where nobody listens.
func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Keys of two slots are refused before anything is sent, on a single server too.
func TestScript_Run_crossSlot(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	counter := redistest.Count(c)
	s := fresh(t, `return #KEYS`)
	err := s.Run(t.Context(), c, []string{"user:{1}:v", "user:{2}:v"}).Err()
	if !errors.Is(err, script.ErrCrossSlot) {
		t.Errorf("Run = %v, want ErrCrossSlot", err)
	}
	if got := counter.RoundTrips(); got != 0 {
		t.Errorf("got %d round trips, want 0", got)
	}
	if n, _, err := s.Run(t.Context(), c, []string{"user:{1}:v", "user:{1}:w"}).Int64(); n != 2 || err != nil {
		t.Errorf("with keys of one slot Run = %d, %v; want 2", n, err)
	}
}

// SCRIPT FLUSH between two runs costs a round trip and nothing else.
func TestScript_Run_flushed(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	s := fresh(t, `return redis.call('INCR', KEYS[1])`)
	for want := range int64(3) {
		n, ok, err := s.Run(t.Context(), c, []string{"n"}).Int64()
		if n != want+1 || !ok || err != nil {
			t.Fatalf("Run = %d, %v, %v; want %d", n, ok, err, want+1)
		}
		if err := c.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that was killed and came back has new connections and no scripts.
func TestScript_Run_restarted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, server)
	s := fresh(t, `return redis.call('INCR', KEYS[1])`)
	if err := s.Run(t.Context(), c, []string{"n"}).Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), c, []string{"n"}).Err(); err != nil {
		t.Errorf("Run after a restart = %v, want nil", err)
	}
}

// Many callers share one script while its server keeps forgetting it.
func TestScript_Run_concurrent(t *testing.T) {
	t.Parallel()
	const callers, runs = 32, 50
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	s := fresh(t, `return redis.call('INCR', KEYS[1])`)
	ctx, stop := context.WithCancel(t.Context())
	var flusher, wg sync.WaitGroup
	flusher.Go(func() {
		for ctx.Err() == nil {
			c.ScriptFlush(ctx)
		}
	})
	for range callers {
		wg.Go(func() {
			for range runs {
				if err := s.Run(t.Context(), c, []string{"n"}).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	stop()
	flusher.Wait()
	if got, err := c.Get(t.Context(), "n").Int(); got != callers*runs || err != nil {
		t.Errorf("%d runs were executed (%v), want %d", got, err, callers*runs)
	}
}

// Through the batches of a pipe a script runs as it does alone: once, with its
// own result, also when the server forgets it.
func TestScript_Run_batched(t *testing.T) {
	t.Parallel()
	const callers, runs = 64, 30
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	p := pipe.New(c, pipe.Options{})
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	get := fresh(t, `return redis.call('GET', KEYS[1])`, script.Idempotent())
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			key := fmt.Sprint("n", i)
			for want := range int64(runs) {
				if i == 0 {
					c.ScriptFlush(t.Context())
				}
				if n, _, err := incr.Run(t.Context(), p, []string{key}).Int64(); n != want+1 || err != nil {
					t.Errorf("run %d of caller %d = %d, %v", want+1, i, n, err)
				}
				if n, _, err := get.Run(t.Context(), p, []string{key}).Int64(); n != want+1 || err != nil {
					t.Errorf("read %d of caller %d = %d, %v", want+1, i, n, err)
				}
			}
		})
	}
	wg.Wait()
}

// The costs that the documentation of the methods states.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	counter := redistest.Count(c)
	known, lib := fresh(t, `return 1`), library(t)
	if err := known.Run(t.Context(), c, []string{"a"}).Err(); err != nil {
		t.Fatal(err)
	}
	fill := func(scripts ...*script.Script) func(*script.Batch) error {
		return func(b *script.Batch) error {
			for _, s := range scripts {
				s.Queue(t.Context(), b, []string{"a"})
			}
			b.Get(t.Context(), "no such key")
			return nil
		}
	}
	for _, tt := range []struct {
		name string
		want int
		do   func() error
	}{
		{"Run", 1, func() error { return known.Run(t.Context(), c, []string{"a"}).Err() }},
		{"Run, unknown", 2, func() error { return fresh(t, `return 2`).Run(t.Context(), c, []string{"a"}).Err() }},
		{"Run, refused", 0, func() error {
			if err := known.Run(t.Context(), c, []string{"a"}, nil).Err(); !errors.Is(err, script.ErrArgument) {
				return err
			}
			return nil
		}},
		{"Pipelined", 1, func() error { return script.Pipelined(t.Context(), c, fill(known, known)) }},
		{"Pipelined, unknown", 2, func() error {
			return script.Pipelined(t.Context(), c, fill(fresh(t, `return 3`), known, fresh(t, `return 4`)))
		}},
		{"TxPipelined", 1, func() error { return script.TxPipelined(t.Context(), c, fill(fresh(t, `return 5`), known)) }},
		{"Function.Run, not loaded", 3, func() error { return lib.Function("add").Run(t.Context(), c, []string{"n"}, 1).Err() }},
		{"Function.Run", 1, func() error { return lib.Function("add").Run(t.Context(), c, []string{"n"}, 1).Err() }},
		{"Library.Load", 1, func() error { return lib.Load(t.Context(), c) }},
	} {
		counter.Reset()
		if err := tt.do(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := counter.RoundTrips(); got != tt.want {
			t.Errorf("%s: got %d round trips, want %d", tt.name, got, tt.want)
		}
	}
}

// The permissions that the package's documentation names are enough.
func TestACL(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{ACL: []string{
		"user app on >pw ~* +evalsha +eval +fcall +function|load +multi +exec +incr +incrby",
	}})
	c := redistest.ClientOf(t, s, func(o *redis.Options) { o.Username, o.Password = "app", "pw" })
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	fill := func(b *script.Batch) error {
		incr.Queue(t.Context(), b, []string{"n"})
		return nil
	}
	for name, err := range map[string]error{
		"Run":          incr.Run(t.Context(), c, []string{"n"}).Err(),
		"Pipelined":    script.Pipelined(t.Context(), c, fill),
		"TxPipelined":  script.TxPipelined(t.Context(), c, fill),
		"Function.Run": library(t).Function("add").Run(t.Context(), c, []string{"n"}, 1).Err(),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := fresh(t, `return redis.call('GET', KEYS[1])`).Run(t.Context(), c, []string{"n"}).Err()
	if err == nil || errors.Is(err, script.ErrUnknown) {
		t.Errorf("a script that uses GET, which the user may not: %v, want the server's refusal", err)
	}
}
