package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// target is what a request asks for: whose it is, and the URL in its normal form.
type target struct {
	scheme string // with ://
	url    string // host, path and query, normalised
	query  string // the part of it after ?
	user   string // a digest; empty for nobody
}

// targetOf normalises the URL of a request. It reports false where the query is
// no query.
func (c *Cache) targetOf(r *http.Request) (target, bool) {
	query, ok := c.normalQuery(r.URL.RawQuery)
	t := target{scheme: "http://", query: query, url: strings.ToLower(r.Host)}
	if r.TLS != nil {
		t.scheme = "https://"
	}
	if c.options.Host != "" {
		t.url = c.options.Host
	}
	t.url += normalPath(r.URL.EscapedPath())
	if query != "" {
		t.url += "?" + query
	}
	if user := c.options.User(r); user != "" {
		t.user = digest(user)
	}
	return t, ok
}

// key is the name under which a response is stored: the URL, whose it is, and
// what the request says in the headers that matter. A space is in no URL, so
// that no two requests with different answers share a key.
func (t target) key(selected string) string {
	key := readable(t.scheme + t.url)
	if t.user != "" {
		key += " user=" + t.user
	}
	if selected != "" {
		key += " vary=" + selected
	}
	return key
}

// readable is a URL as it is, or the digest of one that is long or has bytes that
// no URL has.
func readable(url string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(url) > 200 || strings.ContainsFunc(url, odd) {
		return "sha256 " + digest(url)
	}
	return url
}

// digest names a text without showing it.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// normalPath gives each path one form of those that mean the same (RFC 3986,
// 6.2.2): escapes in capitals, and none for a byte that needs none. The empty
// path is that of the root.
func normalPath(path string) string {
	if path == "" {
		return "/"
	}
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		escape := strings.ToUpper(path[i : i+3])
		c, err := url.PathUnescape(escape)
		if err == nil && (isAlphanumeric(c[0]) || strings.Contains("-._~", c)) {
			escape = c
		}
		b.WriteString(escape)
		i += 2
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// normalQuery sorts the parameters of a query by name, those of one name in
// their order, and leaves out what the options say. It reports false for text
// that url.ParseQuery would take with an error.
func (c *Cache) normalQuery(raw string) (string, bool) {
	if raw == "" {
		return "", true
	}
	type parameter struct{ name, value string }
	var list []parameter
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		before, after, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(before)
		value, err2 := url.QueryUnescape(after)
		if err != nil || err2 != nil || strings.Contains(pair, ";") {
			return "", false
		}
		if c.keeps(name) {
			list = append(list, parameter{name, value})
		}
	}
	slices.SortStableFunc(list, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value))
	}
	return b.String(), true
}

// keeps reports whether a query parameter is part of the URL.
func (c *Cache) keeps(name string) bool {
	matches := func(pattern string) bool {
		begin, open := strings.CutSuffix(pattern, "*")
		return name == pattern || open && strings.HasPrefix(name, begin)
	}
	if c.options.KeepQuery != nil && !slices.ContainsFunc(c.options.KeepQuery, matches) {
		return false
	}
	return !slices.ContainsFunc(c.options.DropQuery, matches)
}

// credentialed reports whether a request says who sends it, in a way that the
// response may depend on.
func credentialed(r *http.Request) bool {
	return r.Header["Authorization"] != nil || r.Header["Cookie"] != nil ||
		r.TLS != nil && len(r.TLS.PeerCertificates) > 0
}
