//go:build !solution

// Package exercise is a cache of responses, as middleware.
package exercise

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// New returns a handler that answers GET requests with what next has answered before,
// and lets next answer all others. Its keys in Redis are key(text), for texts of your
// choice.
//
// It sets X-Cache on each answer to a GET: HIT where it had the response, STALE where
// it had one that is past its time, and MISS where next made it.
//
// Kept is a response that is
//
//   - to a GET, with status 200, and whole: next returned, did not panic, and wrote as
//     many bytes as its Content-Length says, if it has one;
//   - with a max-age in its Cache-Control, and without private, no-store and no-cache;
//   - without Set-Cookie, and without "Vary: *".
//
// It is kept for its URL with the query, and for the values that the request has in the
// headers which the response's Vary names. It is given back with its status, all its
// headers and its body.
//
// What is for one visitor: a response to a request with Cookie or Authorization is kept,
// and one that is kept is given to such a request, only if the response says public.
//
// For max-age seconds it is a HIT. For stale-while-revalidate seconds after that it is
// STALE, at once, and next is asked for a newer one in the background: once at a time,
// however many come. Later than that, and for stale-if-error seconds after its end, next
// is asked first, and when it answers 5xx or panics the answer is STALE. What the
// response does not say is 0 seconds. Redis forgets a response when it is of no use any
// more.
//
// A kept response has an ETag: that of next, or one of yours that is another for another
// body. A request whose If-None-Match names it (one of several, maybe) is answered 304,
// without a body, with ETag, Cache-Control and Vary.
//
// A HIT costs 2 round trips at most. When Redis fails, next answers.
func New(rdb redis.UniversalClient, key func(string) string, next http.Handler) (http.Handler, error) {
	return nil, ErrNotImplemented
}

// The rest is given: what every middleware needs that keeps responses.

// Response is what a handler has answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Died   any // what the handler panicked with; nil: it returned
}

// Ask has a handler answer, and returns its response when it has ended.
func Ask(next http.Handler, r *http.Request) (a Response) {
	rec := &recorder{header: http.Header{}}
	defer func() {
		rec.WriteHeader(http.StatusOK)
		a = Response{rec.status, rec.sent, rec.body.Bytes(), recover()}
	}()
	next.ServeHTTP(rec, r)
	return a
}

// Send answers with a response, or panics as its handler did.
func (a Response) Send(w http.ResponseWriter) {
	if a.Died != nil {
		panic(a.Died)
	}
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // to a client that may have gone
}

// Directives reads a Cache-Control: its words in small letters, each with its number,
// which is 0 where it has none.
func Directives(h http.Header) map[string]int {
	said := map[string]int{}
	for _, line := range h["Cache-Control"] {
		for word := range strings.SplitSeq(line, ",") {
			name, number, _ := strings.Cut(strings.ToLower(strings.TrimSpace(word)), "=")
			n, _ := strconv.Atoi(number)
			said[name] = max(n, 0)
		}
	}
	return said
}

// recorder is an http.ResponseWriter that keeps what it is given.
type recorder struct {
	header, sent http.Header // as it is, and as it was when the response began
	status       int
	body         bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.sent == nil {
		r.status, r.sent = status, r.header.Clone()
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
