package health

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// These tests are about when, so checks are functions and the clock is
// synctest's.

// switchable is a check that works or not.
type switchable struct {
	err   atomic.Pointer[error]
	calls atomic.Int64
	hang  atomic.Bool // until its context ends
	deaf  atomic.Int64
}

func (s *switchable) set(err error) { s.err.Store(&err) }

func (s *switchable) check(ctx context.Context) error {
	s.calls.Add(1)
	if d := s.deaf.Load(); d > 0 {
		time.Sleep(time.Duration(d)) // and does not look at its context
		return nil
	}
	if s.hang.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// run makes a Health and runs it until the test ends.
func run(t *testing.T, o Options) *Health {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	synctest.Wait()
	return h
}

// get asks a probe.
func get(t *testing.T, handler http.Handler) (status int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.Header().Get("Content-Type") + " " + w.Header().Get("Cache-Control"); got != "application/json no-store" {
		t.Errorf("headers %q", got)
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

// wantProbes asks all three and compares the codes: 1 for 200, 0 for 503.
func wantProbes(t *testing.T, h *Health, when, liveReadyStarted string) {
	t.Helper()
	var got string
	for _, handler := range []http.Handler{h.Live(), h.Ready(), h.Startup()} {
		switch status, _ := get(t, handler); status {
		case 200:
			got += "1"
		case 503:
			got += "0"
		default:
			t.Errorf("%s: status %d", when, status)
		}
	}
	if got != liveReadyStarted {
		t.Errorf("%s: live, ready, started are %s, want %s", when, got, liveReadyStarted)
	}
}

var errSecret = errors.New("dial tcp 10.1.2.3:6379: password hunter2 refused")

// A check's life, second by second: two successes bring it up, three failures
// down, and what flaps changes nothing.
func TestHealth_hysteresis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s switchable
		var log bytes.Buffer
		h := run(t, Options{
			Checks: []Check{{Name: "db", Func: s.check}},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		history := ""
		for _, ok := range "++--+-+-+---++-++" {
			history += string(ok)
			want := map[bool]string{true: "111", false: "101"}[strings.Contains("++ ++- ++-- ++--+ ++--+- ++--+-+ ++--+-+- ++--+-+-+ ++--+-+-+- ++--+-+-+-- ++--+-+-+---++ ++--+-+-+---++- ++--+-+-+---++-+ ++--+-+-+---++-++ ", history+" ")]
			if len(history) == 1 {
				want = "100"
			}
			if n := s.calls.Load(); n != int64(len(history)) {
				t.Errorf("%s: %d calls", history, n)
			}
			wantProbes(t, h, history, want)
			next := "++--+-+-+---++-++ "[len(history)]
			s.set(map[bool]error{false: errSecret}[next != '-'])
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if got := strings.Count(log.String(), "\n"); got != 3 || !strings.Contains(log.String(), "hunter2") {
			t.Errorf("the log has %d lines, want up, down with its error, up:\n%s", got, &log)
		}
	})
}

// What the answers look like, and that no error of a check is in them.
func TestHealth_answers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var db, cache, slow switchable
		h := run(t, Options{Checks: []Check{
			{Name: "db", Func: db.check}, {Name: "cache", Func: cache.check, Optional: true}, {Name: "slow", Func: slow.check, Optional: true},
		}})
		db.set(errSecret)
		cache.set(Fail("no space", errSecret))
		slow.hang.Store(true)
		time.Sleep(900 * time.Millisecond)
		wantAnswer(t, h.Ready(), 503, `{"status":"not ready","checks":[{"name":"db","status":"down","age_ms":900},{"name":"cache","status":"down","optional":true,"age_ms":900},{"name":"slow","status":"down","optional":true,"age_ms":900}]}`)
		time.Sleep(900 * time.Millisecond)
		wantAnswer(t, h.Startup(), 503, `{"status":"starting","checks":[{"name":"db","status":"down","detail":"failed","age_ms":800},{"name":"cache","status":"down","optional":true,"detail":"no space","age_ms":800},{"name":"slow","status":"down","optional":true,"detail":"timeout","age_ms":300}]}`)
		wantAnswer(t, h.Live(), 200, `{"status":"alive"}`)
		db.set(nil)
		time.Sleep(2 * time.Second)
		if status, text := get(t, h.Ready()); status != 200 || !strings.HasPrefix(text, `{"status":"ready"`) {
			t.Errorf("with optional checks down: %d %s", status, text)
		}
		h.Drain()
		if status, text := get(t, h.Ready()); status != 503 || !strings.HasPrefix(text, `{"status":"draining"`) {
			t.Errorf("draining: %d %s", status, text)
		}
		wantProbes(t, h, "draining", "101")
	})
}

func wantAnswer(t *testing.T, handler http.Handler, status int, text string) {
	t.Helper()
	if gotStatus, got := get(t, handler); gotStatus != status || got != text {
		t.Errorf("got %d %s\nwant %d %s", gotStatus, got, status, text)
	}
}

// A check that hangs, whether it looks at its context or not, holds up neither
// the probes nor the other checks, and is not ready when it is stale.
func TestHealth_hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var deaf, other switchable
		h := run(t, Options{Checks: []Check{{Name: "deaf", Func: deaf.check}, {Name: "other", Func: other.check}}})
		time.Sleep(1500 * time.Millisecond)
		wantProbes(t, h, "before", "111")
		deaf.deaf.Store(int64(time.Minute)) // its latest result is 0.5 s old
		time.Sleep(3 * time.Second)
		wantProbes(t, h, "at its age", "111")
		time.Sleep(time.Nanosecond)
		r := h.Report()
		if r.Ready || r.Checks[0].Detail != "stale" || r.Checks[0].Up || !r.Checks[1].Up || r.Checks[1].Age > time.Second {
			t.Errorf("after its age: %+v", r)
		}
		wantProbes(t, h, "after its age", "101")
		// What it says in the end came too late to be an answer.
		time.Sleep(time.Minute)
		if got := h.Report().Checks[0].Detail; got != "timeout" && got != "stale" {
			t.Errorf("after its late answer: %q", got)
		}
		deaf.deaf.Store(0)
	})
}

// A check that panics fails, and the program goes on.
func TestHealth_panics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var bad atomic.Bool
		h := run(t, Options{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Checks: []Check{{Name: "p", Func: func(context.Context) error {
				if bad.Load() {
					panic("hunter2")
				}
				return nil
			}}},
		})
		time.Sleep(1500 * time.Millisecond)
		bad.Store(true)
		time.Sleep(4 * time.Second)
		if _, text := get(t, h.Ready()); !strings.Contains(text, `"detail":"failed"`) || strings.Contains(text, "hunter2") || !strings.Contains(log.String(), "panic: hunter2") {
			t.Errorf("answer %s, log %s", text, &log)
		}
	})
}

// Without Run nothing is known; with it, and after it.
func TestHealth_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s switchable
		h, err := New(Options{Checks: []Check{{Name: "db", Func: s.check}}})
		if err != nil {
			t.Fatal(err)
		}
		wantProbes(t, h, "before Run", "100")
		wantAnswer(t, h.Ready(), 503, `{"status":"not ready","checks":[{"name":"db","status":"down","detail":"unknown"}]}`)
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- h.Run(ctx) }()
			time.Sleep(1100 * time.Millisecond)
			wantProbes(t, h, "while it runs", "111")
			if err := h.Run(ctx); !errors.Is(err, ErrRunning) {
				t.Errorf("a second Run = %v, want ErrRunning", err)
			}
			s.hang.Store(true)
			time.Sleep(time.Second) // the check is in the middle of it
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run = %v", err)
			}
			s.hang.Store(false)
			wantProbes(t, h, "after Run", "101")
		}
	})
}

// Without checks the program is ready while Run runs.
func TestHealth_zero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := run(t, Options{})
		wantProbes(t, h, "zero", "111")
	})
}

// Liveness is the heartbeats', and a check that fails is none.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s switchable
		s.set(errSecret)
		h := run(t, Options{Checks: []Check{{Name: "redis", Func: s.check}}})
		for _, limit := range []time.Duration{0, -time.Second} {
			if _, err := h.Heartbeat("x", limit); err == nil || !strings.Contains(err.Error(), "must be positive") {
				t.Errorf("a limit of %v: %v", limit, err)
			}
		}
		b, err := h.Heartbeat("worker", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		z, err := h.Heartbeat("a second one", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Second)
			z.Beat()
		}
		time.Sleep(7 * time.Second)
		wantAnswer(t, h.Live(), 503, `{"status":"stuck","stuck":["a second one"]}`)
		time.Sleep(time.Nanosecond)
		wantAnswer(t, h.Live(), 503, `{"status":"stuck","stuck":["a second one","worker"]}`)
		z.Stop()
		b.Beat()
		wantProbes(t, h, "beating, with Redis down", "100")
		time.Sleep(11 * time.Second)
		b.Stop()
		wantProbes(t, h, "stopped", "100")
	})
}

// Methods and bodies.
func TestProbe(t *testing.T) {
	t.Parallel()
	h, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.Ready())
	defer server.Close()
	for method, want := range map[string]string{"GET": "503 23", "HEAD": "503 0", "POST": "405 19"} {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(response.Body)
		response.Body.Close()
		if got := fmt.Sprint(response.StatusCode, body.Len()); got != want {
			t.Errorf("%s: status and length %s, want %s: %s", method, got, want, &body)
		}
		if method == "GET" && !json.Valid(body.Bytes()) {
			t.Errorf("not JSON: %s", &body)
		}
	}
}

// Each bad option is named, with its rule and value.
func TestNew(t *testing.T) {
	t.Parallel()
	f := func(context.Context) error { return nil }
	for want, o := range map[string]Options{
		"Interval must not be negative, got -1ns":                {Interval: -1},
		"Timeout must not be negative, got -1ns":                 {Timeout: -1},
		"MaxAge must not be negative, got -1ns":                  {MaxAge: -1},
		"MaxAge must not be below Interval, 1s, got 1ns":         {MaxAge: 1},
		"Down and Up must not be negative, got -1 and 0":         {Down: -1},
		"Checks[0].Name must be unique and not empty, got \"\"":  {Checks: []Check{{Func: f}}},
		"Checks[1].Name must be unique and not empty, got \"a\"": {Checks: []Check{{Name: "a", Func: f}, {Name: "a", Func: f}}},
		"Checks[0].Func of \"a\" must not be nil":                {Checks: []Check{{Name: "a"}}},
		"Checks[0]: RedisOptions.Prefix: ":                       {Checks: []Check{Redis(nil, RedisOptions{Prefix: "a{b"})}},
	} {
		if h, err := New(o); err == nil || !strings.HasPrefix(err.Error(), "health: Options."+want) || h != nil {
			t.Errorf("New = %v, %v; want %s", h, err, want)
		}
	}
}
