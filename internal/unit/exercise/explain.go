package exercise

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/redis-grind/grind/internal/unit/check"
)

// The sorts of trouble that keep tasks from being judged.
const (
	KindCompile = "compile" // the code does not compile
	KindPanic   = "panic"   // it crashed outside a task's goroutine
	KindTimeout = "timeout" // it took longer than a check may
	KindExit    = "exit"    // the program ended by itself
)

// maxErrors is how many errors of the compiler a learner reads at once.
const maxErrors = 10

// maxPrinted bounds what is shown of what the code printed, in bytes.
const maxPrinted = 4 << 10

var (
	learnerLine = regexp.MustCompile(`[/\\]((?:exercise|solution)\.go:\d+)`)
	crash       = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`)
	// The compiler's paths begin at the module's root, or in a temporary folder.
	compilerPath = regexp.MustCompile(`(?m)^\S.*?[/\\]((?:exercise|solution|check_test)\.go:\d+:)`)
)

// trouble says why tasks have no end: its kind and a sentence. under is the task
// under way, or empty.
func (o *goOutcome) trouble(under string) (kind, message string) {
	when := "before the checks ran"
	if under != "" {
		when = "during " + under
	} else if len(o.events) > 0 {
		when = "between two tasks"
	}
	if o.errors != "" {
		return KindCompile, explainCompile(o.errors)
	}
	if strings.Contains(o.output, "panic: test timed out after ") {
		return KindTimeout, fmt.Sprintf("the check took longer than %v and was ended %s", runLimit, when)
	}
	if at := crash.FindStringSubmatchIndex(o.output); at != nil {
		what := strings.TrimSuffix(o.output[at[2]:at[3]], " [recovered]")
		line := ""
		if m := learnerLine.FindStringSubmatch(o.output[at[0]:]); m != nil {
			line = " (" + m[1] + ")"
		}
		return KindPanic, fmt.Sprintf("the program crashed %s: %s%s", when, what, line)
	}
	if strings.Contains(o.output, "signal: killed") {
		return KindExit, fmt.Sprintf("the system killed the program %s: did it use up the memory?", when)
	}
	return KindExit, fmt.Sprintf("the program ended %s: os.Exit in your code?", when)
}

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
	{regexp.MustCompile(`^check_test\.go:.* undefined: (\w+)`), "The check calls $1: keep the functions and types that the file came with. `grind reset` starts it anew and keeps a copy of yours."},
	{regexp.MustCompile(`^check_test\.go:`), "The check no longer fits your file: keep the names and parameters that it came with. `grind reset` starts it anew and keeps a copy of yours."},
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

var testFrame = regexp.MustCompile(`^(=== |\s*--- |PASS$|FAIL\b|ok  \t|exit status |\s+(task|check_test)\.go:\d+: |testing: warning)`)

// printed is what the learner's code wrote to the standard output, without the
// lines of the test's own.
func (o *goOutcome) printed() string {
	var b strings.Builder
	for line := range strings.Lines(o.output) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			break // told elsewhere, and stacks are not for people
		}
		if !testFrame.MatchString(strings.TrimRight(line, "\r\n")) {
			b.WriteString(line)
		}
	}
	text := strings.TrimRight(b.String(), "\n")
	if len(text) > maxPrinted {
		text = strings.ToValidUTF8(text[:maxPrinted], "") + "\n…"
	}
	return text
}

// underWay is the task that began and has no end.
func (o *goOutcome) underWay() string {
	open := ""
	for _, e := range o.events {
		if e.Event == "start" {
			open = e.Task
		} else {
			open = ""
		}
	}
	return open
}

// ends are the ends of the tasks. A task that ended twice counts at its worst.
func (o *goOutcome) ends() map[string]check.Event {
	ends := map[string]check.Event{}
	for _, e := range o.events {
		if e.Event != "end" {
			continue
		}
		if before, twice := ends[e.Task]; !twice || worse(before.Status, e.Status) != before.Status {
			ends[e.Task] = e
		}
	}
	return ends
}
