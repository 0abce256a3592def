package httpcache

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

// TestStale is what may be done with a response that is past its time: RFC 9111,
// 4.2.4, and RFC 5861. The first answer is "1", the handler then says "2" or
// fails.
func TestStale(t *testing.T) {
	t.Parallel()
	lenient := func(o *Options) { o.StaleWhileRevalidate, o.StaleIfError = time.Minute, time.Minute }
	for _, test := range []struct {
		name    string
		options func(*Options)
		control string
		fails   bool
		body    string // of the second answer
		status  string // begins so
		evently string // body of a later answer
	}{
		{"stale-while-revalidate", nil, "max-age=0, stale-while-revalidate=60", false, "1", "test;hit;ttl=-1", "2"},
		{"by Options", lenient, "max-age=0", false, "1", "test;hit", "2"},
		{"forbidden by must-revalidate", lenient, "max-age=0, must-revalidate", false, "2", "test;fwd", "3"},
		{"forbidden by proxy-revalidate", lenient, "max-age=0, proxy-revalidate, stale-while-revalidate=60", false, "2", "test;fwd", "3"},
		{"forbidden by s-maxage", lenient, "s-maxage=0", false, "2", "test;fwd", "3"},
		{"s-maxage and its contrary in one breath", nil, "s-maxage=0, stale-while-revalidate=60", false, "1", "test;hit", "2"},
		{"zero in the response before Options", lenient, "max-age=0, stale-while-revalidate=0, stale-if-error=0", false, "2", "test;fwd", "3"},
		{"stale-if-error, a failure", nil, "max-age=0, stale-if-error=60", true, "1", "test;hit", "1"},
		{"stale-if-error, no failure", nil, "max-age=0, stale-if-error=60", false, "2", "test;fwd=stale", "3"},
		{"a failure, and neither", nil, "max-age=1, stale-while-revalidate=0", true, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t, func(o *Options) {
				if test.options != nil {
					test.options(o)
				}
			})
			var n atomic.Int64
			h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", test.control)
				i := n.Add(1)
				if i > 1 && test.fails {
					http.Error(w, "broken", http.StatusBadGateway)
					return
				}
				_, _ = w.Write([]byte{'0' + byte(i)})
			}))
			want(t, "first", ask(t, h, "GET", "/a").Body.String(), "1")
			if test.body == "" { // the one that is fresh for a second
				deadline := time.Now().Add(10 * time.Second)
				for ask(t, h, "GET", "/a").Code == 200 && time.Now().Before(deadline) {
					time.Sleep(20 * time.Millisecond)
				}
				if w := ask(t, h, "GET", "/a"); w.Code != http.StatusBadGateway {
					t.Errorf("got %d, want the failure", w.Code)
				}
				return
			}
			time.Sleep(5 * time.Millisecond) // it is stored as fresh for one
			w := ask(t, h, "GET", "/a")
			want(t, "second", w.Body.String(), test.body)
			if status := w.Header().Get("Cache-Status"); !strings.HasPrefix(status, test.status) {
				t.Errorf("got %q, want %q", status, test.status)
			}
			deadline := time.Now().Add(10 * time.Second)
			for body := ""; body != test.evently; body = ask(t, h, "GET", "/a").Body.String() {
				if time.Now().After(deadline) {
					t.Fatalf("got %q at last, want %q", body, test.evently)
				}
				if test.status == "test;hit" || strings.HasPrefix(test.status, "test;hit") {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
}

// TestStale_keptNoLonger: a response stands in Redis as long as it is of use.
func TestStale_keptNoLonger(t *testing.T) {
	t.Parallel()
	for control, longest := range map[string]time.Duration{
		"max-age=60":                            time.Minute,
		"max-age=60, stale-while-revalidate=30": 90 * time.Second,
		"max-age=60, stale-if-error=600":        11 * time.Minute,
		"max-age=60, must-revalidate":           time.Minute,
		"max-age=99999999999999999999":          maxDelta,
		"s-maxage=10, max-age=60":               10 * time.Second,
		"max-age=0, stale-while-revalidate=30":  31 * time.Second,
	} {
		c := newCache(t)
		next, _ := says("Cache-Control", control)
		ask(t, c.Handler(next), "GET", "/a")
		left, err := redistest.Client(t).PTTL(t.Context(), c.options.Name+":{http://example.com/a}:v").Result()
		if err != nil || left > longest || left < longest-5*time.Second {
			t.Errorf("%s: got %v, %v, want %v", control, left, err, longest)
		}
	}
}
