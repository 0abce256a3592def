package exercise

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// file is a learner's file: body is that of Add and begins in line 10.
func file(imports, body, more string) string {
	return fmt.Sprintf(`package exercise

import (
	"context"
	%s
	"github.com/redis/go-redis/v9"
)

func Add(ctx context.Context, rdb redis.Cmdable, key string, n int64) (int64, error) {
%s
}
%s
`, imports, body, more)
}

const right = "\treturn rdb.IncrBy(ctx, key, n).Result()"

// result is what is expected of one task.
type result struct {
	status  check.Status
	message string // contained in the message
}

// TestCheck takes learners' files of every sort through a real check.
func TestCheck(t *testing.T) {
	notRun := func(why string) result { return result{check.Error, "not run: " + why} }
	passed := result{status: check.Pass}
	unwritten := result{check.Fail, "not written yet"}
	tests := map[string]struct {
		source  string
		status  check.Status
		kind    string
		message string // contained in the report's message
		tasks   [3]result
		printed string
	}{
		"right": {
			source:  file(`"fmt"`, "\tfmt.Println(\"hello\")\n"+right, ""),
			status:  check.Pass,
			tasks:   [3]result{passed, passed, passed},
			printed: "hello\nhello",
		},
		"wrong": {
			source: file("", "\tsum, _ := rdb.Get(ctx, key).Int64()\n\treturn sum + n, rdb.Set(ctx, key, sum+n, 0).Err()", ""),
			status: check.Fail,
			tasks: [3]result{passed, {check.Fail, "Adding took 2 round trips, want 1."},
				{check.Fail, "Two people added 1, and the sum is 1.\nThe shortest order that does it:\n  alice GET sum → "}},
		},
		"not written yet": {
			source: file(`"errors"`, "\treturn 0, errNotYet", "var errNotYet = errors.New(\"not written yet\")"),
			status: check.Fail,
			tasks:  [3]result{unwritten, unwritten, unwritten},
		},
		"exit in init": {
			source:  file(`"os"`, right, "func init() { os.Exit(0) }"),
			status:  check.Error,
			kind:    KindExit,
			message: "the program ended before the checks ran: os.Exit in your code?",
			tasks:   [3]result{notRun("the program ended"), notRun("the program ended"), notRun("the program ended")},
		},
		"exit in a task": {
			source:  file(`"os"`, "\tif n == 1 {\n\t\tos.Exit(1)\n\t}\n"+right, ""),
			status:  check.Error,
			kind:    KindExit,
			message: "the program ended during cost: os.Exit in your code?",
			tasks:   [3]result{passed, {check.Error, "the program ended during cost"}, notRun("cost ended the program")},
		},
		"endless loop": {
			source: file("", "\tfor {\n\t\tn++\n\t}", ""),
			status: check.Error,
			tasks: [3]result{{check.Error, "sum did not end within 3 s: a loop without an end, or a command that waits for ever (exercise.go:1"},
				notRun("sum ended the program"), notRun("sum ended the program")},
		},
		"a wait without an end": {
			source: file("", "\tgo func() {\n\t\tselect {}\n\t}()\n\treturn 0, rdb.BLPop(ctx, 0, key+\":none\").Err()", ""),
			status: check.Error,
			tasks: [3]result{{check.Error, "sum did not end within 3 s: a loop without an end, or a command that waits for ever (exercise.go:13)"},
				notRun("sum ended the program"), notRun("sum ended the program")},
		},
		"panic": {
			source: file("", "\tvar sums []int64\n\treturn sums[n], nil", ""),
			status: check.Error,
			tasks: [3]result{{check.Error, "sum panicked at exercise.go:11: runtime error: index out of range"},
				{check.Error, "cost panicked at exercise.go:11"}, {check.Error, "orders panicked at exercise.go:11"}},
		},
		"panic in another goroutine": {
			source:  file("", "\tdone := make(chan bool)\n\tgo func() {\n\t\tpanic(\"no more\")\n\t}()\n\t<-done\n\treturn 0, nil", ""),
			status:  check.Error,
			kind:    KindPanic,
			message: "the program crashed during sum: no more (exercise.go:12)",
			tasks:   [3]result{{check.Error, "the program crashed during sum"}, notRun("sum ended the program"), notRun("sum ended the program")},
		},
		"does not compile": {
			source:  file(`"strings"`, "\tsum := 1\n\treturn rdb.IncrBy(ctx, key, m).Result()", ""),
			status:  check.Error,
			kind:    KindCompile,
			message: "exercise.go:5:2: \"strings\" imported and not used",
			tasks:   [3]result{notRun("the code does not compile"), notRun("the code does not compile"), notRun("the code does not compile")},
		},
		"the solution's tag": {
			source:  "//go:build solution\n\n" + file("", right, ""),
			status:  check.Error,
			kind:    KindCompile,
			message: "exercise.go:1:1: //go:build solution keeps this file out of the check\nDelete the line //go:build solution, which came with the solution",
			tasks:   [3]result{notRun("the code does not compile"), notRun("the code does not compile"), notRun("the code does not compile")},
		},
		"is no Go": {
			source:  "package exercise\n\nfunc Add( {\n",
			status:  check.Error,
			kind:    KindCompile,
			message: "exercise.go:3:",
			tasks:   [3]result{notRun("the code does not compile"), notRun("the code does not compile"), notRun("the code does not compile")},
		},
		"lacks the function": {
			source:  "package exercise\n",
			status:  check.Error,
			kind:    KindCompile,
			message: "The check calls Add: keep the functions and types that the file came with.",
			tasks:   [3]result{notRun("the code does not compile"), notRun("the code does not compile"), notRun("the code does not compile")},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := started(t, test.source)
			report, err := r.Check(t.Context(), add, CheckOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if report.Status != test.status || report.Kind != test.kind || !strings.Contains(report.Message, test.message) {
				t.Errorf("report: got %s, kind %q, message %q, want %s, %q, %q", report.Status, report.Kind, report.Message, test.status, test.kind, test.message)
			}
			for i, want := range test.tasks {
				got := report.Tests[i]
				if got.Status != want.status || !strings.Contains(got.Message, want.message) || want.message == "" && got.Message != "" {
					t.Errorf("task %s: got %s, %q, want %s, %q", got.Task, got.Status, got.Message, want.status, want.message)
				}
				judged := got.Status == check.Fail || got.Status == check.Error && !strings.HasPrefix(got.Message, "not run")
				if wantCode := "func Test" + strings.ToUpper(got.Task[:1]); judged != strings.HasPrefix(got.Code, wantCode) {
					t.Errorf("task %s: got code %q, want it to begin with %q: %v", got.Task, got.Code, wantCode, judged)
				}
			}
			if !strings.HasPrefix(report.Printed, test.printed) || test.printed == "" && report.Printed != "" {
				t.Errorf("printed: got %q, want %q first", report.Printed, test.printed)
			}
			p := r.Progress.Unit(add.Unit.ID)
			if want := (test.status == check.Pass); p.Attempts != 1 || (p.Status == progress.Passed) != want {
				t.Errorf("progress: got %+v, want one attempt, passed: %v", p, want)
			}
			if test.status == check.Pass && (report.RoundTrips != 1 || report.Seed == 0 || report.Version != 1 || report.ID != "1.01") {
				t.Errorf("report: got %+v, want version 1 of 1.01, one round trip, a seed", report)
			}
		})
	}
}

// TestCheck_file checks a file from elsewhere, with a build line of its own, on
// the embedded server.
func TestCheck_file(t *testing.T) {
	t.Parallel()
	embedded, err := localredis.Open(t.Context(), localredis.Options{Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	r := newRunner(t)
	r.Redis = embedded
	path := filepath.Join(t.TempDir(), "mine.go")
	write(t, path, "//go:build !solution\n\n"+file("", right, ""))
	report, err := r.Check(t.Context(), add, CheckOptions{File: path})
	if err != nil || report.Status != check.Pass {
		t.Errorf("Check: got %+v, %v, want a pass", report, err)
	}
}

// TestCheck_ends: a check ends with its context, with all its processes.
func TestCheck_ends(t *testing.T) {
	t.Parallel()
	r, _ := started(t, file("", "\tfor {\n\t}", ""))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begun := time.Now()
	report, err := r.Check(ctx, add, CheckOptions{})
	if !errors.Is(err, context.DeadlineExceeded) || report != nil {
		t.Errorf("Check: got %+v, %v, want the context's error", report, err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("Check ended %v after its context", took-2*time.Second)
	}
}

func TestCheck_nothing(t *testing.T) {
	r := newRunner(t)
	if _, err := r.Check(t.Context(), add, CheckOptions{}); !errors.Is(err, ErrNotStarted) || !strings.Contains(err.Error(), "grind start 1.01") {
		t.Errorf("Check before Start: got %v, want ErrNotStarted with what to do", err)
	}
	none := unit.Entry{Dir: "01-fixture/01-add", Unit: &unit.Unit{ID: "9.01"}}
	if _, err := r.Check(t.Context(), none, CheckOptions{}); !errors.Is(err, ErrNoExercise) {
		t.Errorf("Check of a unit without tasks: got %v, want ErrNoExercise", err)
	}
	t.Setenv("PATH", t.TempDir())
	started, _ := started(t, file("", right, ""))
	if _, err := started.Check(t.Context(), add, CheckOptions{}); !errors.Is(err, ErrNoGo) {
		t.Errorf("Check without a go command: got %v, want ErrNoGo", err)
	}
	if p := started.Progress.Unit(add.Unit.ID); p.Attempts != 0 {
		t.Errorf("attempts after a check that could not run: got %d, want 0", p.Attempts)
	}
}

// TestPrepare compiles before there is a file, and runs nothing.
func TestPrepare(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	if err := r.Prepare(t.Context(), add); err != nil {
		t.Error(err)
	}
	if got := r.Progress.Last(); got != "" {
		t.Errorf("progress after Prepare: got unit %s touched, want none", got)
	}
}
