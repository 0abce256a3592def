package lesson

import (
	"fmt"
	"regexp"
	"strings"
)

// textLine is a line of a text without its end.
type textLine struct {
	text   string
	fenced bool // inside a fence, or a mark of one
}

// fence is a block between two lines of backticks.
type fence struct {
	line     int    // of its opening mark, from 1
	mark     string // the backticks
	language string
	attrs    map[string]string // file=a.go; a bare word has the value "true"
	from, to int               // its body is lines[from:to]
}

// scan cuts a text into lines and says which are fenced. The error names the line
// of a fence that is not closed.
func scan(md []byte) ([]textLine, error) {
	lines, _, err := fences(md)
	return lines, err
}

var fenceMark = regexp.MustCompile("^(`{3,})([^`]*)$")

// fences finds the fences of a text, among its lines.
func fences(md []byte) ([]textLine, []fence, error) {
	var lines []textLine
	var found []fence
	var open *fence
	for i, text := range strings.Split(strings.TrimSuffix(string(md), "\n"), "\n") {
		text = strings.TrimSuffix(text, "\r")
		lines = append(lines, textLine{text, open != nil})
		mark := fenceMark.FindStringSubmatch(text)
		switch {
		case mark == nil:
		case open == nil:
			lines[i].fenced = true
			attrs, err := attributes(mark[2])
			if err != nil {
				return nil, nil, fmt.Errorf("lesson: line %d: %w", i+1, err)
			}
			language := strings.Fields(mark[2] + " ")
			open = &fence{line: i + 1, mark: mark[1], attrs: attrs, from: i + 1}
			if len(language) > 0 {
				open.language = language[0]
			}
		case len(mark[1]) >= len(open.mark) && strings.TrimSpace(mark[2]) == "":
			open.to = i
			found = append(found, *open)
			open = nil
		}
	}
	if open != nil {
		return nil, nil, fmt.Errorf("lesson: line %d: this fence is not closed", open.line)
	}
	return lines, found, nil
}

var attribute = regexp.MustCompile(`^(\w+)(?:=(?:"([^"]*)"|([^\s"]+)))?(?:\s+|$)`)

// attributes reads what follows the language of a fence: name=value,
// name="a value", or a name alone.
func attributes(info string) (map[string]string, error) {
	_, rest, _ := strings.Cut(strings.TrimSpace(info), " ")
	attrs := map[string]string{}
	for rest = strings.TrimSpace(rest); rest != ""; {
		m := attribute.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("want name=value behind the language of a fence, got %q", rest)
		}
		value := m[2] + m[3]
		if !strings.Contains(m[0], "=") {
			value = "true"
		}
		attrs[m[1]] = value
		rest = rest[len(m[0]):]
	}
	return attrs, nil
}
