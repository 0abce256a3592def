package httpcache

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRules is what RFC 9111 says of a shared cache, and where this one stores
// less, by section. Each response is asked for twice; the second time it comes
// from the cache or not.
func TestRules(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	hour := func(o *Options) { o.Heuristic = time.Hour }
	as := func(o *Options) { o.User = func(r *http.Request) string { return r.Header.Get("X-Verified") } }
	type headers = []string
	for _, rule := range []struct {
		section, name string
		options       func(*Options)
		method        string
		request       headers // of both
		status        int
		response      headers
		again         headers // of the second request, besides
		hit           bool
		detail        string // of the first answer
	}{
		{"3", "max-age", nil, "", nil, 200, headers{"Cache-Control", "max-age=60"}, nil, true, ""},
		{"3", "nothing said", nil, "", nil, 200, nil, nil, false, "no-freshness"},
		{"3", "404 with max-age", nil, "", nil, 404, headers{"Cache-Control", "max-age=60"}, nil, true, ""},
		{"3", "301 with max-age", nil, "", nil, 301, headers{"Cache-Control", "max-age=60", "Location", "/b"}, nil, true, ""},
		{"3", "302 with max-age", nil, "", nil, 302, headers{"Cache-Control", "max-age=60", "Location", "/b"}, nil, true, ""},
		{"3", "204 with max-age", nil, "", nil, 204, headers{"Cache-Control", "max-age=60"}, nil, true, ""},
		{"3", "500, said to be cacheable", nil, "", nil, 500, headers{"Cache-Control", "public, max-age=60"}, nil, false, "error"},
		{"3", "503, said to be cacheable", nil, "", nil, 503, headers{"Cache-Control", "public, s-maxage=60"}, nil, false, "error"},
		{"3", "a status nobody knows", nil, "", nil, 299, headers{"Cache-Control", "max-age=60"}, nil, false, "status"},
		{"3", "401, said to be cacheable", nil, "", nil, 401, headers{"Cache-Control", "public, max-age=60"}, nil, false, "status"},
		{"3", "403, said to be cacheable", nil, "", nil, 403, headers{"Cache-Control", "public, max-age=60"}, nil, false, "status"},
		{"3.3", "206", nil, "", nil, 206, headers{"Cache-Control", "max-age=60", "Content-Range", "bytes 0-1/9"}, nil, false, "status"},
		{"3.3", "Range", nil, "", headers{"Range", "bytes=0-1"}, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "range"},
		{"3.5", "Authorization", nil, "", headers{"Authorization", "Basic eA=="}, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "credentials"},
		{"3.5", "Authorization, public", nil, "", headers{"Authorization", "Basic eA=="}, 200, headers{"Cache-Control", "public, max-age=60"}, nil, true, ""},
		{"3.5", "Authorization, s-maxage", nil, "", headers{"Authorization", "Basic eA=="}, 200, headers{"Cache-Control", "s-maxage=60"}, nil, true, ""},
		{"3.5", "Authorization, must-revalidate: less than allowed", nil, "", headers{"Authorization", "Basic eA=="}, 200, headers{"Cache-Control", "max-age=60, must-revalidate"}, nil, false, "credentials"},
		{"3.5", "stored without Authorization, asked with it", nil, "", nil, 200, headers{"Cache-Control", "max-age=60"}, headers{"Authorization", "Basic eA=="}, false, ""},
		{"3.5", "stored as public, asked with Authorization", nil, "", nil, 200, headers{"Cache-Control", "public, max-age=60"}, headers{"Authorization", "Basic eA=="}, true, ""},
		{"–", "Cookie", nil, "", headers{"Cookie", "s=1"}, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "credentials"},
		{"–", "Cookie, public", nil, "", headers{"Cookie", "s=1"}, 200, headers{"Cache-Control", "public, max-age=60"}, nil, true, ""},
		{"–", "Set-Cookie, public", nil, "", nil, 200, headers{"Cache-Control", "public, max-age=60", "Set-Cookie", "s=1"}, nil, false, "set-cookie"},
		{"–", "Set-Cookie to its user", as, "", headers{"X-Verified", "ann"}, 200, headers{"Cache-Control", "private, max-age=60", "Set-Cookie", "s=1"}, nil, false, "set-cookie"},
		{"4", "POST", nil, "POST", nil, 200, headers{"Cache-Control", "max-age=60"}, nil, false, ""},
		{"4", "HEAD from HEAD", nil, "HEAD", nil, 200, headers{"Cache-Control", "max-age=60"}, nil, true, ""},
		{"4", "a GET with a body", nil, "BODY", nil, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "body"},
		{"4.1", "Vary, the same", nil, "", headers{"Accept", "a"}, 200, headers{"Cache-Control", "max-age=60", "Vary", "Accept"}, nil, true, ""},
		{"4.1", "Vary, another", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Vary", "Accept"}, headers{"Accept", "b"}, false, ""},
		{"4.1", "Vary, spaces do not matter", nil, "", headers{"Accept", " a "}, 200, headers{"Cache-Control", "max-age=60", "Vary", "accept"}, nil, true, ""},
		{"4.1", "Vary on two, one differs", nil, "", headers{"Accept", "a"}, 200, headers{"Cache-Control", "max-age=60", "Vary", "Accept", "Vary", "X-B"}, headers{"X-B", "b"}, false, ""},
		{"4.1", "Vary: *", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Vary", "*"}, nil, false, "vary"},
		{"4.1", "Vary: Accept, *", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Vary", "Accept, *"}, nil, false, "vary"},
		{"4.1", "Vary out of form", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Vary", "a b"}, nil, false, "vary"},
		{"4.2.1", "s-maxage before max-age", nil, "", nil, 200, headers{"Cache-Control", "max-age=60, s-maxage=0"}, nil, false, "expired"},
		{"4.2.1", "s-maxage alone", nil, "", nil, 200, headers{"Cache-Control", "s-maxage=60"}, nil, true, ""},
		{"4.2.1", "max-age before Expires", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Expires", at(-time.Hour)}, nil, true, ""},
		{"4.2.1", "max-age=0 before Expires", nil, "", nil, 200, headers{"Cache-Control", "max-age=0", "Expires", at(time.Hour)}, nil, false, "expired"},
		{"4.2.1", "Expires", nil, "", nil, 200, headers{"Expires", at(time.Hour)}, nil, true, ""},
		{"4.2.1", "Expires against Date, not our clock", nil, "", nil, 200, headers{"Date", at(-2 * time.Hour), "Expires", at(-time.Hour)}, nil, false, "expired"},
		{"4.2.1", "two values: the shorter", nil, "", nil, 200, headers{"Cache-Control", "max-age=60, max-age=0"}, nil, false, "expired"},
		{"4.2.2", "no guess", nil, "", nil, 200, headers{"Last-Modified", at(-time.Hour)}, nil, false, "no-freshness"},
		{"4.2.2", "a guess, if asked for", hour, "", nil, 200, nil, nil, true, ""},
		{"4.2.2", "a tenth of the time since Last-Modified", hour, "", nil, 200, headers{"Last-Modified", at(-time.Hour)}, nil, true, ""},
		{"4.2.2", "modified in the future", hour, "", nil, 200, headers{"Last-Modified", at(time.Hour)}, nil, false, "no-freshness"},
		{"4.2.2", "no guess for 302", hour, "", nil, 302, headers{"Location", "/b"}, nil, false, "no-freshness"},
		{"4.2.2", "no guess against max-age=0", hour, "", nil, 200, headers{"Cache-Control", "max-age=0"}, nil, false, "expired"},
		{"4.2.2", "no guess for credentials", hour, "", headers{"Cookie", "s=1"}, 200, nil, nil, false, "credentials"},
		{"4.2.3", "Age uses up the freshness", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Age", "60"}, nil, false, "expired"},
		{"4.2.3", "Age leaves some", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Age", "30"}, nil, true, ""},
		{"4.2.3", "an old Date does too", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Date", at(-2 * time.Minute)}, nil, false, "expired"},
		{"4.2.4", "stale, unless allowed", nil, "", nil, 200, headers{"Cache-Control", "max-age=0"}, nil, false, "expired"},
		{"5.2.1", "max-age of the request", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Age", "30"}, headers{"Cache-Control", "max-age=10"}, false, ""},
		{"5.2.1", "max-age that is enough", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Age", "30"}, headers{"Cache-Control", "max-age=40"}, true, ""},
		{"5.2.1", "min-fresh of the request", nil, "", nil, 200, headers{"Cache-Control", "max-age=60"}, headers{"Cache-Control", "min-fresh=100"}, false, ""},
		{"5.2.1", "no-cache of the request", nil, "", nil, 200, headers{"Cache-Control", "max-age=60"}, headers{"Cache-Control", "no-cache"}, false, ""},
		{"5.2.1", "no-cache, not obeyed", func(o *Options) { o.IgnoreReload = true }, "", nil, 200, headers{"Cache-Control", "max-age=60"}, headers{"Cache-Control", "no-cache, max-age=0"}, true, ""},
		{"5.2.1.5", "no-store of the request", nil, "", headers{"Cache-Control", "no-store"}, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "no-store"},
		{"5.2.1.5", "no-store, obeyed always", func(o *Options) { o.IgnoreReload = true }, "", headers{"Cache-Control", "no-store"}, 200, headers{"Cache-Control", "max-age=60"}, nil, false, "no-store"},
		{"5.2.2", "names in any case", nil, "", nil, 200, headers{"Cache-Control", "Max-Age=60, PRIVATE"}, nil, false, "private"},
		{"5.2.2", "several lines", nil, "", nil, 200, headers{"Cache-Control", "max-age=60", "Cache-Control", "no-store"}, nil, false, "no-store"},
		{"5.2.2", "quoted time", nil, "", nil, 200, headers{"Cache-Control", `max-age="60"`}, nil, true, ""},
		{"5.2.2", "what is unknown", nil, "", nil, 200, headers{"Cache-Control", `community="UCI, no-store", max-age=60`}, nil, true, ""},
		{"5.2.2", "out of form", nil, "", nil, 200, headers{"Cache-Control", `max-age=60, x="`}, nil, false, "no-store"},
		{"5.2.2", "no number", nil, "", nil, 200, headers{"Cache-Control", "max-age=1h"}, nil, false, "expired"},
		{"5.2.2.2", "must-revalidate while fresh", nil, "", nil, 200, headers{"Cache-Control", "max-age=60, must-revalidate"}, nil, true, ""},
		{"5.2.2.3", "must-understand is not regarded", nil, "", nil, 200, headers{"Cache-Control", "max-age=60, must-understand, no-store"}, nil, false, "no-store"},
		{"5.2.2.4", "no-cache", nil, "", nil, 200, headers{"Cache-Control", "no-cache, max-age=60"}, nil, false, "no-store"},
		{"5.2.2.4", "no-cache for a field: more than asked", nil, "", nil, 200, headers{"Cache-Control", `no-cache="X-A", max-age=60`}, nil, false, "no-store"},
		{"5.2.2.5", "no-store", nil, "", nil, 200, headers{"Cache-Control", "no-store, max-age=60"}, nil, false, "no-store"},
		{"5.2.2.7", "private", nil, "", nil, 200, headers{"Cache-Control", "private, max-age=60"}, nil, false, "private"},
		{"5.2.2.7", "private and public", nil, "", nil, 200, headers{"Cache-Control", "public, private, max-age=60"}, nil, false, "private"},
		{"5.2.2.7", "private for a field: more than asked", nil, "", nil, 200, headers{"Cache-Control", `private="X-A", max-age=60`}, nil, false, "private"},
		{"5.2.2.7", "private, to its user", as, "", headers{"X-Verified", "ann"}, 200, headers{"Cache-Control", "private, max-age=60"}, nil, true, ""},
		{"5.2.2.7", "private, and nobody is known", as, "", nil, 200, headers{"Cache-Control", "private, max-age=60"}, nil, false, "private"},
		{"5.2.2.9", "public says nothing of time", nil, "", nil, 200, headers{"Cache-Control", "public"}, nil, false, "no-freshness"},
		{"5.3", "Expires out of form", nil, "", nil, 200, headers{"Expires", "0"}, nil, false, "expired"},
		{"5.4", "Pragma: no-cache", nil, "", nil, 200, headers{"Cache-Control", "max-age=60"}, headers{"Pragma", "no-cache"}, false, ""},
		{"5.4", "Pragma beside Cache-Control", nil, "", headers{"Cache-Control", "max-age=50"}, 200, headers{"Cache-Control", "max-age=60"}, headers{"Pragma", "no-cache"}, true, ""},
	} {
		t.Run(rule.section+" "+rule.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t, func(o *Options) {
				if rule.options != nil {
					rule.options(o)
				}
			})
			next, calls := counted(func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(rule.response); i += 2 {
					w.Header().Add(rule.response[i], rule.response[i+1])
				}
				w.WriteHeader(rule.status)
			})
			h := c.Handler(next)
			method, url := rule.method, "/a"
			send := func(pairs ...string) string {
				r, _ := http.NewRequest("GET", "http://example.com"+url, nil)
				switch method {
				case "":
				case "BODY":
					r, _ = http.NewRequest("GET", "http://example.com"+url, strings.NewReader("x"))
				default:
					r.Method = method
				}
				return serve(h, r, pairs).Header().Get("Cache-Status")
			}
			first := send(rule.request...)
			if _, detail, _ := strings.Cut(first, "detail="); detail != rule.detail {
				t.Errorf("got %q at first, want detail=%q", first, rule.detail)
			}
			second := send(append(rule.request, rule.again...)...)
			if hit := calls.Load() == 1; hit != rule.hit || hit != strings.Contains(second, ";hit") {
				t.Errorf("got %d calls of the handler and %q then %q, want a hit: %v", calls.Load(), first, second, rule.hit)
			}
		})
	}
}

// TestRules_invalidation is RFC 9111, 4.4.
func TestRules_invalidation(t *testing.T) {
	t.Parallel()
	for _, rule := range []struct {
		name, method string
		status       int
		response     []string
		gone         bool
	}{
		{"POST", "POST", 200, nil, true},
		{"PUT", "PUT", 204, nil, true},
		{"DELETE", "DELETE", 204, nil, true},
		{"PATCH", "PATCH", 200, nil, true},
		{"a method nobody knows", "TICKLE", 200, nil, true},
		{"a redirect after POST", "POST", 303, []string{"Location", "/other"}, true},
		{"POST that failed", "POST", 422, nil, false},
		{"POST that broke", "POST", 500, nil, false},
		{"OPTIONS", "OPTIONS", 200, nil, false},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				if r.Method == rule.method {
					for i := 0; i+1 < len(rule.response); i += 2 {
						w.Header().Add(rule.response[i], rule.response[i+1])
					}
					w.WriteHeader(rule.status)
				}
			}))
			ask(t, h, "GET", "/a")
			ask(t, h, rule.method, "/a")
			status := ask(t, h, "GET", "/a").Header().Get("Cache-Status")
			if gone := !strings.Contains(status, "hit"); gone != rule.gone {
				t.Errorf("got %q afterwards, want it gone: %v", status, rule.gone)
			}
		})
	}
	t.Run("Location and tags", func(t *testing.T) {
		t.Parallel()
		c := newCache(t)
		h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			if r.Method == "POST" {
				w.Header().Set("Location", "http://example.com/new")
				w.Header().Set("Content-Location", "http://elsewhere.example/away")
				w.Header().Set("Cache-Tag", "list")
				w.WriteHeader(http.StatusCreated)
				return
			}
			if r.URL.Path == "/list" {
				w.Header().Set("Surrogate-Key", "list other")
			}
		}))
		urls := []string{"/new", "/list", "/unconcerned", "http://elsewhere.example/away"}
		for _, url := range urls {
			ask(t, h, "GET", url)
		}
		if h := ask(t, h, "POST", "/create").Header(); h.Get("Cache-Tag") != "" {
			t.Errorf("the client was told the tags: %v", h)
		}
		for i, gone := range []bool{true, true, false, false} {
			status := ask(t, h, "GET", urls[i]).Header().Get("Cache-Status")
			if strings.Contains(status, "hit") == gone {
				t.Errorf("%s: got %q, want it gone: %v", urls[i], status, gone)
			}
		}
	})
}
