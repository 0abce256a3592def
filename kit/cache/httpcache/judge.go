package httpcache

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// verdict is what the head of a response says about storing it.
type verdict struct {
	reason reason // why it is not stored; empty if it is
	fresh  time.Duration
	aged   time.Duration // how old it was when the handler gave it
	vary   []string
	tags   []string
	shared bool // it says that those with credentials may have it too

	whileRevalidate, ifError time.Duration
}

// reason is why a request was not answered from the cache, or a response not
// stored: a token, as Cache-Status shows it in detail.
type reason string

const (
	storable       reason = ""
	failedStatus   reason = "error"         // 5xx
	otherStatus    reason = "status"        // one whose meaning may not be stored
	setsCookie     reason = "set-cookie"    // for one client
	saysNoStore    reason = "no-store"      // or no-cache: it would be asked for each time
	saysPrivate    reason = "private"       // and nobody said whose
	hasCredentials reason = "credentials"   // the request, and it is not said that all may have it
	saysNothing    reason = "no-freshness"  // and no Heuristic is given
	isExpired      reason = "expired"       // on arrival
	variesOnAll    reason = "vary"          // on *, or on more each time
	isStream       reason = "stream"        // or has trailers, or took the connection
	isLarge        reason = "large"         // over MaxBytes
	isSlow         reason = "slow"          // over LoadTimeout
	isTruncated    reason = "truncated"     // not as long as it said
	isRange        reason = "range"         // the request is for a part, or conditional on a write
	hasBody        reason = "body"          // the request has one
	badQuery       reason = "query"         // the request's is none
	saysReload     reason = "reload"        // the client does
	otherVariant   reason = "other-variant" // what was waited for is for others
	inMemory       reason = "memory"        // of a hit: Options.Local had it
)

// understood are the statuses whose responses are stored: they mean the same to
// everyone who asks, and Go's handlers make them whole. 206 and 304 are parts of
// an exchange; 401, 403 and 407 belong to a client; 5xx are accidents.
func understood(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414:
		return true
	}
	return false
}

// guessable are the statuses whose freshness may be guessed (RFC 9110, 15.1).
func guessable(status int) bool {
	return understood(status) && status != 302 && status != 307
}

// judge decides whether a response may be stored, and for how long (RFC 9111, 3
// and 4.2). Where the RFC leaves room it takes the smaller part: see doc.go.
func (x *exchange) judge(status int, h http.Header, now time.Time) verdict {
	said := parseDirectives(h["Cache-Control"])
	v := verdict{
		tags:   tagsOf(h),
		shared: said.public || said.sMaxAge >= 0,
	}
	var varies bool
	v.vary, varies = parseVary(h["Vary"])
	switch personal := x.target.user != ""; {
	case status >= 500:
		v.reason = failedStatus
	case !understood(status):
		v.reason = otherStatus
	case h["Set-Cookie"] != nil:
		v.reason = setsCookie
	case said.noStore || said.noCache:
		v.reason = saysNoStore
	case said.private && !personal:
		v.reason = saysPrivate
	case x.credentialed && !personal && !v.shared:
		v.reason = hasCredentials
	case !varies:
		v.reason = variesOnAll
	case h["Trailer"] != nil || strings.HasPrefix(h.Get("Content-Type"), "text/event-stream"):
		v.reason = isStream
	}
	if v.reason != storable {
		return v
	}
	lifetime, explicit := lifetimeOf(said, h, now)
	if !explicit && (guessable(status) || said.public) {
		lifetime = x.cache.guess(h, now)
	}
	x.cache.windows(&v, said)
	v.aged = agedOf(h, now)
	v.fresh = max(lifetime-v.aged, 0)
	switch {
	case !explicit && lifetime <= 0:
		v.reason = saysNothing
	case v.fresh <= 0 && lifetime+max(v.whileRevalidate, v.ifError) <= v.aged:
		v.reason = isExpired
	}
	return v
}

// lifetimeOf is for how long a response is fresh from when it was made, and
// whether it says so (RFC 9111, 4.2.1).
func lifetimeOf(said directives, h http.Header, now time.Time) (lifetime time.Duration, explicit bool) {
	switch expires := h["Expires"]; {
	case said.sMaxAge >= 0:
		return said.sMaxAge, true
	case said.maxAge >= 0:
		return said.maxAge, true
	case expires != nil:
		at, err := http.ParseTime(expires[0])
		if err != nil || len(expires) > 1 {
			return 0, true // in the past (RFC 9111, 5.3)
		}
		made := now
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			made = date
		}
		return min(max(at.Sub(made), 0), maxDelta), true
	}
	return 0, false
}

// guess is for how long a response is fresh that does not say (RFC 9111, 4.2.2).
func (c *Cache) guess(h http.Header, now time.Time) time.Duration {
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return c.options.Heuristic
	}
	return max(min(c.options.Heuristic, now.Sub(modified)/10), 0)
}

// agedOf is how old a response is that the handler has from elsewhere (RFC 9111,
// 4.2.3).
func agedOf(h http.Header, now time.Time) time.Duration {
	var aged time.Duration
	if age := h["Age"]; age != nil {
		aged = parseDelta(textproto.TrimString(age[0]))
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		aged = max(aged, min(now.Sub(date), maxDelta))
	}
	return aged
}

// windows sets for how long the response may be used when stale. It never may
// where it must be revalidated (RFC 9111, 4.2.4); s-maxage asks for that as well,
// unless the response says the contrary in the same breath.
func (c *Cache) windows(v *verdict, said directives) {
	v.whileRevalidate, v.ifError = said.whileRevalidate, said.ifError
	if v.whileRevalidate < 0 && said.sMaxAge < 0 {
		v.whileRevalidate = c.options.StaleWhileRevalidate
	}
	if v.ifError < 0 && said.sMaxAge < 0 {
		v.ifError = c.options.StaleIfError
	}
	v.whileRevalidate, v.ifError = max(v.whileRevalidate, 0), max(v.ifError, 0)
	if said.revalidate {
		v.whileRevalidate, v.ifError = 0, 0
	}
}

// tagHeaders are the headers by which a response names its tags: with spaces
// between them as Fastly has it, or with commas as Cloudflare has it.
func tagHeaders() [2]string { return [2]string{"Surrogate-Key", "Cache-Tag"} }

// tagsOf returns the tags of a response, each once.
func tagsOf(h http.Header) []string {
	var tags []string
	for _, line := range h["Surrogate-Key"] {
		tags = append(tags, strings.Fields(line)...)
	}
	tags = append(tags, listOf(h["Cache-Tag"])...)
	slices.Sort(tags)
	return slices.Compact(tags)
}
