//go:build exercise

package exercise_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestHit(t *testing.T) {
	check.Task(t, "hit", func(c *check.C) {
		shelf := c.Rand().IntN(1000)
		s := open(c, func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.Header().Set("Content-Type", "application/json")
			w.Header().Add("Link", "</new?page=2>; rel=next")
			w.Header().Add("Link", "</hours>; rel=help")
			fmt.Fprintf(w, `{"shelf":%d,"for":%q}`, shelf, r.Method+" "+r.URL.RequestURI())
		})
		want := fmt.Sprintf(`{"shelf":%d,"for":"GET /new?page=1"}`, shelf)
		first := s.get("/new?page=1")
		s.want(first, "MISS", want, "The first GET")
		var second page
		trips := c.RoundTrips(func() { second = s.get("/new?page=1") })
		s.want(second, "HIT", want, "The second GET")
		if n := s.asked(); n != 1 {
			c.Fail("Two GETs of one page, and next was asked %d times, want once.", n)
		}
		if trips > 2 || trips == 0 {
			c.Fail("A HIT took %d round trips, want one or two.", trips)
		}
		for _, name := range []string{"Content-Type", "Cache-Control", "Link"} {
			if got, was := second.header.Values(name), first.header.Values(name); !slices.Equal(got, was) {
				c.Fail("The first answer had %s %q, and the HIT had %q.", name, was, got)
			}
		}
		if p := s.get("/new?page=2"); p.body == want {
			c.Fail("GET /new?page=2 was answered with what GET /new?page=1 was.")
		}
		if p := s.send(http.MethodPost, "/new?page=1"); p.body == want {
			c.Fail("A POST was answered with what is kept for a GET.")
		}
		if p := s.get("/new?page=1"); p.body != want {
			c.Fail("After a POST of its URL a GET got %v, want what was kept for the GET.", p)
		}
	})
}

func TestSays(t *testing.T) {
	check.Task(t, "says", func(c *check.C) {
		for i, control := range []string{"", "public", "private, max-age=60", "no-store, max-age=60", "max-age=60, no-cache", "max-age=0"} {
			s := open(c, says("Cache-Control", control))
			path := fmt.Sprintf("/%d", i)
			s.get(path)
			if p := s.get(path); p.body != "page 2" || p.how() != "MISS" {
				c.Fail("Cache-Control: %s. The second visitor got %v, want it made anew: 200 \"page 2\", X-Cache \"MISS\".", control, p)
			}
			lives(c)
		}
		s := open(c, says("Cache-Control", "Public, Max-Age=60"))
		s.get("/capitals")
		s.want(s.get("/capitals"), "HIT", "page 1", "Cache-Control: Public, Max-Age=60, the second visitor")
		lives(c)
		for _, page := range []struct {
			control string
			life    time.Duration
		}{
			{"max-age=30", 30 * time.Second},
			{"max-age=30, stale-while-revalidate=20, stale-if-error=40", 70 * time.Second},
			{"max-age=30, stale-while-revalidate=50", 80 * time.Second},
		} {
			open(c, says("Cache-Control", page.control)).get("/new")
			if got := lives(c); got > page.life || got < page.life-ages {
				c.Fail("Cache-Control: %s. What is kept of the page lives for %v, want %v: for as long as it is of use.", page.control, got.Round(time.Second), page.life)
			}
		}
	})
}

// lives returns how long the longest-lived key of the task has, and removes them all.
// It fails for one that has no end.
func lives(c *check.C) (longest time.Duration) {
	keys, err := c.Direct().Keys(c.Context(), c.Key("")+"*").Result()
	c.NoError(err, "KEYS")
	for _, key := range keys {
		left := c.Direct().PTTL(c.Context(), key).Val()
		if left == -1 {
			c.Fail("%s has no end: it stays in Redis for ever.", c.Show(key))
		}
		longest = max(longest, left)
		c.NoError(c.Direct().Del(c.Context(), key).Err(), "DEL")
	}
	return longest
}

// forWhom is a page about who asks for it.
func forWhom(control string) maker {
	return func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", control)
		fmt.Fprintf(w, "loans of %s%s", r.Header.Get("Cookie"), r.Header.Get("Authorization"))
	}
}

func TestPersonal(t *testing.T) {
	check.Task(t, "personal", func(c *check.C) {
		for _, name := range []string{"Cookie", "Authorization"} {
			s := open(c, forWhom("max-age=60"))
			path := "/loans/" + name
			s.get(path, name, "ann")
			if p := s.get(path, name, "ben"); p.body != "loans of ben" {
				c.Fail("ann asked for her loans, then ben for his, each with %s. ben got %v.", name, p)
			}
			path += "/2"
			s.get(path)
			if p := s.get(path, name, "ben"); p.body != "loans of ben" {
				c.Fail("Somebody without %s asked, then ben with his. The response does not say public. ben got %v, which was made for nobody.", name, p)
			}
		}
		s := open(c, says("Cache-Control", "public, max-age=60"))
		s.get("/hours", "Cookie", "ann")
		s.want(s.get("/hours", "Cookie", "ben"), "HIT", "page 1", "The response says public, and ben asks after ann, with a cookie")
	})
}

func TestCookie(t *testing.T) {
	check.Task(t, "cookie", func(c *check.C) {
		s := open(c, func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			http.SetCookie(w, &http.Cookie{Name: "visit", Value: fmt.Sprint(n)})
			fmt.Fprint(w, "Welcome")
		})
		s.get("/")
		p := s.get("/")
		switch cookies := p.header.Values("Set-Cookie"); {
		case slices.Contains(cookies, "visit=1"):
			c.Fail("The first visitor was given the cookie visit=1, and so was the second: they are the same visitor now.")
		case !slices.Contains(cookies, "visit=2"):
			c.Fail("Each visitor is given a cookie by next. The second one got %v with Set-Cookie %q: no visit ever begins for them.", p, cookies)
		}
	})
}

func TestVary(t *testing.T) {
	check.Task(t, "vary", func(c *check.C) {
		s := open(c, func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.Header().Add("Vary", "accept-language, Accept")
			w.Header().Add("Vary", "X-Branch")
			fmt.Fprint(w, strings.Join([]string{r.Header.Get("Accept-Language"), r.Header.Get("Accept"), r.Header.Get("X-Branch")}, "|"))
		})
		kinds := [][]string{
			{"Accept-Language", "cy", "Accept", "text/html", "X-Branch", "east"},
			{"Accept-Language", "en", "Accept", "text/html", "X-Branch", "east"},
			{"Accept-Language", "en", "Accept", "text/plain", "X-Branch", "east"},
			{"Accept-Language", "en", "Accept", "text/plain", "X-Branch", "west"},
			{"Accept-Language", "en", "Accept", "text/plain"},
		}
		for _, how := range []string{"MISS", "HIT"} {
			for _, k := range kinds {
				want := strings.Join([]string{k[1], k[3], ""}, "|")
				if len(k) > 4 {
					want += k[5]
				}
				p := s.get("/hours", k...)
				if p.body != want {
					c.Fail("The response varies on Accept-Language, Accept and X-Branch. A visitor asked with %q and got %v, which was made for somebody else.", k, p)
				}
				if p.how() != how {
					c.Fail("The response varies on three headers. Asked with %q, %s, it was %v, want X-Cache %q.", k, map[string]string{"MISS": "for the first time", "HIT": "again"}[how], p, how)
				}
			}
		}
		star := open(c, says("Cache-Control", "public, max-age=60", "Vary", "*"))
		star.get("/star")
		star.want(star.get("/star"), "MISS", "page 2", "Vary: * (no request is like another), the second visitor")
	})
}

func TestFailed(t *testing.T) {
	check.Task(t, "failed", func(c *check.C) {
		for _, status := range []int{500, 503, 404, 206} {
			s := open(c, func(n int, w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=60")
				if n == 1 {
					w.WriteHeader(status)
				}
				fmt.Fprintf(w, "page %d", n)
			})
			path := fmt.Sprintf("/%d", status)
			if p := s.get(path); p.status != status || p.body != "page 1" {
				c.Fail("next answered %d \"page 1\", and the visitor got %v.", status, p)
			}
			s.want(s.get(path), "MISS", "page 2", fmt.Sprintf("next answered %d once, and is well again", status))
		}
	})
}

func TestWhole(t *testing.T) {
	check.Task(t, "whole", func(c *check.C) {
		s := open(c, func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.Header().Set("Content-Length", "12")
			body := "a whole page"
			if n == 1 {
				body = body[:7]
			}
			fmt.Fprint(w, body)
		})
		s.get("/new")
		if p := s.get("/new"); p.body != "a whole page" {
			c.Fail("next announced 12 bytes and wrote 7, once. The next visitor got %v, want \"a whole page\".", p)
		}
		s.want(s.get("/new"), "HIT", "a whole page", "A page that is as long as it says, the second time")
		s = open(c, func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			fmt.Fprint(w, "a whole")
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
			fmt.Fprint(w, " page")
		})
		if p := s.get("/aborted"); p.died == nil {
			c.Fail("next panicked with http.ErrAbortHandler half-way, and the visitor got %v as if it were whole. Panic as next did, so that the connection breaks.", p)
		}
		if p := s.get("/aborted"); p.body != "a whole page" {
			c.Fail("next panicked half-way, once. The next visitor got %v, want \"a whole page\".", p)
		}
	})
}

func TestETag(t *testing.T) {
	check.Task(t, "etag", func(c *check.C) {
		s := open(c, says("Cache-Control", "public, max-age=60", "Vary", "Accept"))
		s.get("/new")
		tag := s.get("/new").header.Get("ETag")
		if !strings.HasPrefix(strings.TrimPrefix(tag, "W/"), `"`) || !strings.HasSuffix(tag, `"`) || len(tag) < 3 {
			c.Fail("A HIT has the ETag %s, want a text in double quotes.", tag)
		}
		s.get("/other")
		if other := s.get("/other").header.Get("ETag"); other == tag {
			c.Fail("Two pages with different bodies have the same ETag %s.", tag)
		}
		for _, asked := range []string{tag, `"something", ` + tag, tag + `,"something"`} {
			p := s.get("/new", "If-None-Match", asked)
			if p.status != http.StatusNotModified || p.body != "" {
				c.Fail("If-None-Match: %s. The page has the ETag %s, and the visitor got %v, want 304 without a body.", asked, tag, p)
			}
			for _, name := range []string{"ETag", "Cache-Control", "Vary"} {
				if p.header.Get(name) == "" {
					c.Fail("A 304 came without %s: the visitor's browser keeps its copy by it.", name)
				}
			}
		}
		s.want(s.get("/new", "If-None-Match", `"older"`), "HIT", "page 1", "If-None-Match names another response than what is kept")
		s = open(c, says("Cache-Control", "public, max-age=60", "ETag", `"v7"`))
		s.get("/own")
		if got := s.get("/own").header.Get("ETag"); got != `"v7"` {
			c.Fail(`next gives its page the ETag "v7", and the HIT has %s.`, got)
		}
	})
}

func TestStale(t *testing.T) {
	check.Task(t, "stale", func(c *check.C) {
		end, begun := make(chan struct{}), make(chan struct{}, 100)
		s := open(c, says("Cache-Control", "max-age=0, stale-while-revalidate=60"))
		s.want(s.get("/new"), "MISS", "page 1", "The first GET")
		s.now(func(n int, w http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			<-end
			if err := r.Context().Err(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprint(w, "a newer page")
		})
		for range 10 {
			done := make(chan page, 1)
			go func() { done <- s.get("/new") }()
			select {
			case p := <-done:
				s.want(p, "STALE", "page 1", "The page is past its time, and next is slow")
			case <-time.After(ages / 2):
				close(end)
				c.Fail("The page is past its time by less than stale-while-revalidate, and next is slow. The visitor still waits after %v.", ages/2)
			}
		}
		select {
		case <-begun:
		case <-time.After(ages / 2):
			c.Fail("A page was shown that is past its time, and nobody asked next for a newer one.")
		}
		time.Sleep(50 * time.Millisecond) // too little would hide a mistake, and make none
		if n := s.asked() - 1; n != 1 {
			close(end)
			c.Fail("10 visitors were shown a page that is past its time, and next was asked for a newer one %d times at once, want once.", n)
		}
		close(end)
		var p page
		for deadline := time.Now().Add(ages / 2); p.body != "a newer page" && time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
			p = s.get("/new")
		}
		s.want(p, "HIT", "a newer page", "next has made a newer page in the background (it looks at its request's context first)")
	})
}

func TestError(t *testing.T) {
	check.Task(t, "error", func(c *check.C) {
		broken := func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			http.Error(w, "the catalogue does not answer", http.StatusBadGateway)
		}
		for what, fails := range map[string]maker{
			"answers 502": broken,
			"panics":      func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		} {
			path := "/" + what[:3]
			s := open(c, says("Cache-Control", "max-age=0, stale-if-error=60"))
			s.want(s.get(path), "MISS", "page 1", "The first GET")
			s.now(fails)
			for range 2 {
				s.want(s.get(path), "STALE", "page 1", "The page is past its time by less than stale-if-error, and next "+what)
			}
			s.now(says("Cache-Control", "max-age=0, stale-if-error=60"))
			s.want(s.get(path), "MISS", "page 4", "The page is past its time, and next is well again")
		}
		s := open(c, says("Cache-Control", "max-age=0"))
		s.get("/strict")
		s.now(broken)
		if p := s.get("/strict"); p.status != http.StatusBadGateway {
			c.Fail("A response that allows nothing past its time was followed by a 502 of next. The visitor got %v, want the 502.", p)
		}
	})
}

func TestDown(t *testing.T) {
	check.Task(t, "down", func(c *check.C) {
		s := open(c, says("Cache-Control", "public, max-age=60"))
		s.get("/new")
		c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "OOM command not allowed when used memory > 'maxmemory'."})
		for n := 2; n < 4; n++ {
			p := s.get("/new")
			if p.status != http.StatusOK || p.body != fmt.Sprintf("page %d", n) {
				c.Fail("Redis answers each command with an error. The visitor got %v, want what next answers: \"page %d\".", p, n)
			}
		}
	})
}
