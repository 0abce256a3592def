package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

// logs is where the sample's log goes.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// sample is a server of the sample without Redis, that is not run.
func sample(t *testing.T, o web.Options) *web.Server {
	t.Helper()
	if o.Logger == nil {
		o.Logger = new(logs).logger()
	}
	s, err := newSample(o, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// call sends one request, with the headers given as "Name: value".
func call(t *testing.T, h http.Handler, method, path, body string, headers ...string) reply {
	t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, b)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// read takes the whole of a response.
func read(t *testing.T, r *http.Response) reply {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{r.StatusCode, r.Header, string(b)}
}

// problem is what a client reads.
type problem struct {
	Type, Title, Detail string
	Status              int
	RequestID           string `json:"request_id"`
	Errors              []struct {
		Message, Location string
		Value             any
	}
}

func problemOf(t *testing.T, r reply) problem {
	t.Helper()
	body := r.body
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got Content-Type %q of %s, want application/problem+json", got, body)
	}
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") {
		t.Errorf("got request id %q, want that of the header, %q", p.RequestID, r.header.Get("X-Request-Id"))
	}
	return p
}

// TestSample goes through the operations as a client does.
func TestSample(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	for _, id := range []string{"dune", "emma", "ulysses"} {
		if r := call(t, s, "POST", "/books", `{"id":"`+id+`","title":"T"}`); r.status != 201 {
			t.Fatalf("create: got %d %s, want 201", r.status, r.body)
		}
	}
	if r := call(t, s, "GET", "/books/dune", ""); r.status != 200 || !strings.Contains(r.body, `"id":"dune"`) {
		t.Errorf("read: got %d, want the book", r.status)
	}
	var seen []string
	for cursor, pages := "", 0; pages < 5; pages++ {
		var p struct {
			Books []book
			Next  string
		}
		if err := json.Unmarshal([]byte(call(t, s, "GET", "/books?limit=2&cursor="+cursor, "").body), &p); err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Books {
			seen = append(seen, b.ID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "dune emma ulysses" {
		t.Errorf("pages: got %q, want all three in order, once", got)
	}
	if r := call(t, s, "DELETE", "/books/dune", ""); r.status != 204 {
		t.Errorf("delete: got %d, want 204", r.status)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{MaxBody: 500})
	call(t, s, "POST", "/books", `{"id":"dune","title":"Dune"}`)
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		kind                     string
	}{
		{"declared", "GET", "/books/none", "", 404, "/problems/no-such-book"},
		{"conflict", "POST", "/books", `{"id":"dune","title":"Dune"}`, 409, "/problems/id-taken"},
		{"validation", "POST", "/books", `{"id":"DUNE"}`, 422, "/problems/invalid-request"},
		{"no JSON", "POST", "/books", `{"id":`, 400, "/problems/invalid-request"},
		{"no body", "POST", "/books", ``, 400, ""},
		{"parameter", "GET", "/books?limit=many", "", 422, "/problems/invalid-request"},
		{"cursor", "GET", "/books?cursor=abc", "", 400, "/problems/invalid-cursor"},
		{"too large", "POST", "/books", `{"id":"x","title":"` + strings.Repeat("x", 600) + `"}`, 413, ""},
		{"no path", "GET", "/nothing", "", 404, ""},
		{"no method", "PATCH", "/books/dune", "", 405, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := call(t, s, tc.method, tc.path, tc.body)
			p := problemOf(t, r)
			if r.status != tc.status || p.Status != tc.status || p.Type != tc.kind {
				t.Errorf("got %d with %d and type %q, want %d and %q", r.status, p.Status, p.Type, tc.status, tc.kind)
			}
			if p.Title == "" {
				t.Error("got no title")
			}
			if p.Type == "" {
				return
			}
			if page := call(t, s, "GET", p.Type, ""); page.status != 200 || !strings.Contains(page.body, p.Title) {
				t.Errorf("its type answers %d, want a page about it", page.status)
			}
		})
	}
	if r := call(t, s, "PATCH", "/books/dune", ""); r.header.Get("Allow") == "" {
		t.Error("405: got no Allow")
	}
}

// TestProblems_secret: what a handler failed of is in the log and in no answer.
func TestProblems_secret(t *testing.T) {
	t.Parallel()
	const secret = "dial tcp 10.0.0.7:5432: password hunter2"
	for name, fail := range map[string]func() error{
		"plain":     func() error { return errors.New(secret) },
		"huma":      func() error { return huma.Error500InternalServerError(secret, errors.New(secret)) },
		"causes":    func() error { return huma.Error503ServiceUnavailable("closed today", errors.New(secret)) },
		"panic":     func() error { panic(secret) },
		"unwrapped": func() error { return huma.NewError(502, "the other side fails", errors.New(secret)) },
	} {
		t.Run(name, func(t *testing.T) {
			log := new(logs)
			s := sample(t, web.Options{Logger: log.logger()})
			web.Register(s, huma.Operation{Method: "GET", Path: "/registered"}, func(context.Context, *struct{}) (*bookOut, error) { return nil, fail() })
			huma.Get(s.API(), "/bare", func(context.Context, *struct{}) (*bookOut, error) { return nil, fail() })
			s.Handle("GET /page", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Fail(w, r, fail()) }))
			for _, path := range []string{"/registered", "/bare", "/page"} {
				r := call(t, s, "GET", path, "", "X-Request-Id: seen-"+path[1:])
				body := r.body
				if r.status < 500 || strings.Contains(body, "hunter2") {
					t.Errorf("%s: got %d %s, want a 5xx without the cause", path, r.status, body)
				}
				if !strings.Contains(body, "seen-"+path[1:]) || !strings.Contains(log.String(), "request_id=seen-"+path[1:]) {
					t.Errorf("%s: want the request's id in the answer and in the log, got %s\n%s", path, body, log)
				}
			}
			if !strings.Contains(log.String(), "hunter2") {
				t.Errorf("the log does not tell the cause: %s", log)
			}
		})
	}
}
