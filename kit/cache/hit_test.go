package cache

import (
	"bytes"
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/redistest"
)

// One caller's hit in Redis is answered by the goroutine that asks: handing it over
// would cost a third of its speed. With a client that heeds no deadlines it is handed
// over, and the hooks of the client see it all the same.
func TestHit_sameGoroutine(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"a client of connect": true, "go-redis as it comes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[bool]int64{true: 1, false: 0}[heeds]
			client := redistest.ClientOf(t, redistest.Server(t), func(o *redis.Options) { o.ContextTimeoutEnabled = heeds })
			var seen sameGoroutine
			client.AddHook(&seen)
			c, err := New(client, Options[int64, []byte]{Name: redistest.Prefix(t), RedisTimeout: ample, Codec: codec.Raw[[]byte]()})
			if err != nil {
				t.Fatal(err)
			}
			load := func(context.Context, int64) ([]byte, error) { return []byte("value"), nil }
			for range 3 {
				if _, err := c.Fetch(t.Context(), 1, load); err != nil {
					t.Fatal(err)
				}
			}
			seen.arm()
			if v, err := c.Fetch(t.Context(), 1, load); string(v) != "value" || err != nil {
				t.Fatalf("got %q, %v", v, err)
			}
			if same, all := seen.same.Load(), seen.all.Load(); same != want || all != 1 {
				t.Errorf("the hook saw %d commands, %d of them by the goroutine that asked, want 1 and %d", all, same, want)
			}
		})
	}
}

// A number's keys are those that its text has.
func TestNameOf_numbers(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	ints, err := New(client, Options[int, user]{Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	spelled, err := New(client, Options[int, user]{Name: "n", KeyFunc: ints.options.KeyFunc})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []int{0, 5, -5, 1 << 40} {
		if got, want := ints.nameOf(key), spelled.nameOf(key); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	own, err := New(client, Options[int, user]{Name: "n", KeyFunc: func(int) string { return "{one}" }})
	if err != nil {
		t.Fatal(err)
	}
	if got := own.nameOf(7); got.text != "{one}" || got.value != "n:{%7Bone%7D}:v" {
		t.Errorf("a KeyFunc is not asked: got %+v", got)
	}
}

// A window is joined for a tenth of its time, and each that joins has all of it.
func TestWindow(t *testing.T) {
	t.Parallel()
	w := window{start: time.Now().Add(-time.Hour)}
	const timeout = 500 * time.Millisecond
	first := w.join(timeout)
	for range 20 {
		before := time.Now()
		e := w.join(timeout)
		if left := e.at.Sub(before); left < timeout-time.Millisecond || left > timeout+timeout/5+time.Since(before) {
			t.Fatalf("a step has %v, want %v and up to a tenth more", left, timeout)
		}
		time.Sleep(timeout / 50)
	}
	if w.join(timeout) == first {
		t.Error("a window is joined after a tenth of its time")
	}
	s := windowed{t.Context(), first}
	if s.Err() != nil {
		t.Error("the window is over too soon")
	}
	<-s.Done()
	if at, ok := s.Deadline(); !ok || time.Now().Before(at) || s.Err() == nil {
		t.Errorf("the window ended before %v, %v, with %v", at, ok, s.Err())
	}
}

// sameGoroutine is a hook that counts commands since it was armed, and those that the
// goroutine sent that armed it.
type sameGoroutine struct {
	armed     atomic.Pointer[string]
	all, same atomic.Int64
}

func (s *sameGoroutine) arm() {
	id := goroutine()
	s.armed.Store(&id)
}

func (*sameGoroutine) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *sameGoroutine) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if id := s.armed.Load(); id != nil {
			s.all.Add(1)
			if *id == goroutine() {
				s.same.Add(1)
			}
		}
		return next(ctx, cmd)
	}
}

func (*sameGoroutine) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// goroutine is "goroutine 123", as a trace begins.
func goroutine() string {
	var trace [64]byte
	head, _, _ := bytes.Cut(trace[:runtime.Stack(trace[:], false)], []byte(" ["))
	return string(head)
}
