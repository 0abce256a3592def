package httpcache

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Tags of responses, and those that we give by URL, must not meet.
func tagOfURL(url string) string { return "u:" + readable(url) }

func tagged(tags []string) []string {
	own := make([]string, len(tags))
	for i, tag := range tags {
		own[i] = "t:" + tag
	}
	return own
}

// InvalidateTag invalidates all responses that bear one of these tags: those
// that named it in Surrogate-Key or Cache-Tag. After it, no request is answered
// with what was made before it, not even with what is being made now.
//
// On an error some of them are invalidated, and it is safe to repeat.
//
// Redis: as cache.Cache.InvalidateTag.
func (c *Cache) InvalidateTag(ctx context.Context, tags ...string) error {
	if err := c.entries.InvalidateTag(ctx, tagged(tags)...); err != nil {
		return fmt.Errorf("httpcache: %w", err)
	}
	return nil
}

// InvalidateURL invalidates the responses of these URLs, for each user and
// whatever they vary on, as InvalidateTag does. A URL is one with its host, or
// with Options.Host a path; its scheme does not matter.
//
// On an error some of them are invalidated, and it is safe to repeat.
//
// Redis: for each URL 2 round trips, invalidate.lua and stamp.lua, and 1 for the
// responses that vary or are a user's, ZSCAN; if there are any, 2 for each 500.
func (c *Cache) InvalidateURL(ctx context.Context, urls ...string) error {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			return fmt.Errorf("httpcache: invalidate: %w", err)
		}
		if u.Host == "" && c.options.Host == "" {
			return fmt.Errorf("httpcache: invalidate %q: it has no host, and Options.Host is empty", text)
		}
		t, ok := c.targetOf(&http.Request{URL: u, Host: u.Host})
		if !ok {
			return fmt.Errorf("httpcache: invalidate %q: its query cannot be read", text)
		}
		if err := c.invalidate(ctx, t.url); err != nil {
			return fmt.Errorf("httpcache: invalidate %q: %w", text, err)
		}
	}
	return nil
}

// invalidate takes away what stands under the keys of a URL, and under keys that
// only the tag knows.
func (c *Cache) invalidate(ctx context.Context, url string) error {
	keys := []string{target{scheme: "http://", url: url}.key(""), target{scheme: "https://", url: url}.key("")}
	if err := c.entries.Invalidate(ctx, keys...); err != nil {
		return err
	}
	return c.entries.InvalidateTag(ctx, tagOfURL(url))
}

// Clear invalidates all responses, see cache.Cache.Clear.
//
// Redis: as cache.Cache.Clear.
func (c *Cache) Clear(ctx context.Context) error {
	if err := c.entries.Clear(ctx); err != nil {
		return fmt.Errorf("httpcache: %w", err)
	}
	return nil
}

// early is how much of a response net/http keeps back at least until the handler
// returns. What is longer may be read before.
const early = 2048

// change serves a request that may change something. If it succeeds, what is
// stored for its URL is invalidated (RFC 9111, 4.4), and what bears the tags that
// the response names: before the client can read of the success, and again when
// the handler has ended, since it may commit last.
func (c *Cache) change(w http.ResponseWriter, r *http.Request, next http.Handler) {
	g := &changer{cache: c, request: r, urls: c.changed(r)}
	g.passer = passer{ResponseWriter: w, head: g.inspect}
	next.ServeHTTP(g, r)
	g.end()
	g.invalidate()
}

// changed is the URL that a request is for.
func (c *Cache) changed(r *http.Request) []string {
	t, ok := c.targetOf(r)
	if !ok {
		return nil
	}
	return []string{t.url}
}

// changer is the http.ResponseWriter of a request that may change something.
type changer struct {
	passer
	cache   *Cache
	request *http.Request
	urls    []string
	tags    []string
	success bool
	written int
}

// inspect sees the head of the response.
func (g *changer) inspect(h http.Header, status int) {
	g.success = status < http.StatusBadRequest
	g.tags = tagsOf(h)
	for _, name := range [...]string{"Location", "Content-Location"} {
		if u, err := g.request.URL.Parse(h.Get(name)); err == nil && h.Get(name) != "" {
			if u.Host == "" || strings.EqualFold(u.Host, g.request.Host) {
				g.urls = append(g.urls, g.cache.changed(&http.Request{URL: u, Host: g.request.Host})...)
			}
		}
	}
	g.cache.tell(h, handled{forward: fwdMethod})
}

// Write invalidates before the client can read more than net/http keeps back.
func (g *changer) Write(b []byte) (int, error) {
	if !g.said {
		g.WriteHeader(http.StatusOK)
	}
	before := g.written
	if g.written += len(b); before < early && g.written >= early {
		g.invalidate()
	}
	return g.passer.Write(b)
}

// Flush is FlushError for those who do not ask for the error.
func (g *changer) Flush() { _ = g.FlushError() }

// FlushError invalidates before the client can read.
func (g *changer) FlushError() error {
	if !g.said {
		g.WriteHeader(http.StatusOK)
	}
	g.invalidate()
	return g.passer.FlushError()
}

// invalidate does what the head of the response asks for. The client's leaving
// does not keep it from that; a Redis that does not answer does, for what is
// stored then is old until it ends.
func (g *changer) invalidate() {
	if !g.success {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.request.Context()), g.cache.options.RedisTimeout)
	defer cancel()
	slices.Sort(g.urls)
	for _, url := range slices.Compact(g.urls) {
		g.cache.note(g.cache.invalidate(ctx, url), "url", url)
	}
	if len(g.tags) > 0 {
		g.cache.note(g.cache.InvalidateTag(ctx, g.tags...), "tags", strings.Join(g.tags, " "))
	}
}

// note counts an invalidation.
func (c *Cache) note(err error, name, what string) {
	c.stats.invalidations.Add(1)
	if err != nil {
		c.stats.invalidationErrors.Add(1)
		c.options.Logger.Error("httpcache: what is stored is old and could not be invalidated", name, what, "error", err)
	}
}
