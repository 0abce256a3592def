package exercise

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/redis-grind/grind/internal/unit/check"
)

// goOutcome is what one exercise's test binary did.
type goOutcome struct {
	errors string // of the compiler; empty when it compiled
	output string // of the test binary
	events []check.Event
}

// The sorts of trouble that keep tasks from being judged.
const (
	KindCompile = "compile" // the code does not compile
	KindPanic   = "panic"   // it crashed outside a task's goroutine
	KindTimeout = "timeout" // it took longer than a check may
	KindExit    = "exit"    // the program ended by itself
)

// maxPrinted bounds what is shown of what the code printed, in bytes.
const maxPrinted = 4 << 10

var (
	learnerLine = regexp.MustCompile(`[/\\]((?:exercise|solution)\.go:\d+)`)
	crash       = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`)
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
	if strings.Contains(o.output, "*** Test killed ") { // the limit begins with the first test
		return KindTimeout, fmt.Sprintf("the program did not end and was killed %s: a loop without an end, in init or in the value of a variable?", when)
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

var testFrame = regexp.MustCompile(`^(=== |\s*--- (?:PASS|FAIL|SKIP): |PASS$|FAIL\b|ok  \t|exit status |\s+check_test\.go:\d+: |testing: warning)`)

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
