package trace

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is the command as a person would type it into redis-cli:
// SET greeting "hello world". Arguments are quoted only where they must be,
// and what was left out is counted at the end. A push shows its data; an
// opened or closed connection shows its kind.
func (e Event) Line() string {
	switch {
	case e.Kind == Push:
		return "push " + e.Reply.Text
	case e.Name == "":
		return string(e.Kind)
	}
	var b strings.Builder
	b.WriteString(e.Name)
	for _, a := range e.Args {
		b.WriteByte(' ')
		if plain(a) {
			b.WriteString(a)
		} else {
			b.WriteString(Quote(a))
		}
	}
	if e.More > 0 {
		b.WriteString(" … ")
		b.WriteString(strconv.Itoa(e.More))
		b.WriteString(" more")
	}
	return b.String()
}

// Key is the first key the command names, or empty when it names none or its
// key lies beyond MaxArgs.
func (e Event) Key() string { return FirstKey(e.Name, e.Args) }

// plain reports whether redis-cli would take s as one argument without quotes.
func plain(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == ' ' || r == '"' || r == '\'' || r == '\\' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Quote writes s in double quotes with the escapes that redis-cli prints and
// reads back. Unlike redis-cli it leaves printable Unicode as it is.
func Quote(s string) string { return string(AppendQuote(nil, s)) }

// AppendQuote appends what Quote returns to dst.
func AppendQuote[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, n := decode(text[i:min(len(text), i+utf8.UTFMax)])
			if n > 1 && unicode.IsPrint(r) {
				dst = append(dst, text[i:i+n]...)
				i += n
				continue
			}
		}
		i++
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func decode[T string | []byte](text T) (rune, int) {
	var four [utf8.UTFMax]byte
	return utf8.DecodeRune(four[:copy(four[:], text)])
}

// AppendCut appends text to dst, cut to its first MaxText bytes and "…" when
// it is longer. The cut does not split a character.
func AppendCut[T string | []byte](dst []byte, text T) []byte {
	if len(text) <= MaxText {
		return append(dst, text...)
	}
	n := MaxText
	for n > MaxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return append(append(dst, text[:n]...), "…"...)
}

// Cut is AppendCut for a string of its own.
func Cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	return string(AppendCut(nil, s))
}

// Strip returns copies of the events in which every argument and every quoted
// text of a reply that begins with prefix is shown without it: for display,
// where a prefix that all keys share is noise.
func Strip(events []Event, prefix string) []Event {
	if prefix == "" {
		return events
	}
	out := make([]Event, len(events))
	for i, e := range events {
		args := make([]string, len(e.Args))
		for j, a := range e.Args {
			args[j] = strings.TrimPrefix(a, prefix)
		}
		if e.Args != nil {
			e.Args = args
		}
		if !e.Reply.Err() {
			e.Reply.Text = strings.ReplaceAll(e.Reply.Text, `"`+prefix, `"`)
		}
		out[i] = e
	}
	return out
}
