package httpcache

import (
	"net/http"
	"time"

	"github.com/dunglas/httpsfv"
)

// forward is why a request was not answered from the cache (RFC 9211, 2.2).
type forward string

const (
	fwdBypass  forward = "bypass"    // the cache is not to handle it
	fwdMethod  forward = "method"    // by its method
	fwdRequest forward = "request"   // the client wants it so
	fwdMiss    forward = "miss"      // it was not looked
	fwdURIMiss forward = "uri-miss"  // nothing is stored for the URL
	fwdVary    forward = "vary-miss" // but for other headers
	fwdStale   forward = "stale"     // but it is too old
)

// handled is what the cache did with a request.
type handled struct {
	forward   forward // empty for a hit
	collapsed bool    // it waited for the response to another request
	stored    bool
	fresh     time.Duration // of a hit or what was stored; negative when stale
	detail    reason
}

// tell adds the cache's line to Cache-Status (RFC 9211).
func (c *Cache) tell(h http.Header, done handled) {
	item := httpsfv.NewItem(c.identifier)
	if done.forward == "" {
		item.Params.Add("hit", true)
	} else {
		item.Params.Add("fwd", httpsfv.Token(done.forward))
	}
	if done.collapsed {
		item.Params.Add("collapsed", true)
	}
	if done.stored {
		item.Params.Add("stored", true)
	}
	if done.forward == "" || done.stored {
		item.Params.Add("ttl", ttlOf(done.fresh))
	}
	if done.detail != storable {
		item.Params.Add("detail", httpsfv.Token(done.detail))
	}
	if line, err := httpsfv.Marshal(item); err == nil {
		h["Cache-Status"] = append(h["Cache-Status"], line)
	}
}

// ttlOf is how long a response is still fresh, in seconds: negative for every
// stale one, so that a reader can tell.
func ttlOf(fresh time.Duration) int64 {
	ttl := int64(fresh.Round(time.Second) / time.Second)
	if fresh < 0 {
		return min(ttl, -1)
	}
	return ttl
}

// identifierOf is a name as Cache-Status has it: a token if it is one.
func identifierOf(name string) any {
	if _, err := httpsfv.Marshal(httpsfv.NewItem(httpsfv.Token(name))); err == nil {
		return httpsfv.Token(name)
	}
	return name
}
