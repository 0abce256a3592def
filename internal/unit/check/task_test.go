package check

import (
	"fmt"
	"strings"
	"testing"
)

// A line is named when it is the one: of the task's own call, running rather than
// waiting, and not one of several.
func TestStuckAt(t *testing.T) {
	goroutine := func(state string, frames ...string) string {
		return fmt.Sprintf("goroutine 9 [%s]:\n%s", state, strings.Join(frames, "\n"))
	}
	frame := func(line int) string {
		return fmt.Sprintf("m/course/exercise.Add(...)\n\t/src/course/exercise/exercise.go:%d +0x1d", line)
	}
	const (
		library = "github.com/redis/go-redis/v9.(*baseClient).process(...)\n\t/go/redis.go:400 +0x1"
		guard   = "github.com/redis-grind/grind/internal/unit/check.(*C).guard(0x1, 0x2)\n\t/src/internal/unit/check/task.go:140 +0x5"
		created = "created by m/course/exercise.Start in goroutine 8\n\t/src/course/exercise/exercise.go:50 +0x7"
	)
	for name, tt := range map[string]struct {
		stacks []string
		want   string
	}{
		"a loop":                {[]string{goroutine("running", frame(12), frame(31), guard)}, "exercise.go:12"},
		"a command":             {[]string{goroutine("IO wait", library, frame(14), guard)}, "exercise.go:14"},
		"a loop beside waiters": {[]string{goroutine("select", library, frame(14), guard), goroutine("runnable", frame(12), guard)}, "exercise.go:12"},
		"two at one line":       {[]string{goroutine("IO wait", frame(14), guard), goroutine("IO wait", frame(14), guard)}, "exercise.go:14"},
		"two at two lines":      {[]string{goroutine("IO wait", frame(14), guard), goroutine("IO wait", frame(15), guard)}, ""},
		"two loops":             {[]string{goroutine("running", frame(14), guard), goroutine("runnable", frame(15), guard), goroutine("IO wait", frame(9), guard)}, ""},
		"the check itself":      {[]string{goroutine("chan receive", library, guard), goroutine("select", frame(60), created)}, ""},
		"only where it began":   {[]string{goroutine("select", library, guard, created)}, ""},
	} {
		if got := stuckAt(strings.Join(tt.stacks, "\n\n")); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
