package httpcache

import (
	"net/textproto"
	"strings"
	"time"
)

// directives is what a Cache-Control says. Times are -1 where it says nothing.
type directives struct {
	noStore, noCache, private, public bool
	revalidate                        bool // must-revalidate or proxy-revalidate

	maxAge, sMaxAge, minFresh, whileRevalidate, ifError time.Duration
}

// maxDelta is the longest time that a directive can name; RFC 9111, 1.2.2, has it
// for what is longer.
const maxDelta = (1 << 31) * time.Second

// parseDirectives reads the lines of a Cache-Control (RFC 9111, 5.2). What is
// unknown is ignored. Where one cannot be sure what was meant, it is what keeps
// more from being stored: text out of form is no-store, a time out of form is
// zero, of two times the shorter one counts, and private or no-cache for some
// fields count for the whole response.
func parseDirectives(lines []string) directives {
	d := directives{maxAge: -1, sMaxAge: -1, minFresh: -1, whileRevalidate: -1, ifError: -1}
	for _, line := range lines {
		for line != "" {
			name, value, rest, ok := nextDirective(line)
			if !ok {
				d.noStore = true
				break
			}
			d.set(strings.ToLower(name), value)
			line = rest
		}
	}
	return d
}

// set notes one directive.
func (d *directives) set(name, value string) {
	switch name {
	case "no-store":
		d.noStore = true
	case "no-cache":
		d.noCache = true
	case "private":
		d.private = true
	case "public":
		d.public = true
	case "must-revalidate", "proxy-revalidate":
		d.revalidate = true
	case "max-age":
		shorten(&d.maxAge, value)
	case "s-maxage":
		shorten(&d.sMaxAge, value)
	case "min-fresh":
		shorten(&d.minFresh, value)
	case "stale-while-revalidate":
		shorten(&d.whileRevalidate, value)
	case "stale-if-error":
		shorten(&d.ifError, value)
	}
}

// shorten sets a time to what a directive says, unless an earlier one said less.
func shorten(t *time.Duration, value string) {
	delta := parseDelta(value)
	if *t < 0 || delta < *t {
		*t = delta
	}
}

// parseDelta reads a number of seconds (RFC 9111, 1.2.2); what is none is zero.
func parseDelta(s string) time.Duration {
	if s == "" {
		return 0
	}
	var n time.Duration
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = min(n*10+time.Duration(s[i]-'0')*time.Second, maxDelta)
	}
	return n
}

// nextDirective takes the first directive from a line. It reports false for what
// has no such form. An empty element of the list has an empty name.
func nextDirective(line string) (name, value, rest string, ok bool) {
	end := 0
	for end < len(line) && isToken(line[end]) {
		end++
	}
	name, rest = line[:end], line[end:]
	if name != "" && strings.HasPrefix(rest, "=") {
		if value, rest, ok = directiveValue(rest[1:]); !ok {
			return "", "", "", false
		}
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest != "" {
		if rest[0] != ',' && name != "" {
			return "", "", "", false
		}
		if name == "" && rest[0] != ',' && !isToken(rest[0]) {
			return "", "", "", false
		}
		rest = strings.TrimLeft(rest, ", \t")
	}
	return name, value, rest, true
}

// directiveValue takes a token or a quoted string from the beginning of s.
func directiveValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := 0
		for end < len(s) && isToken(s[end]) {
			end++
		}
		return s[:end], s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// isToken reports whether a byte may stand in a token (RFC 9110, 5.6.2).
func isToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// listOf splits the lines of a header into the elements of a list without quotes.
func listOf(lines []string) []string {
	var list []string
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			if element = textproto.TrimString(element); element != "" {
				list = append(list, element)
			}
		}
	}
	return list
}
