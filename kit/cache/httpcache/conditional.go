package httpcache

import (
	"net/http"
	"net/textproto"
	"strings"
)

// notModified reports whether the client has the response with this head (RFC
// 9110, 13.2.2).
func notModified(r *http.Request, h http.Header) bool {
	if lines := r.Header["If-None-Match"]; lines != nil {
		return matchesETag(lines, h.Get("Etag"))
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !modified.After(since)
}

// matchesETag reports whether an If-None-Match names a validator, by the weak
// comparison (RFC 9110, 8.8.3.2 and 13.1.2). What is out of form, and what
// follows it, names nothing.
func matchesETag(lines []string, etag string) bool {
	ours, rest, isTag := cutTag(etag)
	isTag = isTag && rest == ""
	for _, line := range lines {
		if line = textproto.TrimString(line); line == "*" {
			return true
		}
		for ok := true; ok && line != ""; {
			var theirs string
			if theirs, line, ok = cutTag(line); ok && isTag && theirs == ours {
				return true
			}
			line = strings.TrimLeft(line, ", \t")
		}
	}
	return false
}

// cutTag takes an entity tag from the beginning of s, without its W/. It reports
// false where there is none, or where something else follows than a comma.
func cutTag(s string) (opaque, rest string, ok bool) {
	quoted, ok := strings.CutPrefix(strings.TrimPrefix(s, "W/"), `"`)
	if !ok {
		return "", "", false
	}
	opaque, rest, ok = strings.Cut(quoted, `"`)
	if !ok || strings.ContainsFunc(opaque, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	return opaque, rest, rest == "" || rest[0] == ','
}

// withoutConditions takes from a request what asks for less than the whole
// response.
func withoutConditions(h http.Header) {
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"} {
		delete(h, name)
	}
}
