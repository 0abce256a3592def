package picture

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable cuts a value at MaxBytes and escapes what a terminal or a page
// cannot show. It never cuts within a character.
func printable(value string) string {
	cut := len(value) > MaxBytes
	if cut {
		end := MaxBytes
		for end > MaxBytes-utf8.UTFMax && !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	var b strings.Builder
	for len(value) > 0 {
		r, size := utf8.DecodeRuneInString(value)
		switch {
		case r == utf8.RuneError && size == 1, !strconv.IsPrint(r):
			quoted := strconv.Quote(value[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(value[:size])
		}
		value = value[size:]
	}
	if cut {
		b.WriteString("…")
	}
	return b.String()
}
