package lesson

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	regionMark    = regexp.MustCompile(`^\s*(?://|#|--)\s*region:\s*(\S+)\s*$`)
	endregionMark = regexp.MustCompile(`^\s*(?://|#|--)\s*endregion\b`)
	buildLine     = regexp.MustCompile(`(?m)\A//go:build .*\n\n?`)
)

// region returns the lines of a file between the marks of a region, without
// marks and common indentation. The empty name is the whole file, without its
// build line. An empty region is an error.
func region(source, name string) (string, error) {
	var lines []string
	var open []string // regions that the line is in
	seen := name == ""
	inside := func() bool {
		return name == "" || slices.Contains(open, name)
	}
	source = buildLine.ReplaceAllString(source, "")
	for i, line := range strings.Split(strings.TrimSuffix(source, "\n"), "\n") {
		if mark := regionMark.FindStringSubmatch(line); mark != nil {
			if mark[1] == name && seen {
				return "", fmt.Errorf("region %q begins twice, the second time in line %d", name, i+1)
			}
			seen = seen || mark[1] == name
			open = append(open, mark[1])
			continue
		}
		if endregionMark.MatchString(line) {
			if len(open) == 0 {
				return "", fmt.Errorf("line %d ends a region, and none is open", i+1)
			}
			open = open[:len(open)-1]
			continue
		}
		if inside() {
			lines = append(lines, line)
		}
	}
	if len(open) > 0 {
		return "", fmt.Errorf("region %q is not ended", open[len(open)-1])
	}
	if !seen {
		return "", fmt.Errorf("there is no region %q", name)
	}
	text := dedent(lines)
	if text == "" {
		return "", fmt.Errorf("region %q is empty", name)
	}
	return text, nil
}

// dedent takes off the indentation that all lines share, and blank lines at both
// ends.
func dedent(lines []string) string {
	indent, any := "", false
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		own := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if !any {
			indent, any = own, true
		}
		for !strings.HasPrefix(own, indent) {
			indent = indent[:len(indent)-1]
		}
	}
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimRight(strings.TrimPrefix(line, indent), " \t"))
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}
