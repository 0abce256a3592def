//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/redis-grind/grind/course/03-caching-patterns/04-api-responses/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

// ages is longer than anything takes that is right.
const ages = 4 * time.Second

// maker is what the handler behind the learner's does when it is asked for the n-th
// time.
type maker func(n int, w http.ResponseWriter, r *http.Request)

// site is the learner's handler, and what is behind it.
type site struct {
	c *check.C
	h http.Handler

	mu    sync.Mutex
	calls int
	make  maker
}

func open(c *check.C, make maker) *site {
	s := &site{c: c, make: make}
	h, err := exercise.New(c.Redis(), c.Key, s)
	c.NoError(err, "New")
	if h == nil {
		c.Fail("New returned no handler.")
	}
	s.h = h
	return s
}

// ServeHTTP is the handler behind.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	n, make := s.calls, s.make
	s.mu.Unlock()
	make(n, w, r)
}

// now changes what the handler behind does.
func (s *site) now(make maker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.make = make
}

// asked is how often the handler behind was asked.
func (s *site) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// says is a handler that answers "page 1", "page 2" and so on; pairs are headers.
func says(pairs ...string) maker {
	return func(n int, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(pairs); i += 2 {
			w.Header().Add(pairs[i], pairs[i+1])
		}
		fmt.Fprintf(w, "page %d", n)
	}
}

// page is what a visitor got.
type page struct {
	status int
	header http.Header
	body   string
	died   any
}

func (p page) how() string { return p.header.Get("X-Cache") }

// String is how a message shows a page.
func (p page) String() string {
	if p.died != nil {
		return fmt.Sprintf("a panic (%v)", p.died)
	}
	return fmt.Sprintf("%d %q, X-Cache %q", p.status, p.body, p.how())
}

// get asks for a page; pairs are headers. As with net/http, the request's context ends
// when it is answered.
func (s *site) get(path string, pairs ...string) page { return s.send(http.MethodGet, path, pairs...) }

func (s *site) send(method, path string, pairs ...string) page {
	ctx, cancel := context.WithCancel(s.c.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		s.h.ServeHTTP(w, r)
	}()
	select {
	case died := <-done:
		return page{w.Code, w.Result().Header, w.Body.String(), died}
	case <-time.After(ages):
		s.c.Fail("%s %s was not answered within %v.", method, path, ages)
	}
	return page{}
}

// want fails if a page is not this one, made so.
func (s *site) want(p page, how, body, when string) {
	if p.status != http.StatusOK || p.body != body || p.how() != how {
		s.c.Fail("%s: the visitor got %v, want 200 %q, X-Cache %q.", when, p, body, how)
	}
}
