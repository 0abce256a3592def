package exercise

import (
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/unit/check"
)

func TestTrouble(t *testing.T) {
	const stack = "\n\ngoroutine 9 [running]:\nx.Add(...)\n\t/src/course/01/exercise/exercise.go:31 +0x1d\n"
	tests := map[string]struct {
		outcome       goOutcome
		under         string
		kind, message string
	}{
		"crash": {goOutcome{output: "hello\nfatal error: concurrent map writes" + stack}, "exact", KindPanic,
			"the program crashed during exact: concurrent map writes (exercise.go:31)"},
		"crash in init": {goOutcome{output: "panic: no" + stack}, "", KindPanic,
			"the program crashed before the checks ran: no (exercise.go:31)"},
		"crash between": {goOutcome{output: "panic: no\n", events: []check.Event{{Event: "end"}}}, "", KindPanic,
			"the program crashed between two tasks: no"},
		"limit": {goOutcome{output: "panic: test timed out after 30s" + stack}, "exact", KindTimeout,
			"the check took longer than 30s and was ended during exact"},
		"limit before the tests": {goOutcome{output: "*** Test killed with quit: ran too long (1m30s).\n"}, "", KindTimeout,
			"the program did not end and was killed before the checks ran: a loop without an end, in init or in the value of a variable?"},
		"killed": {goOutcome{output: "signal: killed\n"}, "exact", KindExit,
			"the system killed the program during exact: did it use up the memory?"},
		"exit": {goOutcome{}, "exact", KindExit, "the program ended during exact: os.Exit in your code?"},
	}
	for name, test := range tests {
		kind, message := test.outcome.trouble(test.under)
		if kind != test.kind || message != test.message {
			t.Errorf("%s: got %s, %q, want %s, %q", name, kind, message, test.kind, test.message)
		}
	}
}

func TestPrinted(t *testing.T) {
	o := goOutcome{output: "=== RUN   TestA\nmine\n  --- indented\n\nmore--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n=== NAME  TestA\nFAIL\nexit status 1\npanic: no\n\ngoroutine 1\n"}
	if got, want := o.printed(), "mine\n  --- indented\n\nmore--- FAIL: TestA (0.00s)"; got != want {
		t.Errorf("printed: got %q, want %q", got, want)
	}
	o.output = strings.Repeat("é", maxPrinted)
	if got := o.printed(); len(got) > maxPrinted+10 || !strings.HasSuffix(got, "é\n…") {
		t.Errorf("printed of too much: got %d bytes that end in %q, want %d and …", len(got), got[len(got)-10:], maxPrinted)
	}
}
