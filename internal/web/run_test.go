package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/redistest"
)

// running is a server whose Run was called.
type running struct {
	*web.Server
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, s *web.Server) *running {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{s, stop, make(chan error, 1)}
	go func() { r.ended <- s.Run(ctx) }()
	t.Cleanup(stop)
	return r
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Run does not return")
		return nil
	}
}

// fresh is a client that keeps no connection.
func fresh(t *testing.T) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// status asks for a path and returns what came, 0 for nothing.
func status(t *testing.T, c *http.Client, url string) int {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	io.Copy(io.Discard, r.Body) //nolint:errcheck // a part of an answer is one
	return r.StatusCode
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 2000 {
		if cond() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain until %s", what)
}

// TestRun_order: readiness fails first, while requests are still taken; then no
// connection is; a request under way ends well; then workers, then closers, the
// last first.
func TestRun_order(t *testing.T) {
	t.Parallel()
	const delay = 100 * time.Millisecond
	looked := make(chan struct{})
	s := sample(t, web.Options{DrainDelay: delay, Health: web.Health{Drain: func() { <-looked }}})
	var mu sync.Mutex
	var order []string
	note := func(what string) { mu.Lock(); order = append(order, what); mu.Unlock() }
	entered, release := make(chan struct{}), make(chan struct{})
	s.Handle("GET /slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		note("request")
		w.Write([]byte("whole"))
	}))
	s.Work("worker", func(ctx context.Context) error { <-ctx.Done(); note("worker"); return ctx.Err() })
	s.OnClose("redis", func() error { note("redis"); return nil })
	s.OnClose("cache", func() error { note("cache"); return nil })
	r := start(t, s)
	c := fresh(t)
	until(t, "it is ready", func() bool { return status(t, c, s.URL()+"/readyz") == 200 })

	slow := make(chan string, 1)
	go func() {
		answer, err := c.Get(s.URL() + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		slow <- string(b) + errText(err)
	}()
	<-entered
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	keeping := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	r.stop()
	until(t, "readiness fails", func() bool { return status(t, c, s.URL()+"/readyz") == 503 })
	answer, err := keeping.Get(s.URL() + "/books")
	if err != nil || answer.StatusCode != 200 || !answer.Close {
		t.Fatalf("a request in the delay: got %+v and %v, want 200 on a connection that ends", answer, err)
	}
	answer.Body.Close()
	delayed := time.Now()
	close(looked)
	<-s.Draining()
	if got := time.Since(delayed); got < delay {
		t.Errorf("the listener was closed after %v, want at least %v", got, delay)
	}
	until(t, "nobody listens", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-r.ended:
		t.Fatalf("Run returned %v with a request under way", err)
	default:
	}
	close(release)
	if got := <-slow; got != "whole" {
		t.Errorf("the request under way: got %q, want it whole", got)
	}
	if err := r.wait(t); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if got := strings.Join(order, " "); got != "request worker cache redis" {
		t.Errorf("got the order %q, want request worker cache redis", got)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestRun_load: under a load that does not stop, every request that a handler
// saw is answered whole, on connections that are kept and on fresh ones.
func TestRun_load(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{DrainDelay: 100 * time.Millisecond})
	var handled, answered atomic.Int64
	web.Register(s, huma.Operation{Method: "POST", Path: "/act"}, func(context.Context, *struct{}) (*bookOut, error) {
		handled.Add(1)
		time.Sleep(2 * time.Millisecond) // the work
		return &bookOut{Body: book{ID: "done"}}, nil
	})
	r := start(t, s)
	var clients sync.WaitGroup
	over := make(chan struct{})
	for i := range 24 {
		transport := &http.Transport{DisableKeepAlives: i%3 == 0}
		t.Cleanup(transport.CloseIdleConnections)
		c := &http.Client{Transport: transport, Timeout: 10 * time.Second}
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				// A POST is not repeated by the client.
				answer, err := c.Post(s.URL()+"/act", "application/json", nil)
				if err != nil {
					continue // nobody there any more
				}
				b, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err == nil && answer.StatusCode == 200 && strings.Contains(string(b), "done") {
					answered.Add(1)
				}
			}
		})
	}
	until(t, "the load runs", func() bool { return answered.Load() > 200 })
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	last := handled.Load()
	close(over)
	clients.Wait()
	if handled.Load() != last {
		t.Errorf("%d requests were handled after Run had returned", handled.Load()-last)
	}
	if last != answered.Load() {
		t.Errorf("handled %d and answered %d whole, want as many", last, answered.Load())
	}
}

// TestRun_grace: a request that does not end is cut, and said to be; so is a
// worker.
func TestRun_grace(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{Grace: 100 * time.Millisecond})
	entered, cancelled, never := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.Handle("GET /endless", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cancelled)
	}))
	s.Work("deaf", func(context.Context) error { <-never; return nil })
	s.OnClose("redis", func() error { return errors.New("broken pipe") })
	r := start(t, s)
	asked := make(chan int, 1)
	go func() { asked <- status(t, fresh(t), s.URL()+"/endless") }()
	<-entered
	r.stop()
	err := r.wait(t)
	<-cancelled
	close(never)
	if got := <-asked; got != 0 {
		t.Errorf("the cut request: got %d, want a connection that ends", got)
	}
	for _, want := range []string{"requests still ran after 100ms", `worker "deaf" did not end`, "close redis: broken pipe"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to tell %q", err, want)
		}
	}
}

// TestRun_stream: a stream that watches Draining ends by itself.
func TestRun_stream(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	s.Handle("GET /stream", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("hello "))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-s.Draining()
		w.Write([]byte("goodbye"))
	}))
	r := start(t, s)
	answer, err := fresh(t).Get(s.URL() + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	r.stop()
	if b, err := io.ReadAll(answer.Body); err != nil || string(b) != "hello goodbye" {
		t.Errorf("got %q and %v, want the goodbye", b, err)
	}
	if err := r.wait(t); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

// TestRun_gate: until its gates have passed the server says that it starts.
func TestRun_gate(t *testing.T) {
	t.Parallel()
	drained := atomic.Bool{}
	s := sample(t, web.Options{Health: web.Health{
		Ready: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		Drain: func() { drained.Store(true) },
	}})
	open := make(chan struct{})
	s.Gate("migration", func(ctx context.Context) error {
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	r := start(t, s)
	c := fresh(t)
	until(t, "it starts", func() bool { return status(t, c, s.URL()+"/startupz") == 503 })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/books": 503, "/metrics": 200} {
		if got := status(t, c, s.URL()+path); got != want {
			t.Errorf("%s while it starts: got %d, want %d", path, got, want)
		}
	}
	close(open)
	until(t, "it has started", func() bool { return status(t, c, s.URL()+"/startupz") == 200 })
	for path, want := range map[string]int{"/readyz": http.StatusTeapot, "/books": 200} {
		if got := status(t, c, s.URL()+path); got != want {
			t.Errorf("%s after the start: got %d, want %d", path, got, want)
		}
	}
	r.stop()
	if err := r.wait(t); err != nil || !drained.Load() {
		t.Errorf("got %v and drained %v, want nil and true", err, drained.Load())
	}
}

// TestRun_fails: what goes wrong ends Run with its error, and all is closed.
func TestRun_fails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*web.Server)
		want    string
	}{
		"gate":   {func(s *web.Server) { s.Gate("schema", func(context.Context) error { return errors.New("too old") }) }, `gate "schema": too old`},
		"worker": {func(s *web.Server) { s.Work("relay", func(context.Context) error { return errors.New("no leader") }) }, `worker "relay": no leader`},
		"panic":  {func(s *web.Server) { s.Work("relay", func(context.Context) error { panic("nil map") }) }, `worker "relay": panic: nil map`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sample(t, web.Options{})
			tc.prepare(s)
			closed := false
			s.OnClose("redis", func() error { closed = true; return nil })
			if err := start(t, s).wait(t); err == nil || !strings.Contains(err.Error(), tc.want) || !closed {
				t.Errorf("got %v and closed %v, want %q and true", err, closed, tc.want)
			}
		})
	}
	t.Run("port", func(t *testing.T) {
		t.Parallel()
		first := sample(t, web.Options{})
		r := start(t, first)
		closed := false
		s := sample(t, web.Options{Addr: strings.TrimPrefix(first.URL(), "http://")})
		s.OnClose("redis", func() error { closed = true; return nil })
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") || !closed {
			t.Errorf("got %v and closed %v, want the port taken and true", err, closed)
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Error(err)
		}
	})
}

// TestRun_sample runs the whole application on a real Redis.
func TestRun_sample(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: redistest.Addr(t)})
	key := redistest.Prefix(t) + "reads"
	s, err := newSample(web.Options{Reveal: true, Logger: new(logs).logger()}, client, key)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, s)
	c := fresh(t)
	until(t, "it is ready", func() bool { return status(t, c, s.URL()+"/readyz") == 200 })
	answer, err := c.Post(s.URL()+"/books", "application/json", strings.NewReader(`{"id":"dune","title":"Dune"}`))
	if err != nil || answer.StatusCode != 201 {
		t.Fatalf("create: %v %v", answer, err)
	}
	answer.Body.Close()
	for range 3 {
		if got := status(t, c, s.URL()+"/books/dune"); got != 200 {
			t.Errorf("read: got %d, want 200", got)
		}
	}
	if got := redistest.Client(t).HGet(t.Context(), key, "dune").Val(); got != "3" {
		t.Errorf("got %q reads counted, want 3", got)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if err := client.Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("the client after Run: got %v, want it closed", err)
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("a second Run: got nil, want an error")
	}
}
