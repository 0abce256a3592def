package httpcache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

// newCache is a cache on the package's server, under a name of its own.
func newCache(t testing.TB, change ...func(*Options)) *Cache {
	t.Helper()
	o := Options{Name: redistest.Prefix(t)}
	for _, f := range change {
		f(&o)
	}
	c, err := New(redistest.Client(t), o)
	if err != nil {
		t.Fatal(err)
	}
	c.identifier = identifierOf("test")
	return c
}

// counted counts the calls of a handler.
func counted(next http.HandlerFunc) (http.Handler, *atomic.Int64) {
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		next(w, r)
	}), &calls
}

// says is a handler that answers with a number that grows, and these headers.
func says(pairs ...string) (http.Handler, *atomic.Int64) {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(pairs); i += 2 {
			w.Header().Add(pairs[i], pairs[i+1])
		}
		fmt.Fprintf(w, "response %d", n.Add(1))
	}), &n
}

// ask sends a request to a handler; pairs are headers.
func ask(t testing.TB, h http.Handler, method, url string, pairs ...string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(h, httptest.NewRequest(method, url, nil), pairs)
}

// serve is ask for a request that is made already.
func serve(h http.Handler, r *http.Request, pairs []string) *httptest.ResponseRecorder {
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// want checks one thing of a response.
func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
