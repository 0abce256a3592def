package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	for sent, kept := range map[string]bool{
		"abc-1.2_Z": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "ä": false, `a"b`: false,
	} {
		got := call(t, s, "GET", "/books", "", "X-Request-Id: "+sent).header.Get("X-Request-Id")
		if (got == sent) != kept || len(got) < 3 {
			t.Errorf("sent %q: got %q", sent, got)
		}
	}
}

// TestCommands: each answer tells what Redis was asked for it, the list keeps the
// commands, and the wire carries the request's id.
func TestCommands(t *testing.T) {
	t.Parallel()
	rec, labels := trace.NewRecorder(0), new(trace.Labels)
	tp, err := tap.New(tap.Options{Upstream: redistest.Addr(t), Sink: rec.Sink(), Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tp.Run(ctx) }()
	client := redis.NewClient(&redis.Options{Addr: tp.Addr()})
	client.AddHook(labels.Hook())
	t.Cleanup(func() {
		client.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	key := redistest.Prefix(t) + "k"
	s := sample(t, web.Options{Reveal: true})
	client.AddHook(s.RedisHook())
	web.Register(s, huma.Operation{Method: "GET", Path: "/four"}, func(ctx context.Context, _ *struct{}) (*bookOut, error) {
		client.Get(ctx, key) // nil is an answer
		client.HGet(ctx, key, "f")
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, key, "a value", time.Minute)
			p.LPush(ctx, key, 1) // of the wrong type
			return nil
		})
		if err == nil {
			t.Error("LPUSH on a string: got nil")
		}
		return &bookOut{}, nil
	})
	r := call(t, s, "GET", "/four?x=secret", "", "X-Request-Id: seven")
	if got := r.header.Get("Redis-Commands"); got != "4;calls=3" {
		t.Errorf("got Redis-Commands %q, want 4;calls=3", got)
	}
	if got := r.header.Get("Server-Timing"); !strings.HasPrefix(got, "redis;dur=") || !strings.Contains(got, `"4 commands", total;dur=`) {
		t.Errorf("got Server-Timing %q", got)
	}
	var one web.Request
	if err := json.Unmarshal([]byte(call(t, s, "GET", "/requests/seven", "").body), &one); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range one.Commands {
		lines = append(lines, c.Text)
	}
	want := "GET " + key + " | HGET " + key + " f | SET " + key + ` "a value" ex 60 | LPUSH ` + key + " 1"
	if got := strings.Join(lines, " | "); got != want {
		t.Errorf("got the commands %s, want %s", got, want)
	}
	if one.Route != "/four" || one.Path != "/four" || one.Work.Failed != 1 || one.Commands[3].Error == "" || one.Commands[3].Call != 3 {
		t.Errorf("got %+v, want the route, and one failure in the third call", one)
	}
	labelled := 0
	for _, e := range rec.Commands() {
		if e.Label.Request == "seven" {
			labelled++
		}
	}
	if labelled != 4 {
		t.Errorf("the wire: got %d commands of the request, want 4", labelled)
	}
	if got := call(t, s, "GET", "/requests/eight", "").status; got != 404 {
		t.Errorf("a request that was not: got %d, want 404", got)
	}
}

// TestCommands_secret: a server that reveals nothing says nothing.
func TestCommands_secret(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	r := call(t, s, "GET", "/books", "")
	if r.header.Get("Redis-Commands")+r.header.Get("Server-Timing") != "" || s.Requests() != nil {
		t.Errorf("got %v and %v, want nothing told", r.header, s.Requests())
	}
	if got := call(t, s, "GET", "/requests", "").status; got != 404 {
		t.Errorf("/requests: got %d, want 404", got)
	}
}

// TestRecent keeps the last hundred, the newest first.
func TestRecent(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{Reveal: true})
	for range 250 {
		call(t, s, "GET", "/books", "", "X-Request-Id: old")
	}
	call(t, s, "GET", "/books", "", "X-Request-Id: new")
	call(t, s, "GET", "/docs", "")
	call(t, s, "GET", "/readyz", "")
	if got := s.Requests(); len(got) != 100 || got[0].ID != "new" || got[1].ID != "old" {
		t.Errorf("got %d, the first %+v, want 100 and the new one", len(got), got[0])
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: redistest.Addr(t)})
	t.Cleanup(func() { client.Close() })
	s, err := newSample(web.Options{Logger: new(logs).logger()}, client, redistest.Prefix(t)+"reads")
	if err != nil {
		t.Fatal(err)
	}
	call(t, s, "POST", "/books", `{"id":"dune","title":"Dune"}`)
	for _, path := range []string{"/books/dune", "/books/emma", "/books/x%00", "/wp-login.php", "/admin"} {
		call(t, s, "GET", path, "")
	}
	call(t, s, "BREW", "/books/dune", "")
	got := call(t, s, "GET", "/metrics", "").body
	for _, want := range []string{
		`http_requests_total{method="GET",route="/books/{id}",status="200"} 1`,
		`http_requests_total{method="GET",route="/books/{id}",status="404"} 2`,
		`http_requests_total{method="GET",route="unmatched",status="404"} 2`,
		`http_requests_total{method="other",route="unmatched",status="405"} 1`,
		`http_request_redis_commands_sum{route="/books/{id}"} 1`,
		`redis_commands_total{command="hincrby",result="ok"} 1`,
		`http_request_duration_seconds_count{method="POST",route="/books"} 1`,
		`go_goroutines`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// TestSlowClients: who does not send, or does not read, holds no connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const short = 150 * time.Millisecond
	s := sample(t, web.Options{HeaderTimeout: short, BodyTimeout: short, WriteTimeout: 2 * short})
	wrote := make(chan error, 1)
	s.Handle("GET /much", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for block := make([]byte, 1<<20); err == nil; {
			_, err = w.Write(block)
		}
		wrote <- err
	}))
	r := start(t, s)
	addr := strings.TrimPrefix(s.URL(), "http://")
	dial := func(t *testing.T, text string) net.Conn {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	t.Run("header", func(t *testing.T) {
		conn := dial(t, "GET /books HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(conn); err != nil {
			t.Errorf("got %q and %v, want the connection closed", b, err)
		}
	})
	t.Run("body", func(t *testing.T) {
		conn := dial(t, "POST /books HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := problemOf(t, read(t, answer)); answer.StatusCode != 408 || p.Status != 408 {
			t.Errorf("got %d, want 408", answer.StatusCode)
		}
	})
	t.Run("reader", func(t *testing.T) {
		dial(t, "GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case err := <-wrote:
			if err == nil {
				t.Error("got nil, want a write that ends")
			}
		case <-time.After(10 * time.Second):
			t.Error("the handler still writes")
		}
	})
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestBodyTimeout_over: a handler that takes longer than the body may is not
// cancelled by the deadline of its body.
func TestBodyTimeout_over(t *testing.T) {
	t.Parallel()
	const short = 100 * time.Millisecond
	s := sample(t, web.Options{BodyTimeout: short, RequestTimeout: 20 * short})
	web.Register(s, huma.Operation{Method: "POST", Path: "/think"}, func(ctx context.Context, _ *struct{ Body book }) (*bookOut, error) {
		select {
		case <-time.After(4 * short):
			return &bookOut{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	r := start(t, s)
	answer, err := fresh(t).Post(s.URL()+"/think", "application/json", strings.NewReader(`{"id":"a","title":"A"}`))
	if err != nil {
		t.Fatal(err)
	}
	if b := read(t, answer).body; answer.StatusCode != 200 {
		t.Errorf("got %d %s, want 200", answer.StatusCode, b)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestRequestTimeout: a handler that waits too long is told, and so is the client.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{RequestTimeout: 20 * time.Millisecond})
	web.Register(s, huma.Operation{Method: "GET", Path: "/wait"}, func(ctx context.Context, _ *struct{}) (*bookOut, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if p := problemOf(t, call(t, s, "GET", "/wait", "")); p.Status != 503 || p.Type != "/problems/took-too-long" {
		t.Errorf("got %+v, want 503 took-too-long", p)
	}
}

// TestPanic_halfway: an answer that had begun is cut, not ended as if whole.
func TestPanic_halfway(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	s.Handle("GET /half", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("half"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		panic("no more")
	}))
	r := start(t, s)
	answer, err := fresh(t).Get(s.URL() + "/half")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("got %q as a whole answer, want an error", b)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestForms: what huma does not bound is bounded.
func TestForms(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{MaxBody: 1000})
	type form struct {
		RawBody huma.MultipartFormFiles[struct {
			File huma.FormFile `form:"file" required:"true"`
		}]
	}
	web.Register(s, huma.Operation{Method: "POST", Path: "/files"}, func(context.Context, *form) (*bookOut, error) { return &bookOut{}, nil })
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("x", 1<<20) + "\r\n--x--\r\n"
	if r := call(t, s, "POST", "/files", body, "Content-Type: multipart/form-data; boundary=x"); r.status != 422 || !strings.Contains(r.body, "too large") {
		t.Errorf("got %d, want 422 too large", r.status)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]web.Options{
		"Options.Grace must not be negative, got -1s":                     {Grace: -time.Second},
		"Options.MaxBody must not be negative, got -1":                    {MaxBody: -1},
		"Options.Problems: Name must be words":                            {Problems: []web.Kind{{Name: "A b", Status: 400, Title: "T"}}},
		`Options.Problems: Name must be there once, got "internal-error"`: {Problems: []web.Kind{{Name: "internal-error", Status: 500, Title: "T"}}},
		"Options.Problems: Status of a must be from 400 to 599, got 200":  {Problems: []web.Kind{{Name: "a", Status: 200, Title: "T"}}},
		"Options.Problems: Title of a must not be empty":                  {Problems: []web.Kind{{Name: "a", Status: 400}}},
	} {
		if _, err := web.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
