package tap

import "strings"

// glob reports whether all of s matches a pattern of *, ?, [set] and \ as
// Redis knows them. The empty pattern matches everything.
func glob(pattern, s string) bool {
	return pattern == "" || match(pattern, s)
}

func match(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, ok := one(pattern[p:], s[i]); ok {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one matches a single character against the beginning of a pattern that is
// not a star, and says how much of the pattern that took.
func one(pattern string, c byte) (n int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return set(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	}
	return 1, pattern[0] == c
}

func set(pattern string, c byte) (n int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			ok = ok || min(pattern[i], pattern[i+2]) <= c && c <= max(pattern[i], pattern[i+2])
			i += 2
			continue
		}
		ok = ok || pattern[i] == c
	}
	return min(i+1, len(pattern)), ok != not
}
