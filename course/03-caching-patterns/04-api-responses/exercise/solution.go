//go:build solution

// Package exercise is a cache of responses, as middleware.
package exercise

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// cache is the middleware.
type cache struct {
	rdb  redis.UniversalClient
	key  func(string) string
	next http.Handler
}

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
	return &cache{rdb, key, next}, nil
}

// kept is a response in Redis. It lives for max-age and the longer of the two windows.
type kept struct {
	Header               http.Header
	Body                 []byte
	Revalidate, OnErrors time.Duration
}

func (k *kept) window() time.Duration { return max(k.Revalidate, k.OnErrors) }

func (c *cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		c.next.ServeHTTP(w, r)
		return
	}
	at, k, left := c.look(r)
	if k != nil && personal(r) && !says(k.Header, "public") {
		k = nil
	}
	switch {
	case k != nil && left > 0:
		k.send(w, r, "HIT")
		return
	case k != nil && -left < k.Revalidate:
		c.refresh(r, at)
		k.send(w, r, "STALE")
		return
	}
	made := Ask(c.next, r)
	if failed(made) && k != nil && -left < k.OnErrors {
		k.send(w, r, "STALE")
		return
	}
	c.keep(r, made)
	w.Header().Set("X-Cache", "MISS")
	made.Send(w)
}

// look returns the key for a request, and what is kept there, with the time for which
// that is fresh; negative when it is stale.
func (c *cache) look(r *http.Request) (at string, k *kept, left time.Duration) {
	names, err := c.rdb.Get(r.Context(), c.names(r)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", nil, 0
	}
	at = c.variant(r, strings.Fields(names))
	pipe := c.rdb.Pipeline()
	text, ends := pipe.Get(r.Context(), at), pipe.PTTL(r.Context(), at)
	if _, err := pipe.Exec(r.Context()); err != nil {
		return at, nil, 0
	}
	if k = new(kept); json.Unmarshal([]byte(text.Val()), k) != nil {
		return at, nil, 0
	}
	return at, k, ends.Val() - k.window()
}

// names is the key of the headers that the responses of a URL vary on.
func (c *cache) names(r *http.Request) string { return c.key("vary " + r.URL.RequestURI()) }

// variant is the key of a response: the URL, and what the request says in these headers.
func (c *cache) variant(r *http.Request, names []string) string {
	var said []string
	for _, name := range names {
		said = append(said, fmt.Sprintf("%s=%q", name, r.Header[name]))
	}
	return c.key("page " + r.URL.RequestURI() + " " + strings.Join(said, " "))
}

// keep stores a response that may be stored.
func (c *cache) keep(r *http.Request, made Response) {
	said := Directives(made.Header)
	names := strings.FieldsFunc(strings.Join(made.Header.Values("Vary"), ","), func(r rune) bool { return r == ',' || r == ' ' })
	for i, name := range names {
		names[i] = http.CanonicalHeaderKey(name)
	}
	slices.Sort(names)
	_, aged := said["max-age"]
	switch {
	case made.Died != nil || made.Status != http.StatusOK || !whole(made):
		return
	case !aged || says(made.Header, "private") || says(made.Header, "no-store") || says(made.Header, "no-cache"):
		return
	case made.Header["Set-Cookie"] != nil || slices.Contains(names, "*"):
		return
	case personal(r) && !says(made.Header, "public"):
		return
	}
	k := kept{made.Header.Clone(), made.Body, seconds(said["stale-while-revalidate"]), seconds(said["stale-if-error"])}
	if k.Header.Get("ETag") == "" {
		k.Header.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(made.Body)))
	}
	life := seconds(said["max-age"]) + k.window()
	if life <= 0 { // to SET it would mean for ever
		return
	}
	text, err := json.Marshal(k)
	if err != nil {
		return
	}
	_, _ = c.rdb.TxPipelined(r.Context(), func(pipe redis.Pipeliner) error { // without it, next answers again
		pipe.Set(r.Context(), c.names(r), strings.Join(names, " "), life)
		pipe.Set(r.Context(), c.variant(r, names), text, life)
		return nil
	})
}

// refresh has next make a newer response, unless somebody is about it.
func (c *cache) refresh(r *http.Request, at string) {
	ctx := context.WithoutCancel(r.Context())
	mine, err := c.rdb.SetNX(ctx, at+" refresh", 1, 10*time.Second).Result()
	if err != nil || !mine {
		return
	}
	later := r.Clone(ctx)
	later.Header.Del("If-None-Match") // the whole response, please
	go func() {
		c.keep(later, Ask(c.next, later))
		_ = c.rdb.Del(ctx, at+" refresh").Err() // it ends by itself
	}()
}

// send answers with what is kept.
func (k *kept) send(w http.ResponseWriter, r *http.Request, how string) {
	w.Header().Set("X-Cache", how)
	tag := k.Header.Get("ETag")
	for theirs := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if strings.TrimSpace(theirs) == tag {
			for _, name := range []string{"Etag", "Cache-Control", "Vary"} {
				if values := k.Header[name]; values != nil {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	Response{Status: http.StatusOK, Header: k.Header, Body: k.Body}.Send(w)
}

// personal reports whether a request says who sends it.
func personal(r *http.Request) bool {
	return r.Header["Cookie"] != nil || r.Header["Authorization"] != nil
}

// says reports whether a Cache-Control has a word.
func says(h http.Header, word string) bool {
	_, ok := Directives(h)[word]
	return ok
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// failed reports whether a handler could not answer.
func failed(a Response) bool { return a.Died != nil || a.Status >= http.StatusInternalServerError }

// whole reports whether a body is as long as it was said to be.
func whole(a Response) bool {
	length := a.Header.Get("Content-Length")
	return length == "" || length == strconv.Itoa(len(a.Body))
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
