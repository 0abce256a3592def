package workbench

import (
	"errors"
	"strings"
)

// errQuotes says that a line does not close what it opens.
var errQuotes = errors.New("the quotes do not match: close each \" or ', and leave a space behind it")

// splitLine cuts a line into words as redis-cli does: double quotes take the
// escapes \n \r \t \b \a \xHH \" \\, single quotes only \', and behind a closing
// quote there must be a space. A line of spaces has no words.
func splitLine(line string) ([]string, error) {
	var words []string
	for i := 0; ; {
		for i < len(line) && space(line[i]) {
			i++
		}
		if i == len(line) {
			return words, nil
		}
		word, next, err := oneWord(line, i)
		if err != nil {
			return nil, err
		}
		words, i = append(words, word), next
	}
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0 }

// oneWord reads the word that begins at i and returns where it ends.
func oneWord(line string, i int) (string, int, error) {
	var word strings.Builder
	for i < len(line) && !space(line[i]) {
		quote := line[i]
		if quote != '"' && quote != '\'' {
			word.WriteByte(quote)
			i++
			continue
		}
		end, err := quoted(&word, line, i+1, quote)
		if err != nil {
			return "", 0, err
		}
		if end < len(line) && !space(line[end]) {
			return "", 0, errQuotes
		}
		i = end
	}
	return word.String(), i, nil
}

// quoted reads up to the closing quote and returns the place behind it.
func quoted(word *strings.Builder, line string, i int, quote byte) (int, error) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == quote:
			return i + 1, nil
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			word.WriteByte('\'')
			i += 2
		case c == '\\' && quote == '"' && i+3 < len(line) && line[i+1] == 'x' && hexDigit(line[i+2]) >= 0 && hexDigit(line[i+3]) >= 0:
			word.WriteByte(byte(hexDigit(line[i+2])<<4 | hexDigit(line[i+3])))
			i += 4
		case c == '\\' && quote == '"' && i+1 < len(line):
			word.WriteByte(escaped(line[i+1]))
			i += 2
		default:
			word.WriteByte(c)
			i++
		}
	}
	return 0, errQuotes
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
