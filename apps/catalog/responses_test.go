package catalog_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// deaf is an instance that answers and does nothing else: no message of Redis
// reaches it.
func deaf(t *testing.T, url, prefix string, store catalog.Store) *catalog.App {
	t.Helper()
	a, err := catalog.New(catalog.Deps{Redis: connected(t, url), Store: store, Prefix: prefix + ":", Logger: quiet, Web: web.Options{Reveal: true}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// answer is what an instance says to a request.
type answer struct {
	*httptest.ResponseRecorder
}

func (a answer) layers() string { return strings.Join(a.Header().Values("Cache-Status"), ", ") }

// said is the body, which must be of a 200.
func (a answer) said(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body.Bytes(), into); err != nil || a.Code != http.StatusOK {
		t.Fatalf("got %d, %v: %s", a.Code, err, a.Body)
	}
}

func ask(a *catalog.App, path string, header ...string) answer {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return answer{w}
}

// price changes one and returns the product as it is then.
func price(t *testing.T, a *catalog.App, path string, cents int) (p catalog.Product) {
	t.Helper()
	body, _ := json.Marshal(map[string]int{"price_cents": cents})
	r := httptest.NewRequest(http.MethodPut, path+"/price", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	answer{w}.said(t, &p)
	return p
}

// TestResponses: a whole response is answered again by every instance, with what
// browsers need to ask whether theirs still stands, and without what was said to
// the cache alone.
func TestResponses(t *testing.T) {
	t.Parallel()
	s, url, prefix := newShelf(100), redistest.Server(t).URL(), redistest.Prefix(t)
	here, there := deaf(t, url, prefix, s), deaf(t, url, prefix, s)
	for _, path := range []string{"/products/7", "/products?limit=5", "/products/7/related"} {
		first := ask(here, path)
		calls := s.calls()
		second := ask(there, path, "Cookie", "somebody=else")
		if !strings.Contains(second.layers(), ":response;hit") || s.calls() != calls || second.Body.String() != first.Body.String() {
			t.Errorf("%s: got %q after %d calls, %s, want the response of the other instance, %s", path, second.layers(), s.calls()-calls, second.Body, first.Body)
		}
		if h := second.Header(); h.Get("Cache-Control") != "no-cache" || h.Get("Etag") == "" || h.Get("Surrogate-Key") != "" {
			t.Errorf("%s: got %v, want no-cache, an ETag, and no tags", path, h)
		}
		if again := ask(there, path, "If-None-Match", second.Header().Get("Etag")); again.Code != http.StatusNotModified {
			t.Errorf("%s, with its ETag: got %d, want 304", path, again.Code)
		}
		for range 2 {
			ask(here, path)
		}
		there.Layers().Memory.Store(false)
		if a := ask(there, path); !strings.Contains(a.layers(), ":response;hit") || strings.Contains(a.layers(), "memory") {
			t.Errorf("%s, without memory: got %q, want the response from Redis", path, a.layers())
		}
		there.Layers().Responses.Store(false)
		if a := ask(there, path); strings.Contains(a.layers(), "response") || a.Header().Get("Cache-Control") != "no-cache" || a.Body.String() != first.Body.String() {
			t.Errorf("%s, without responses: got %q and %v", path, a.layers(), a.Header())
		}
		there.Layers().All(true)
	}
	for _, path := range []string{"/products/101", "/products/0", "/products?limit=101"} {
		for range 2 {
			if a := ask(here, path); a.Code < 400 || strings.Contains(a.layers(), "hit") {
				t.Errorf("%s: got %d and %q, want a problem that nobody keeps", path, a.Code, a.layers())
			}
		}
	}
}

// TestResponses_change: whoever changed a product finds the change at once in all
// that shows it, and what does not show it stays.
func TestResponses_change(t *testing.T) {
	t.Parallel()
	s := newShelf(100)
	a := deaf(t, redistest.Server(t).URL(), redistest.Prefix(t), s)
	showing, other := []string{"/products/16", "/products?limit=20", "/products/1/related"}, "/products?limit=20&cursor="
	var page struct {
		Items []catalog.Product
		Next  string
	}
	ask(a, showing[1]).said(t, &page)
	other += page.Next
	for _, path := range append(showing, other) {
		for range 2 {
			ask(a, path)
		}
	}
	changed := price(t, a, "/products/16", 4711)
	if changed.Version != 2 {
		t.Fatalf("got %+v, want version 2", changed)
	}
	for _, path := range showing {
		if got := ask(a, path); !strings.Contains(got.Body.String(), `"price_cents":4711`) {
			t.Errorf("%s after the change: got %s from %q", path, got.Body, got.layers())
		}
	}
	if got := ask(a, other); !strings.Contains(got.layers(), ":response;hit") {
		t.Errorf("a list without the product: got %q, want the response from before", got.layers())
	}
}

// TestResponses_forAll: an instance that has not heard of a change yet does not put
// what its memory says into a response that all instances would answer with.
func TestResponses_forAll(t *testing.T) {
	t.Parallel()
	s, url, prefix := newShelf(20), redistest.Server(t).URL(), redistest.Prefix(t)
	author, behind := deaf(t, url, prefix, s), deaf(t, url, prefix, s)
	behind.Layers().Responses.Store(false)
	for range 2 {
		ask(behind, "/products/7")
	}
	price(t, author, "/products/7", 4711)
	var p catalog.Product
	old := ask(behind, "/products/7")
	if old.said(t, &p); p.Version != 1 || !strings.HasPrefix(old.layers(), "memory; hit") {
		t.Fatalf("got %+v from %q, want what its memory has: the test would prove nothing", p, old.layers())
	}
	behind.Layers().Responses.Store(true)
	for _, a := range []*catalog.App{behind, author} {
		if ask(a, "/products/7").said(t, &p); p.PriceCents != 4711 {
			t.Errorf("got %+v, want the new price", p)
		}
	}
}

// TestResponses_outage: without Redis nobody is answered with a response that a
// change could not take away.
func TestResponses_outage(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t, redisproc.Options{}), newShelf(20)
	a := deaf(t, server.URL(), "c", s)
	ask(a, "/products/7")
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	var p catalog.Product
	for cents := 1; cents <= 5; cents++ {
		price(t, a, "/products/7", cents)
		if ask(a, "/products/7").said(t, &p); p.PriceCents != cents {
			t.Errorf("got the price %d, want %d, as was just changed", p.PriceCents, cents)
		}
	}
	if ask(a, "/products/8").said(t, &p); p.ID != 8 {
		t.Errorf("got %+v, want product 8", p)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
}
