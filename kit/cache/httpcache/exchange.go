package httpcache

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/redis-grind/grind/kit/cache"
)

// exchange is a request that may be answered from the cache.
type exchange struct {
	cache        *Cache
	next         http.Handler
	w            http.ResponseWriter
	request      *http.Request // its URL is the target's
	target       target
	credentialed bool
	said         directives // by the request
}

// varyTTL is for how long it is remembered what the responses of a URL vary on.
// Learning it anew costs a call of the handler.
const varyTTL = time.Hour

// serve answers. Under the key of a URL stands its response, or, where responses
// vary, the names of the headers that they vary on; each of those stands under a
// key of its own.
func (x *exchange) serve() {
	if why, ok := x.cache.passed.why(x.class(), time.Now()); ok {
		x.direct(fwdMiss, why)
		return
	}
	key, names, fwd := x.target.key(""), []string(nil), fwdURIMiss
	for range 3 { // more only if each response names more headers than the last
		f, over := x.fetch(key, names, fwd)
		switch {
		case over:
			return
		case f.err != nil || f.entry.pass != storable || f.entry.Status != 0:
			x.answer(f)
			return
		case f.rec != nil:
			x.settle(f, names)
			return
		}
		names, fwd = f.entry.Vary, fwdVary
		key = x.target.key(selecting(names, x.request.Header))
	}
	x.direct(fwdVary, variesOnAll)
}

// class is what requests have in common whose responses could not be stored.
func (x *exchange) class() string {
	if x.credentialed {
		return "c " + x.target.key("")
	}
	return x.target.key("")
}

// fetched is what the cache gave for a key.
type fetched struct {
	*call
	rec   *recorder // of the handler, if it ran for this
	entry *entry
	cache.Result[*entry]
	err error
}

// call is one question to the cache, and the handler's response if it was this
// question that made it run.
type call struct {
	*exchange
	names []string // known headers that responses vary on
	fwd   forward

	mu     sync.Mutex
	closed bool      // the cache has answered
	last   *recorder // of those that ran for it
	owner  *recorder // the one that passes its response to the client
}

// claim gives the client to a recorder, unless the cache has answered.
func (l *call) claim(rec *recorder) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed, l.owner = true, rec
	return true
}

// close keeps the client for the cache, and returns the recorder that has it if
// one was sooner.
func (l *call) close() (last, owner *recorder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.last, l.owner
}

// fetch asks the cache for the entry of a key, and the handler if there is none.
// over says that the handler has answered.
func (x *exchange) fetch(key string, names []string, fwd forward) (f fetched, over bool) {
	l := &call{exchange: x, names: names, fwd: fwd}
	result, err := x.cache.entries.FetchWith(x.request.Context(), key, l.load)
	rec, owner := l.close()
	if owner != nil {
		owner.await()
		return f, true
	}
	if result.Source != cache.Origin && err == nil {
		rec = nil // it runs in the background
	}
	return fetched{call: l, rec: rec, entry: result.Value, Result: result, err: err}, false
}

// load runs the handler for the cache.
func (l *call) load(ctx context.Context, e *cache.Entry) (*entry, error) {
	if e.Stale() && l.fwd == fwdURIMiss {
		l.fwd = fwdStale
	}
	rec := l.record(ctx)
	l.mu.Lock()
	l.last = rec
	l.mu.Unlock()
	rec.decide(l.cache.options.LoadTimeout)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.mode == whole {
		if err := rec.failure(); err != nil {
			return nil, err
		}
	}
	switch v := rec.verdict; {
	case v.reason != storable:
		l.cache.passed.note(l.class(), v.reason, time.Now())
		e.NoStore()
		return &entry{pass: v.reason}, nil
	case !within(v.vary, l.names):
		if l.names != nil {
			e.NoStore() // what is known of the URL stands under another key
		}
		e.TTL(varyTTL)
		return &entry{Target: l.target.key(""), Vary: union(l.names, v.vary)}, nil
	}
	return rec.keep(e), nil
}

// keep makes the entry of a whole response.
func (rec *recorder) keep(e *cache.Entry) *entry {
	v, x := rec.verdict, rec.call.exchange
	e.Since(rec.began)
	e.TTL(max(v.fresh, time.Millisecond)) // it may be of use when stale
	e.Tag(tagged(v.tags)...)
	if len(v.vary) > 0 || x.target.user != "" {
		e.Tag(tagOfURL(x.target.url)) // it is not under the key of the URL alone
	}
	return x.newEntry(v, rec.status, rec.head, rec.body, rec.began)
}

// settle answers a request whose response turned out to vary on more headers
// than were known, and stores it under the key that it belongs to.
func (x *exchange) settle(f fetched, names []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.request.Context()), x.cache.options.RedisTimeout)
	defer cancel()
	if f.Fresh != 0 || names != nil { // Redis answers
		if names != nil {
			known := func(context.Context) error { return nil }
			_ = x.cache.entries.Write(ctx, x.target.key(""), f.entry, known)
		}
		key := x.target.key(selecting(f.entry.Vary, x.request.Header))
		var kept *entry
		keep := func(_ context.Context, e *cache.Entry) (*entry, error) {
			kept = f.rec.keep(e)
			return kept, nil
		}
		result, err := x.cache.entries.FetchWith(ctx, key, keep)
		if err == nil && result.Value == kept { // and not what another request is waiting for at this key
			f.entry, f.Result = result.Value, result
			x.answer(f)
			return
		}
	}
	var e cache.Entry
	f.entry, f.Result = f.rec.keep(&e), cache.Result[*entry]{}
	x.answer(f)
}

// answer writes what came of a question.
func (x *exchange) answer(f fetched) {
	switch {
	case f.err == nil && f.entry.pass == storable && f.rec != nil:
		x.cache.stats.misses.Add(1)
		// What the handler says of caches behind it is true of this response alone, so
		// it is not stored, and comes before what this cache says (RFC 9211, 2).
		put(x.w.Header(), "Cache-Status", slices.Clip(f.rec.head["Cache-Status"]))
		x.cache.tell(x.w.Header(), handled{forward: f.fwd, stored: f.Fresh != 0, fresh: f.Fresh})
		x.write(f.entry, 0, false)
	case f.err == nil && f.entry.pass == storable:
		x.hit(f)
	case f.rec != nil && f.rec.state() == whole:
		if f.rec.died != nil {
			panic(f.rec.died)
		}
		f.replay(f.rec)
	case x.request.Context().Err() != nil:
		http.Error(x.w, "the response did not come in time", http.StatusGatewayTimeout)
	case errors.Is(f.err, cache.ErrOverloaded):
		x.cache.stats.overloaded.Add(1)
		x.w.Header().Set("Retry-After", "1")
		http.Error(x.w, "busy, try again soon", http.StatusServiceUnavailable)
	case f.err == nil:
		x.direct(fwdMiss, f.entry.pass)
	default:
		x.direct(fwdMiss, failedStatus)
	}
}

// hit answers with a response that another request has brought, if this one may
// have it.
func (x *exchange) hit(f fetched) {
	age := f.entry.Aged + f.Age
	switch {
	case !x.fits(f.entry):
		x.direct(fwdMiss, otherVariant)
		return
	case x.credentialed && x.target.user == "" && !f.entry.Shared:
		x.direct(fwdBypass, hasCredentials)
		return
	case x.said.maxAge >= 0 && age > x.said.maxAge || x.said.minFresh >= 0 && f.Fresh < x.said.minFresh:
		x.direct(fwdRequest, saysReload)
		return
	}
	done := handled{fresh: f.Fresh}
	if f.Source == cache.Memory {
		done.detail = inMemory
	}
	if f.Source == cache.Origin {
		x.cache.stats.collapsed.Add(1)
		done.forward, done.collapsed = f.fwd, true
	} else {
		x.cache.stats.hits.Add(1)
	}
	if f.Stale {
		x.cache.stats.stale.Add(1)
	}
	x.cache.tell(x.w.Header(), done)
	x.write(f.entry, f.Age, true)
}

// replay writes a response that is not stored, as far as it is there.
func (l *call) replay(rec *recorder) {
	l.cache.stats.unstored.Add(1)
	copyHeader(l.w.Header(), rec.head)
	l.cache.tell(l.w.Header(), handled{forward: l.fwd, detail: rec.verdict.reason})
	l.w.WriteHeader(rec.status)
	if len(rec.body) > 0 && l.request.Method != http.MethodHead {
		_, _ = l.w.Write(rec.body) // a client that has gone
	}
	if rec.mode == whole {
		copyHeader(l.w.Header(), rec.header) // trailers
	}
}
