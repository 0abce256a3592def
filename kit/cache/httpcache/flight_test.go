package httpcache

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server is a real one, for what a recorder of responses cannot tell.
func server(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// read sends a request to a server and reads its response to the end.
func read(t *testing.T, s *httptest.Server, method, path string, pairs ...string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	response, err := s.Client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// TestFlight: of many who ask at once, in two processes, one asks the handler.
func TestFlight(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	other := newCache(t, func(o *Options) { o.Name = c.options.Name })
	release := make(chan struct{})
	next, calls := counted(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "page")
	})
	handlers := []http.Handler{c.Handler(next), other.Handler(next)}
	var wg sync.WaitGroup
	var collapsed atomic.Int64
	for i := range 40 {
		wg.Go(func() {
			w := ask(t, handlers[i%2], "GET", "/a")
			want(t, "body", w.Body.String(), "page")
			if strings.Contains(w.Header().Get("Cache-Status"), ";collapsed") {
				collapsed.Add(1)
			}
		})
	}
	for c.Stats().Cache.Misses+other.Stats().Cache.Misses < 40 {
		time.Sleep(time.Millisecond) // until all are on their way
	}
	close(release)
	wg.Wait()
	if calls.Load() != 1 || collapsed.Load() == 0 {
		t.Errorf("got %d calls, %d collapsed, want one call", calls.Load(), collapsed.Load())
	}
}

// TestFlight_clientLeaves: the response is made for those who stay, and stored.
func TestFlight_clientLeaves(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	began, release := make(chan struct{}), make(chan struct{})
	next, calls := counted(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-release
		if err := r.Context().Err(); err != nil {
			t.Errorf("the handler's context ended with its client: %v", err)
		}
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "page")
	})
	h := c.Handler(next)
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	left := make(chan struct{})
	go func() {
		defer close(left)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/a", nil).WithContext(ctx))
		if w.Code == 200 {
			t.Errorf("who left was answered 200 %q", w.Body)
		}
	}()
	<-began
	wg.Go(func() { want(t, "who stayed", ask(t, h, "GET", "/a").Body.String(), "page") })
	leave()
	<-left
	close(release)
	wg.Wait()
	want(t, "stored", ask(t, h, "GET", "/a").Header().Get("Cache-Status"), "test;hit;ttl=60")
	if calls.Load() != 1 {
		t.Errorf("got %d calls, want 1", calls.Load())
	}
}

// TestFlight_notStored: those who waited for a response that is not for them are
// served at the same time, not one after the other; and for a while nobody waits.
func TestFlight_notStored(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	const n = 8
	var arrived sync.WaitGroup
	arrived.Add(n)
	h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private")
		w.WriteHeader(200)
		arrived.Done()
		arrived.Wait() // ends only if all are here together
		_, _ = io.WriteString(w, "page")
	}))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { want(t, "body", ask(t, h, "GET", "/a").Body.String(), "page") })
	}
	wg.Wait()
}

// TestFlight_settles: a response whose key becomes known by its Vary alone is its
// client's, also when another request is making one for that key at the time: that
// one may turn out to be for a third key, or for nobody.
func TestFlight_settles(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	begun, end := make(chan struct{}), make(chan struct{})
	next, _ := counted(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept")
		if r.Header.Get("X-Second") != "" {
			close(begun)
			<-end
			w.Header().Set("Vary", "Accept, X-Second")
		}
		_, _ = io.WriteString(w, "for "+r.Header.Get("X-Second"))
	})
	r := httptest.NewRequest("GET", "/a", nil)
	w := httptest.NewRecorder()
	of, _ := c.targetOf(r)
	x := &exchange{cache: c, next: next, w: w, request: r, target: of, said: parseDirectives(nil)}
	f, over := x.fetch(of.key(""), nil, fwdURIMiss)
	if over || f.rec == nil || f.err != nil {
		t.Fatalf("got %v, %v, want a response whose key was not known", over, f.err)
	}
	var both sync.WaitGroup
	both.Go(func() {
		want(t, "second", ask(t, c.Handler(next), "GET", "/a", "X-Second", "2").Body.String(), "for 2")
	})
	<-begun
	both.Go(func() { x.settle(f, nil) })
	time.Sleep(50 * time.Millisecond) // too little would hide the mistake, and make none
	close(end)
	both.Wait()
	want(t, "first", w.Body.String(), "for ")
}

// TestFailures: what is not whole, or is a failure, is not stored; its client
// sees what it would have seen without a cache.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func(w http.ResponseWriter, r *http.Request)
		code int  // of the answer; 0: the connection breaks
		cut  bool // the body ends too soon
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", 500) }, 500, false},
		{"panic", func(_ http.ResponseWriter, _ *http.Request) { panic("the handler's") }, 0, false},
		{"abort", func(_ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, 0, false},
		{"panic half-way", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half a pa")
			panic(http.ErrAbortHandler)
		}, 0, false},
		{"shorter than announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half a pa")
		}, 200, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			next, calls := counted(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=60")
				test.fail(w, r)
			})
			s := server(t, c.Handler(next))
			for i := range 2 {
				before := calls.Load()
				response, body, err := read(t, s, "GET", "/a")
				switch {
				case test.code == 0 && err == nil:
					t.Errorf("got %d %q, want a broken connection", response.StatusCode, body)
				case test.code != 0 && (response == nil || response.StatusCode != test.code):
					t.Errorf("got %v %v, want %d", response, err, test.code)
				case test.cut && err == nil:
					t.Errorf("got all of %q, want an unexpected end", body)
				}
				if calls.Load() == before {
					t.Errorf("request %d was answered from the cache", i)
				}
			}
			if stored := c.Stats().Cache.Stored; stored != 0 {
				t.Errorf("%d responses were stored", stored)
			}
		})
	}
}

// TestFailures_waiting: who waited for a handler that panics asks it itself.
func TestFailures_waiting(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	began, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if first.CompareAndSwap(false, true) {
			close(began)
			<-release
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "page")
	})))
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, body, err := read(t, s, "GET", "/a"); err == nil {
			t.Errorf("got %q, want a broken connection", body)
		}
	})
	<-began
	for range 5 {
		wg.Go(func() {
			_, body, err := read(t, s, "GET", "/a")
			if err != nil || body != "page" {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
	for c.Stats().Cache.Misses < 6 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
}

// TestStreams: what is not stored comes as it is written.
func TestStreams(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 10000) // what net/http keeps back is less
	for _, test := range []struct {
		name   string
		serve  func(w http.ResponseWriter, r *http.Request, next func())
		detail string
	}{
		{"flushed", func(w http.ResponseWriter, _ *http.Request, next func()) {
			_, _ = io.WriteString(w, "one ")
			w.(http.Flusher).Flush()
			next()
			_, _ = io.WriteString(w, "two")
		}, "stream"},
		{"events", func(w http.ResponseWriter, _ *http.Request, next func()) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "one ")
			_ = http.NewResponseController(w).Flush()
			next()
			_, _ = io.WriteString(w, "two")
		}, "stream"},
		{"large", func(w http.ResponseWriter, _ *http.Request, next func()) {
			_, _ = io.WriteString(w, "one ")
			_, _ = io.WriteString(w, large)
			next()
			_, _ = io.WriteString(w, "two")
		}, "large"},
		{"private and flushed", func(w http.ResponseWriter, _ *http.Request, next func()) {
			w.Header().Set("Cache-Control", "private")
			_, _ = io.WriteString(w, "one ")
			w.(http.Flusher).Flush()
			next()
			_, _ = io.WriteString(w, "two")
		}, "private"},
		{"slow", func(w http.ResponseWriter, _ *http.Request, next func()) {
			for range 3 {
				time.Sleep(100 * time.Millisecond) // over LoadTimeout
			}
			_, _ = io.WriteString(w, "one "+large)
			next()
			_, _ = io.WriteString(w, "two")
		}, "slow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t, func(o *Options) {
				o.MaxBytes = 2000
				if test.name == "slow" {
					o.MaxBytes, o.LoadTimeout = 0, 200*time.Millisecond
				}
			})
			seen := make(chan struct{}, 4)
			s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				test.serve(w, r, func() { <-seen })
			})))
			response, err := s.Client().Get(s.URL + "/a")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			start := make([]byte, 4)
			if _, err := io.ReadFull(response.Body, start); err != nil || string(start) != "one " {
				t.Fatalf("got %q, %v", start, err)
			}
			seen <- struct{}{}
			rest, err := io.ReadAll(response.Body)
			if err != nil || !strings.HasSuffix(string(rest), "two") {
				t.Errorf("got %q, %v", rest, err)
			}
			want(t, "status", response.Header.Get("Cache-Status"), "test;fwd=uri-miss;detail="+test.detail)
			seen <- struct{}{}
			if next, _, err := read(t, s, "GET", "/a"); err != nil || strings.Contains(next.Header.Get("Cache-Status"), "hit") {
				t.Errorf("got %v, %v", next, err)
			}
			if stored := c.Stats().Cache.Stored; stored != 0 {
				t.Errorf("%d responses were stored", stored)
			}
		})
	}
}

// TestStreams_clientLeaves: a response that is not stored is its client's alone,
// and so is the handler's context.
func TestStreams_clientLeaves(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	ended := make(chan struct{})
	s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(ended)
	})))
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	<-ended
	response.Body.Close()
}

// TestStreams_head: HEAD of a stream ends.
func TestStreams_head(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil || r.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			_ = http.NewResponseController(w).Flush()
		}
	})))
	response, body, err := read(t, s, "HEAD", "/a")
	if err != nil || body != "" || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %v, %q, %v", response, body, err)
	}
}

// TestTrailers come through, and such a response is not stored.
func TestTrailers(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(w http.ResponseWriter){
		"announced": func(w http.ResponseWriter) {
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "page")
			w.Header().Set("X-Sum", "4")
		},
		"by prefix": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, strings.Repeat("page", 3000)) // shorter ones have none with net/http
			w.Header().Set(http.TrailerPrefix+"X-Sum", "4")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				set(w)
			})))
			for range 2 {
				response, body, err := read(t, s, "GET", "/a")
				if err != nil || !strings.HasPrefix(body, "page") || response.Trailer.Get("X-Sum") != "4" {
					t.Errorf("got %.10q, %v, %v", body, response.Trailer, err)
				}
			}
			if stored := c.Stats().Cache.Stored; stored != 0 {
				t.Errorf("%d responses were stored", stored)
			}
		})
	}
}
