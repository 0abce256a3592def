package exercise

import (
	"fmt"
	"regexp"
	"strings"
)

// maxErrors is how many errors of the compiler a learner reads at once.
const maxErrors = 10

// compilerPath is how an error of the compiler begins: with a path from the
// module's root, or in a temporary folder.
var compilerPath = regexp.MustCompile(`(?m)^\S.*?[/\\](\w+\.go:\d+:)`)

// explainCompile shows the compiler's errors with paths that a learner knows, and
// a sentence of help for the first one that has one.
func explainCompile(output string) string {
	var lines []string
	for line := range strings.Lines(compilerPath.ReplaceAllString(output, "$1")) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !strings.HasPrefix(line, "# ") && !strings.HasSuffix(line, "too many errors") {
			lines = append(lines, line)
		}
	}
	help := ""
	for _, line := range lines {
		if help = helpFor(line); help != "" {
			break
		}
	}
	if more := len(lines) - maxErrors; more > 0 {
		lines = append(lines[:maxErrors], fmt.Sprintf("and %d more", more))
	}
	if help != "" {
		lines = append(lines, help)
	}
	return strings.Join(lines, "\n")
}

// helps are the commonest errors of people who are new to Go, the narrow ones
// first. $1 is the first group of the pattern.
var helps = []struct {
	pattern *regexp.Regexp
	help    string
}{
	{regexp.MustCompile(`: (//go:build .*) keeps this file out of the check$`), "Delete the line $1, which came with the solution: it tells Go when to compile the file, and a check compiles yours without that tag."},
	{regexp.MustCompile(`^\w+_test\.go:.* undefined: (?:exercise\.)?(\w+)`), "The check calls $1: keep the functions and types that the file came with. `grind reset` starts it anew and keeps a copy of yours."},
	{regexp.MustCompile(`^\w+_test\.go:`), "The check no longer fits your file: keep the names and parameters that it came with. `grind reset` starts it anew and keeps a copy of yours."},
	{regexp.MustCompile(`undefined: (strings|strconv|errors|fmt|time|context|sync|math|slices|sort|bytes)$`), "Add \"$1\" to the import block at the top."},
	{regexp.MustCompile(`undefined: redis$`), "Add \"github.com/redis/go-redis/v9\" to the import block at the top."},
	{regexp.MustCompile(`undefined: (\w+)`), "Nothing is called $1 here: check the spelling, or declare it first with $1 := …"},
	{regexp.MustCompile(`undefined \(type .* has no field or method (\w+)`), "That type has no $1: check the spelling, capitals included."},
	{regexp.MustCompile(`declared and not used: (\w+)`), "Go refuses a variable that nobody reads: use $1, or write _ in its place."},
	{regexp.MustCompile(`"([^"]+)" imported(?: as \w+)? and not used`), "Go refuses an import that nobody uses: delete the line \"$1\", or use it."},
	{regexp.MustCompile(`missing return`), "Every way through the function must end in a return, also the last one."},
	{regexp.MustCompile(`\*redis\.(\w+Cmd)\b.* as .* value`), "A command of go-redis returns a *redis.$1: its .Result() is the value and the error, its .Err() the error alone."},
	{regexp.MustCompile(`assignment mismatch`), "The call returns another number of values than there are names to its left: a function that can fail is called as value, err := f()."},
	{regexp.MustCompile(`not enough arguments in call`), "Compare \"have\" with \"want\": an argument is missing. Commands of go-redis take ctx first."},
	{regexp.MustCompile(`too many arguments in call`), "Compare \"have\" with \"want\": there is an argument too many."},
	{regexp.MustCompile(`(?:not enough|too many) return values`), "Compare \"have\" with \"want\": return one value for each result of the function, the error last."},
	{regexp.MustCompile(`cannot use .* as .* value|mismatched types|cannot convert`), "The types differ, and Go converts nothing by itself: int64(n), string(b), strconv.Itoa(n) do."},
	{regexp.MustCompile(`no new variables on left side of :=`), "Both names exist already: assign with = instead of :=."},
	{regexp.MustCompile(`package (\S+) is not in std|no required module provides package (\S+);`), "Only the standard library and what go.mod lists can be imported here."},
	{regexp.MustCompile(`expected |syntax error|unexpected `), "Go could not read the line: look for a brace, a bracket or a comma that is missing at or above it."},
}

func helpFor(line string) string {
	for _, h := range helps {
		if m := h.pattern.FindStringSubmatchIndex(line); m != nil {
			return string(h.pattern.ExpandString(nil, h.help, line, m))
		}
	}
	return ""
}
