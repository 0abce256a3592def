package httpcache

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// Cache is a response cache to be put before handlers, by Handler. It is safe
// for concurrent use.
type Cache struct {
	options    Options
	entries    *cache.Cache[string, *entry]
	identifier any // in Cache-Status
	passed     passed
	stats      counters
}

// New returns a cache over a client, which it neither dials nor closes. Bad
// options are an error that names the field. A client of kit/connect serves
// best, see cache.New.
func New(client redis.UniversalClient, o Options) (*Cache, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Cache{options: o, identifier: identifierOf(o.Name)}
	origin := o.OriginLimit
	if origin == 0 {
		origin = -1
	}
	var err error
	c.entries, err = cache.New(client, cache.Options[string, *entry]{
		Name:         o.Name,
		TTL:          varyTTL, // of what is no response
		Jitter:       -1,      // what is longer than max-age would not be fresh
		LoadTimeout:  o.LoadTimeout + time.Second,
		Wait:         o.LoadTimeout,
		RedisTimeout: o.RedisTimeout,
		OriginLimit:  origin,
		MaxBytes:     -1, // the recorder bounds it
		StaleFunc:    func(e *entry) (time.Duration, time.Duration) { return e.WhileRevalidate, e.IfError },
		Local:        o.Local,
		Logger:       o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("httpcache: %w", err)
	}
	return c, nil
}

// Handler answers requests from the cache, and lets next answer the others. GET
// and HEAD may be answered; a request of another method but OPTIONS and TRACE
// that succeeds invalidates its URL.
//
// Redis: a hit 1 round trip, GET, of what varies 2, with Options.Local none; a
// response that is stored 3, or 4 if it has tags; of what varies 5, and the first
// of a URL 7; see cache.Cache.Fetch and InvalidateURL.
func (c *Cache) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, next) })
}

func (c *Cache) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions, http.MethodTrace, http.MethodConnect:
		next.ServeHTTP(w, r)
		return
	default:
		c.change(w, r, next)
		return
	}
	if r.Header["Upgrade"] != nil {
		next.ServeHTTP(w, r) // it wants the connection
		return
	}
	t, ok := c.targetOf(r)
	x := &exchange{cache: c, next: next, w: w, request: r, target: t,
		credentialed: credentialed(r), said: parseDirectives(r.Header["Cache-Control"])}
	if ok {
		x.request = c.normal(r, t)
	}
	fwd, why := x.bypass(ok)
	if fwd != "" {
		x.direct(fwd, why)
		return
	}
	x.serve()
}

// normal is a request for what its key says, and nothing that the key does not
// say.
func (c *Cache) normal(r *http.Request, t target) *http.Request {
	n := new(http.Request)
	*n = *r
	n.URL = new(url.URL)
	*n.URL = *r.URL
	n.URL.RawQuery = t.query
	n.RequestURI = n.URL.RequestURI()
	if c.options.Host != "" {
		n.Host = c.options.Host
	}
	return n
}

// bypass is why a request is not to be answered from the cache, if so.
func (x *exchange) bypass(queryOK bool) (forward, reason) {
	r := x.request
	reload := x.said.noCache || x.said.maxAge == 0 ||
		r.Header["Cache-Control"] == nil && strings.EqualFold(r.Header.Get("Pragma"), "no-cache")
	switch {
	case !queryOK:
		return fwdBypass, badQuery
	case r.ContentLength != 0:
		return fwdBypass, hasBody
	case r.Header["Range"] != nil || r.Header["If-Match"] != nil || r.Header["If-Unmodified-Since"] != nil:
		return fwdBypass, isRange
	case x.said.noStore:
		return fwdRequest, saysNoStore
	case reload && !x.cache.options.IgnoreReload:
		return fwdRequest, saysReload
	}
	if x.cache.options.IgnoreReload {
		x.said.maxAge, x.said.minFresh = -1, -1
	}
	return "", storable
}

// direct lets the handler answer the client itself, and stores nothing.
func (x *exchange) direct(fwd forward, why reason) {
	x.cache.stats.passed.Add(1)
	w := &passer{ResponseWriter: x.w, head: func(h http.Header, status int) {
		if fwd == fwdMiss && x.judge(status, h, time.Now()).reason == storable {
			x.cache.passed.forget(x.class())
		}
		x.cache.tell(h, handled{forward: fwd, detail: why})
	}}
	x.next.ServeHTTP(w, x.request)
	w.end()
}

// Run keeps Options.Local up to date with what other processes invalidate, until
// the context ends, and then returns nil. Without Local it only waits.
func (c *Cache) Run(ctx context.Context) error { return c.entries.Run(ctx) }
