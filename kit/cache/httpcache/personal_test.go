package httpcache

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// page is what a handler of these tests answers with: for whom it made the
// response. A star is "for all".
type page struct{ Path, Query, User, Authorization, Cookie, Language string }

// policy is what the responses of a path say, and all that they depend on: a
// handler that means what it says.
type policy struct {
	Control   string
	Vary      []string
	SetCookie bool
	Status    int
	Stream    bool
}

// open reports whether the response says that it is for all.
func (p policy) open() bool {
	control := strings.ToLower(p.Control)
	return strings.Contains(control, "public") || strings.Contains(control, "s-maxage")
}

// has reports whether the response depends on a header.
func (p policy) has(header string) bool {
	for _, name := range p.Vary {
		if name == "*" || strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// pageFor is what the handler shows to a request.
func (p policy) pageFor(r *http.Request, user string) page {
	made := page{Path: r.URL.Path, Query: r.URL.RawQuery, User: "*", Authorization: "*", Cookie: "*", Language: "*"}
	personal := !p.open() || p.SetCookie || p.Status >= 500
	personal = personal && user == "" // else it is the user's, whatever they send
	if personal || p.has("Authorization") {
		made.Authorization = r.Header.Get("Authorization")
	}
	if personal || p.has("Cookie") {
		made.Cookie = r.Header.Get("Cookie")
	}
	if p.has("Accept-Language") {
		made.Language = strings.TrimSpace(r.Header.Get("Accept-Language"))
	}
	if user != "" {
		made.User = user // even if it says that it is for all
	}
	return made
}

// leaks names a field in which a page was made for another than who got it.
func (made page) leaks(r *http.Request, user string) string {
	for _, field := range []struct{ name, made, asked string }{
		{"path", made.Path, r.URL.Path},
		{"user", made.User, user},
		{"Authorization", made.Authorization, r.Header.Get("Authorization")},
		{"Cookie", made.Cookie, r.Header.Get("Cookie")},
		{"Accept-Language", made.Language, strings.TrimSpace(r.Header.Get("Accept-Language"))},
	} {
		if field.made != "*" && field.made != field.asked {
			return fmt.Sprintf("%s: got the response made for %q, asked as %q", field.name, field.made, field.asked)
		}
	}
	return ""
}

// verified is who a request is from, by what these tests take for a session.
func verified(r *http.Request) string { return r.Header.Get("X-Verified") }

// draws are a handler's policies, by path, which change with each call of it.
func draws(t *rapid.T, path string) []policy {
	one := rapid.Custom(func(t *rapid.T) policy {
		return policy{
			Control: rapid.SampledFrom([]string{
				"public, max-age=60", "public, max-age=60", "max-age=60", "max-age=60", "s-maxage=60", "private, max-age=60", "", "no-store", "no-cache",
				"max-age=60, must-revalidate", "max-age=0, stale-while-revalidate=60", "public, max-age=0, stale-if-error=60",
				`private="x, max-age=60`, "Public,,max-age=60", "max-age=60, private",
			}).Draw(t, "control"),
			Vary: rapid.SliceOfN(rapid.SampledFrom([]string{
				"Accept-Language", "accept-language", "Cookie", "Authorization", "X-Other", "*",
			}), 0, 2).Draw(t, "vary"),
			SetCookie: rapid.IntRange(0, 9).Draw(t, "set-cookie") == 0,
			Status:    rapid.SampledFrom([]int{200, 200, 200, 404, 500, 301}).Draw(t, "status"),
			Stream:    rapid.IntRange(0, 9).Draw(t, "stream") == 0,
		}
	})
	return rapid.SliceOfN(one, 1, 3).Draw(t, path)
}

// drawRequest is a request of some client.
func drawRequest(t *rapid.T, users bool) *http.Request {
	r := httptest.NewRequest(rapid.SampledFrom([]string{"GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "HEAD", "POST"}).Draw(t, "method"),
		rapid.SampledFrom([]string{"/a", "/b", "/a?x=1", "/a?utm_source=z", "/a?x=1&utm_source=y"}).Draw(t, "url"), nil)
	for _, header := range [][]string{
		{"Accept-Language", "", "de", "en", " de"},
		{"Cookie", "", "", "s=ann", "s=bob"},
		{"Authorization", "", "", "Bearer ann", "Bearer bob"},
		{"If-None-Match", "", "", "", "*"},
		{"Cache-Control", "", "", "", "no-cache", "max-age=5"},
	} {
		if value := rapid.SampledFrom(header[1:]).Draw(t, header[0]); value != "" {
			r.Header.Set(header[0], value)
		}
	}
	if users {
		r.Header.Set("X-Verified", rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "user"))
	}
	return r
}

// TestPersonal: whatever responses say, and whoever asks for whatever, in two
// processes at once, each response was made for who gets it.
func TestPersonal(t *testing.T) {
	t.Parallel()
	var hits int64
	rapid.Check(t, func(rt *rapid.T) {
		users := rapid.Bool().Draw(rt, "users")
		policies := map[string][]policy{"/a": draws(rt, "/a"), "/b": draws(rt, "/b")}
		var mu sync.Mutex
		calls := map[string]int{}
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			of := policies[r.URL.Path]
			p := of[calls[r.URL.Path]%len(of)]
			calls[r.URL.Path]++
			mu.Unlock()
			user := ""
			if users {
				user = verified(r)
			}
			p.answer(w, r, user)
		})
		options := func(o *Options) {
			o.DropQuery = []string{"utm_*"}
			if users {
				o.User = verified
			}
		}
		c := newCache(t, options)
		other := newCache(t, options, func(o *Options) { o.Name = c.options.Name })
		handlers := []http.Handler{c.Handler(next), other.Handler(next)}
		batches := rapid.IntRange(1, 12).Draw(rt, "batches")
		for range batches {
			var requests []*http.Request
			for range rapid.IntRange(1, 6).Draw(rt, "at once") {
				requests = append(requests, drawRequest(rt, users))
			}
			faults := make([]string, len(requests))
			var wg sync.WaitGroup
			for i, r := range requests {
				wg.Go(func() {
					w := httptest.NewRecorder()
					handlers[i%2].ServeHTTP(w, r.Clone(r.Context()))
					faults[i] = fault(w, r)
				})
			}
			wg.Wait()
			for i, fault := range faults {
				if fault != "" {
					rt.Fatalf("%s %s %v\n%s", requests[i].Method, requests[i].URL, requests[i].Header, fault)
				}
			}
		}
		hits += c.Stats().Hits + other.Stats().Hits
	})
	if hits < 100 {
		t.Errorf("got %d hits, too few to mean anything", hits)
	}
}

// answer is the handler of a policy.
func (p policy) answer(w http.ResponseWriter, r *http.Request, user string) {
	made := p.pageFor(r, user)
	text, _ := json.Marshal(made)
	h := w.Header()
	if p.Control != "" {
		h.Set("Cache-Control", p.Control)
	}
	for _, name := range p.Vary {
		h.Add("Vary", name)
	}
	if p.SetCookie {
		h.Set("Set-Cookie", "for="+string(text))
	}
	h.Set("X-Page", string(text))
	w.WriteHeader(p.Status)
	if p.Stream {
		_ = http.NewResponseController(w).Flush()
	}
	fmt.Fprintf(w, "%s", text)
}

// fault says what is wrong with the response to a request.
func fault(w *httptest.ResponseRecorder, r *http.Request) string {
	for _, text := range []string{w.Header().Get("X-Page"), w.Body.String()} {
		var made page
		if json.Unmarshal([]byte(text), &made) != nil {
			continue // 304, HEAD
		}
		if leak := made.leaks(r, r.Header.Get("X-Verified")); leak != "" && (made.User != "*" || !strings.HasPrefix(leak, "user")) {
			return fmt.Sprintf("%s\n%d %v", leak, w.Code, w.Header())
		}
		if strings.Contains(made.Query, "utm_") && r.Method != "POST" {
			return fmt.Sprintf("the handler was shown what is not in the key: %q", made.Query)
		}
		if want := strings.Contains(r.URL.RawQuery, "x=1"); want != strings.Contains(made.Query, "x=1") {
			return fmt.Sprintf("got the response of %q", made.Query)
		}
	}
	if r.Method != "HEAD" && w.Code == 200 && w.Body.Len() == 0 {
		return "got nothing"
	}
	if cookie, status := w.Header().Get("Set-Cookie"), w.Header().Get("Cache-Status"); cookie != "" && strings.Contains(status, "hit") {
		return "a cookie came from the cache: " + cookie
	}
	return ""
}

// TestPersonal_stampede: users who come at once, before anything is known of a
// URL, wait for one another's responses, and none gets one.
func TestPersonal_stampede(t *testing.T) {
	t.Parallel()
	for _, p := range []policy{
		{Control: "max-age=60", Status: 200},
		{Control: "private, max-age=60", Status: 200},
		{Control: "public, max-age=60", Vary: []string{"Cookie"}, Status: 200},
		{Control: "public, max-age=60", SetCookie: true, Status: 200},
		{Control: "no-store", Status: 200},
		{Control: "public, max-age=60", Status: 500},
	} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, "") }))
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					r := httptest.NewRequest("GET", "/a", nil)
					if who := rand.IntN(4); who > 0 {
						r.Header.Set("Cookie", fmt.Sprint("s=", who))
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if fault := fault(w, r); fault != "" {
						t.Errorf("request %d: %s", i, fault)
					}
				})
			}
			wg.Wait()
		})
	}
}
