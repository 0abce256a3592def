package keys

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ErrPrefix is what New answers to a prefix that cannot stand in a key.
var ErrPrefix = errors.New("keys: bad prefix")

// emptyEntity stands for "". No entity can collide with it, because the escape
// of a literal percent sign is %25.
const emptyEntity = "%empty"

// Space is the set of keys under one prefix. Make it with New; the zero Space
// builds no valid keys. It is a value, and safe for concurrent use.
type Space struct {
	head string // "<prefix>:{"
}

// New returns the space of prefix, or of fallback when prefix is empty.
// A package passes its own name as fallback, so that zero Options work:
//
//	space, err := keys.New(opts.Prefix, "lock")
//
// The error wraps ErrPrefix and names the character that may not be there.
func New(prefix, fallback string) (Space, error) {
	if prefix == "" {
		prefix = fallback
	}
	if prefix == "" {
		return Space{}, fmt.Errorf("%w: it must not be empty", ErrPrefix)
	}
	for _, r := range prefix {
		switch {
		case r == '{' || r == '}':
			return Space{}, fmt.Errorf("%w: %q must not contain %q, which would move its keys to another slot", ErrPrefix, prefix, r)
		case strings.ContainsRune(`*?[]\`, r):
			return Space{}, fmt.Errorf("%w: %q must not contain %q, which is a pattern sign in ACL rules and SCAN", ErrPrefix, prefix, r)
		case r == ' ' || r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return Space{}, fmt.Errorf("%w: %q must not contain %q: printable characters only, no spaces", ErrPrefix, prefix, r)
		}
	}
	return Space{head: prefix + ":{"}, nil
}

// Prefix returns the prefix of the space, without the colon that follows it.
func (s Space) Prefix() string { return strings.TrimSuffix(s.head, ":{") }

// Key returns the key of one part of an entity. Both may hold any bytes, and
// both may be empty. It allocates once.
func (s Space) Key(entity, part string) string {
	if entity == "" {
		entity = emptyEntity
	} else if n := countEscapes(entity); n > 0 {
		return s.escapedKey(entity, part, n)
	}
	return s.head + entity + "}:" + part
}

// Number is Key for the digits of a number, which may be in a buffer that is used
// again. It allocates once.
func (s Space) Number(digits []byte, part string) string {
	return s.head + string(digits) + "}:" + part
}

// Entity takes a key apart again. It reports false when the key is not of this
// space, or not one that Key can have built.
func (s Space) Entity(key string) (entity, part string, ok bool) {
	rest, ok := strings.CutPrefix(key, s.head)
	if !ok {
		return "", "", false
	}
	escaped, part, ok := strings.Cut(rest, "}:")
	if !ok {
		return "", "", false
	}
	entity, ok = unescape(escaped)
	if !ok {
		return "", "", false
	}
	return entity, part, true
}

// escapedKey is Key for an entity with n bytes to escape.
func (s Space) escapedKey(entity, part string, n int) string {
	var b strings.Builder
	b.Grow(len(s.head) + len(entity) + 2*n + len("}:") + len(part))
	b.WriteString(s.head)
	for i := range len(entity) {
		switch c := entity[i]; c {
		case '{':
			b.WriteString("%7B")
		case '}':
			b.WriteString("%7D")
		case '%':
			b.WriteString("%25")
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString("}:")
	b.WriteString(part)
	return b.String()
}

// countEscapes returns how many bytes of entity need an escape.
func countEscapes(entity string) int {
	n := 0
	for i := range len(entity) {
		if c := entity[i]; c == '{' || c == '}' || c == '%' {
			n++
		}
	}
	return n
}

// unescape reverses what Key did to an entity. It refuses anything that Key
// does not write, so that each entity has exactly one escaped form.
func unescape(escaped string) (entity string, ok bool) {
	switch {
	case escaped == "":
		return "", false
	case escaped == emptyEntity:
		return "", true
	case countEscapes(escaped) == 0:
		return escaped, true
	}
	var b strings.Builder
	b.Grow(len(escaped))
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c == '{' || c == '}' {
			return "", false
		}
		if c == '%' {
			switch {
			case strings.HasPrefix(escaped[i:], "%7B"):
				c = '{'
			case strings.HasPrefix(escaped[i:], "%7D"):
				c = '}'
			case strings.HasPrefix(escaped[i:], "%25"):
				// c is the percent sign already.
			default:
				return "", false
			}
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
