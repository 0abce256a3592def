package static_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/web/static"
)

func get(t *testing.T, method, path, etag string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestHandler(t *testing.T) {
	hashed := get(t, "GET", static.Href("css/tokens.css"), "")
	body, err := io.ReadAll(hashed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if hashed.StatusCode != 200 || !strings.Contains(string(body), "--accent") {
		t.Fatalf("got %d and %d bytes, want the tokens", hashed.StatusCode, len(body))
	}
	if got := hashed.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("hashed address: got Cache-Control %q, want immutable", got)
	}
	if got := hashed.Header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("got Content-Type %q", got)
	}

	plain := get(t, "GET", static.Prefix+"css/tokens.css", "")
	if got := plain.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("address without hash: got Cache-Control %q, want no-cache", got)
	}
	again := get(t, "GET", static.Prefix+"css/tokens.css", plain.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("with its ETag: got %d, want 304", again.StatusCode)
	}
}

func TestHandler_refuses(t *testing.T) {
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", static.Prefix + "css/none.css", 404},
		{"GET", static.Prefix + "../static.go", 404},
		{"GET", static.Prefix + "000000000000/css/tokens.css", 404},
		{"GET", static.Prefix, 404},
		{"POST", static.Prefix + "css/tokens.css", 405},
	} {
		if got := get(t, tc.method, tc.path, "").StatusCode; got != tc.want {
			t.Errorf("%s %s: got %d, want %d", tc.method, tc.path, got, tc.want)
		}
	}
}

// A strict page loads nothing from elsewhere and runs no text as code.
func TestFiles_stayHome(t *testing.T) {
	for _, name := range []string{"js/dom.js", "js/main.js", "css/tokens.css", "css/bench.css"} {
		r := get(t, "GET", static.Href(name), "")
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 200 {
			t.Fatalf("%s: %d %v", name, r.StatusCode, err)
		}
		for _, bad := range []string{"//cdn", "http://", "https://", "eval(", "new Function", "@import"} {
			if strings.Contains(string(body), bad) {
				t.Errorf("%s contains %q", name, bad)
			}
		}
	}
}
