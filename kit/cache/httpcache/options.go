package httpcache

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/redis-grind/grind/kit/cache"
)

// The defaults of Options.
const (
	DefaultName         = "httpcache"
	DefaultMaxBytes     = 1 << 20
	DefaultLoadTimeout  = cache.DefaultLoadTimeout
	DefaultRedisTimeout = cache.DefaultRedisTimeout
)

// Options of a Cache. With zero Options it stores what responses to requests
// without credentials allow by their own Cache-Control or Expires, and what
// responses to others allow by public or s-maxage.
type Options struct {
	// Name begins every key in Redis and names the cache in Cache-Status. Caches of
	// different programs need different names; all processes of one program use the
	// same. Empty is DefaultName. Braces, spaces and the signs * ? [ ] \ are an
	// error.
	Name string

	// User says whose request it is, by something that the client cannot choose: a
	// verified session, never a bare header. Empty is nobody. What was answered to
	// one user is never used for another, nor for nobody, be it public or not; in
	// return responses to a user are stored even if they are private. Keep in mind
	// that each user has copies of everything: put public pages behind a Cache
	// without User. Nil is nobody at all times.
	User func(*http.Request) string

	// Host stands in for the host of every request, in keys and in what the handler
	// is given. It is for programs that answer the same under each of their names.
	// Empty is the request's own host.
	Host string

	// KeepQuery names the query parameters that the response depends on; the others
	// are taken from the request, for the handler too. A name may end in * for all
	// that begin so. Nil is all; an empty list is none.
	KeepQuery []string

	// DropQuery names query parameters that are taken from the request, for the
	// handler too: "utm_*". Nil is none.
	DropQuery []string

	// Heuristic is for how long a response is fresh that does not say, if its status
	// allows a guess (RFC 9111, 4.2.2); but not longer than a tenth of the time
	// since its Last-Modified. Zero is not at all: such responses are not stored.
	// Negative is an error.
	Heuristic time.Duration

	// StaleWhileRevalidate is for how long a stale response is still answered with
	// while a newer one is made in the background, where the response does not say
	// by stale-while-revalidate (RFC 5861). Zero is not at all; negative is an error.
	StaleWhileRevalidate time.Duration

	// StaleIfError is for how long a stale response is answered with when the
	// handler fails (5xx, a panic, a truncated body), where the response does not
	// say by stale-if-error (RFC 5861). Zero is not at all; negative is an error.
	StaleIfError time.Duration

	// IgnoreReload lets clients no longer ask for a response anew by no-cache,
	// max-age or min-fresh in their Cache-Control. They may not be obeyed (RFC 9111,
	// 5.2.1), and each such request is work for the handler.
	IgnoreReload bool

	// MaxBytes is the size up to which a body is stored. It is kept in memory until
	// it is whole; a larger one is passed on as it comes. Zero is DefaultMaxBytes;
	// negative is an error.
	MaxBytes int

	// LoadTimeout is how long the handler may take for a response that is stored,
	// and for how long others wait for it. What takes longer is passed to the client
	// that asked for it, without a limit of time, and not stored. Zero is
	// DefaultLoadTimeout; negative is an error.
	LoadTimeout time.Duration

	// RedisTimeout bounds each step of a request that asks Redis, and the
	// invalidation after an unsafe request. After it, and at once when Redis has
	// failed several times in a row, the handler is asked. Zero is
	// DefaultRedisTimeout; negative is an error.
	RedisTimeout time.Duration

	// OriginLimit is how many requests the handler gets at once in this process
	// while Redis does not answer; others are answered 503. Zero is unlimited;
	// negative is an error.
	OriginLimit int

	// Local is a first layer in this process's memory, see cache.Local. What it answers
	// says detail=memory in Cache-Status. Zero is none.
	Local cache.Local

	// Logger is told what no client is: that Redis fails and works again, why a
	// refresh in the background failed, that an invalidation did. Nil is silence.
	Logger *slog.Logger
}

// complete fills in the defaults, and refuses what makes no sense by its name.
func (o *Options) complete() error {
	for _, field := range []struct {
		name  string
		value time.Duration
	}{
		{"Heuristic", o.Heuristic},
		{"StaleWhileRevalidate", o.StaleWhileRevalidate},
		{"StaleIfError", o.StaleIfError},
		{"LoadTimeout", o.LoadTimeout},
		{"RedisTimeout", o.RedisTimeout},
		{"MaxBytes", time.Duration(o.MaxBytes)},
		{"OriginLimit", time.Duration(o.OriginLimit)},
	} {
		if field.value < 0 {
			return fmt.Errorf("httpcache: Options.%s must not be negative, got %d", field.name, field.value)
		}
	}
	o.Name = cmp.Or(o.Name, DefaultName)
	o.Host = strings.ToLower(o.Host)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.LoadTimeout = cmp.Or(o.LoadTimeout, DefaultLoadTimeout)
	o.RedisTimeout = cmp.Or(o.RedisTimeout, DefaultRedisTimeout)
	if o.User == nil {
		o.User = func(*http.Request) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
