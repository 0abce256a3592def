package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// parseVary returns the names in a Vary, canonical, sorted and each once. It
// reports false for one that nothing can match: with a *, or with what is no
// name (RFC 9110, 12.5.5).
func parseVary(lines []string) (names []string, ok bool) {
	for _, name := range listOf(lines) {
		if name == "*" || strings.ContainsFunc(name, func(r rune) bool { return r > 127 || !isToken(byte(r)) }) {
			return nil, false
		}
		names = append(names, textproto.CanonicalMIMEHeaderKey(name))
	}
	return union(names), true
}

// union is the names of several lists, sorted and each once.
func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// within reports whether all of names are in known.
func within(names, known []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) })
}

// selecting sums up what a request says in the headers of these names: two
// requests match if it is equal (RFC 9111, 4.1). It is a digest, since values may
// be credentials.
func selecting(names []string, h http.Header) string {
	if len(names) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, name := range names {
		values, there := h[name]
		trimmed := make([]string, len(values))
		for i, value := range values {
			trimmed[i] = textproto.TrimString(value)
		}
		value := strings.Join(trimmed, ", ")
		var head [9]byte
		if there {
			head[0] = 1
		}
		binary.BigEndian.PutUint64(head[1:], uint64(len(value)))
		sum.Write([]byte(name))
		sum.Write(head[:])
		sum.Write([]byte(value))
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:18])
}
