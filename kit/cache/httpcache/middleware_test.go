package httpcache

import (
	"strings"
	"testing"
)

func TestHandler_first(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	next, calls := says("Cache-Control", "max-age=60")
	h := c.Handler(next)
	w := ask(t, h, "GET", "/a")
	want(t, "first", w.Body.String()+" "+w.Header().Get("Cache-Status"), "response 1 test;fwd=uri-miss;stored;ttl=60")
	w = ask(t, h, "GET", "/a")
	want(t, "second", w.Body.String()+" "+w.Header().Get("Cache-Status"), "response 1 test;hit;ttl=60")
	want(t, "age", w.Header().Get("Age"), "0")
	tag := w.Header().Get("Etag")
	w = ask(t, h, "GET", "/a", "If-None-Match", tag)
	if w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("got %d %q, want 304", w.Code, w.Body)
	}
	w = ask(t, h, "HEAD", "/a")
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "10" {
		t.Errorf("HEAD: got %d %q %v", w.Code, w.Body, w.Header())
	}
	if calls.Load() != 1 {
		t.Errorf("got %d calls, want 1", calls.Load())
	}
	ask(t, h, "POST", "/a")
	w = ask(t, h, "GET", "/a")
	want(t, "after POST", w.Body.String(), "response 3")
}

func TestHandler_vary(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	next, calls := says("Cache-Control", "max-age=60", "Vary", "Accept-Language")
	h := c.Handler(next)
	for _, step := range []struct{ language, body, status string }{
		{"de", "response 1", "test;fwd=uri-miss;stored;ttl=60"},
		{"de", "response 1", "test;hit;ttl=60"},
		{"en", "response 2", "test;fwd=vary-miss;stored;ttl=60"},
		{"en", "response 2", "test;hit;ttl=60"},
		{"de", "response 1", "test;hit;ttl=60"},
	} {
		w := ask(t, h, "GET", "/a", "Accept-Language", step.language)
		want(t, step.language, w.Body.String()+" "+w.Header().Get("Cache-Status"), step.body+" "+step.status)
	}
	if err := c.InvalidateURL(t.Context(), "http://example.com/a"); err != nil {
		t.Fatal(err)
	}
	w := ask(t, h, "GET", "/a", "Accept-Language", "de")
	want(t, "after", w.Body.String(), "response 3")
	w = ask(t, h, "GET", "/a", "Accept-Language", "en")
	want(t, "after", w.Body.String(), "response 4")
	_ = calls
}

// TestHandler_layers: Cache-Status names the caches behind the handler before this
// one, for the response that it made and for no later one; and memory where that
// had the response.
func TestHandler_layers(t *testing.T) {
	t.Parallel()
	memory := newCache(t, func(o *Options) { o.Local.Entries = 10 })
	redis := newCache(t, func(o *Options) { o.Name = memory.options.Name })
	next, _ := says("Cache-Control", "max-age=60", "Cache-Status", "values;fwd=uri-miss")
	for _, step := range []struct {
		name   string
		cache  *Cache
		status string
	}{
		{"made", memory, "values;fwd=uri-miss, test;fwd=uri-miss;stored;ttl=60"},
		{"from memory", memory, "test;hit;ttl=60;detail=memory"},
		{"from Redis", redis, "test;hit;ttl=60"},
	} {
		w := ask(t, step.cache.Handler(next), "GET", "/a")
		want(t, step.name, strings.Join(w.Header().Values("Cache-Status"), ", "), step.status)
	}
}
