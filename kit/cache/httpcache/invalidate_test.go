package httpcache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestInvalidate: after an invalidation nothing older is answered with, whatever
// kind of response it is, and not even if it was being made meanwhile.
func TestInvalidate(t *testing.T) {
	t.Parallel()
	type invalidation = func(c *Cache, t *testing.T) error
	byURL := func(c *Cache, t *testing.T) error {
		return c.InvalidateURL(t.Context(), "https://Example.com/%61?b=2&a=1")
	}
	byTag := func(c *Cache, t *testing.T) error { return c.InvalidateTag(t.Context(), "other", "book:7") }
	all := func(c *Cache, t *testing.T) error { return c.Clear(t.Context()) }
	byPost := func(c *Cache, t *testing.T) error {
		ask(t, c.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), "POST", "/a?b=2&a=1")
		return nil
	}
	for way, invalidate := range map[string]invalidation{"URL": byURL, "tag": byTag, "Clear": all, "POST": byPost} {
		for kind, change := range map[string]func(h http.Header, r *http.Request){
			"plain":  func(http.Header, *http.Request) {},
			"varied": func(h http.Header, _ *http.Request) { h.Set("Vary", "Accept") },
			"user's": func(_ http.Header, r *http.Request) { r.Header.Set("X-Verified", "ann") },
		} {
			for _, meanwhile := range []bool{false, true} {
				t.Run(fmt.Sprint(way, ", ", kind, ", meanwhile ", meanwhile), func(t *testing.T) {
					t.Parallel()
					testInvalidate(t, invalidate, change, meanwhile)
				})
			}
		}
	}
}

func testInvalidate(t *testing.T, invalidate func(*Cache, *testing.T) error, change func(http.Header, *http.Request), meanwhile bool) {
	c := newCache(t, func(o *Options) { o.User = verified })
	var state atomic.Int64
	began, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		seen := state.Load()
		if meanwhile {
			once.Do(func() { close(began); <-release })
		}
		w.Header().Set("Cache-Control", "public, max-age=60, stale-while-revalidate=60, stale-if-error=60")
		w.Header().Set("Surrogate-Key", "book:7  authors")
		change(w.Header(), &http.Request{Header: http.Header{}})
		fmt.Fprint(w, "state ", seen)
	}))
	get := func() string {
		r := httptest.NewRequest("GET", "/a?a=1&b=2", nil)
		change(http.Header{}, r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if tags := w.Header().Get("Surrogate-Key"); tags != "" {
			t.Errorf("the client was told the tags %q", tags)
		}
		return w.Body.String()
	}
	var wg sync.WaitGroup
	if meanwhile {
		wg.Go(func() { get() })
		<-began
	} else {
		want(t, "before", get(), "state 0")
		want(t, "before", get(), "state 0")
	}
	state.Store(1)
	if err := invalidate(c, t); err != nil {
		t.Fatal(err)
	}
	if meanwhile {
		close(release)
		wg.Wait()
	}
	want(t, "after", get(), "state 1")
	want(t, "after", get(), "state 1")
}

// TestChange_order: who has read that a change succeeded does not read what was
// before it, however the response was sent.
func TestChange_order(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]func(w http.ResponseWriter, commit func()){
		"commits, answers": func(w http.ResponseWriter, commit func()) { commit(); w.WriteHeader(204) },
		"answers, commits": func(w http.ResponseWriter, commit func()) { _, _ = w.Write([]byte("ok")); commit() },
		"commits, flushes": func(w http.ResponseWriter, commit func()) { commit(); w.(http.Flusher).Flush() },
		"commits, much":    func(w http.ResponseWriter, commit func()) { commit(); _, _ = w.Write(make([]byte, 100_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			var state atomic.Int64
			seen := make(chan struct{})
			s := server(t, c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "POST" {
					respond(w, func() { state.Add(1) })
					if strings.HasPrefix(name, "commits") && !strings.HasSuffix(name, "answers") {
						<-seen // the client reads while this runs
					}
					return
				}
				w.Header().Set("Cache-Control", "max-age=60")
				fmt.Fprint(w, state.Load())
			})))
			_, before, _ := read(t, s, "GET", "/a")
			want(t, "before", before, "0")
			response, err := s.Client().Post(s.URL+"/a", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := read(t, s, "GET", "/a")
			want(t, "after", after, "1")
			close(seen)
			response.Body.Close()
			if st := c.Stats(); st.Invalidations == 0 || st.InvalidationErrors != 0 {
				t.Errorf("got %+v", st)
			}
		})
	}
}

// TestInvalidateURL_errors: a mistake is told, not taken for "nothing there".
func TestInvalidateURL_errors(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for url, text := range map[string]string{
		"/a":               "no host",
		"http://x/%zz":     "invalid URL escape",
		"http://x/?a=%zz":  "query cannot be read",
		"http://x/a?b;c=1": "query cannot be read",
	} {
		if err := c.InvalidateURL(t.Context(), url); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %v, want %q", url, err, text)
		}
	}
	c = newCache(t, func(o *Options) { o.Host = "Shop" })
	next, _ := says("Cache-Control", "max-age=60")
	h := c.Handler(next)
	want(t, "one host", ask(t, h, "GET", "http://a.example/x").Body.String(), "response 1")
	want(t, "another", ask(t, h, "GET", "http://b.example/x").Body.String(), "response 1")
	if err := c.InvalidateURL(t.Context(), "/x"); err != nil {
		t.Fatal(err)
	}
	want(t, "after", ask(t, h, "GET", "/x").Body.String(), "response 2")
}
