package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// DefaultTimeout is the longest time of one task.
const DefaultTimeout = 10 * time.Second

// grace is how long a task gets to end by itself after it failed in another
// goroutine than its own.
const grace = time.Second

// ErrNotImplemented is what a starter returns until its function is written. A
// starter imports nothing of this package: it declares an error with the same
// text, and NotImplemented knows both.
var ErrNotImplemented = errors.New("not written yet")

// NotImplemented reports whether err, or an error that it wraps, says that the
// code is not written yet.
func NotImplemented(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == ErrNotImplemented.Error() {
			return true
		}
	}
	return false
}

// Task runs one task of an exercise and reports how it ended. id is that of one
// of the unit's Tasks. f runs in a goroutine of its own; when it does not end in
// time, Task reports that and ends the process.
func Task(t *testing.T, id string, f func(c *C)) {
	t.Helper()
	if err := report(Event{Event: "start", Task: id}); err != nil {
		t.Fatalf("check: report the start of %s: %v", id, err)
	}
	begun := time.Now()
	end := func(c *C, o outcome) {
		e := Event{Event: "end", Task: id, Status: o.status, Message: o.message, Millis: time.Since(begun).Milliseconds()}
		if c != nil {
			e.Seed, e.RoundTrips = c.seed, c.dearest()
			if o.status == Pass {
				e.Note = c.noted()
			}
		}
		if err := report(e); err != nil {
			t.Errorf("check: report the end of %s: %v", id, err)
		}
		switch {
		case o.status == Pass:
		case os.Getenv(EnvOut) != "":
			t.Fail() // told there; the output is the learner's
		default:
			t.Errorf("%s: %s (%s=%d repeats this run)", o.status, o.message, EnvSeed, e.Seed)
		}
	}
	limit, err := timeout()
	if err != nil {
		end(nil, outcome{Error, err.Error()})
		return
	}
	c, err := newC(id)
	if err != nil {
		end(nil, outcome{Error, err.Error()})
		return
	}
	o, ended := c.run(f, limit)
	if !ended {
		// Nothing can stop a goroutine from outside, so the process goes.
		end(c, o)
		if os.Getenv(EnvOut) == "" {
			fmt.Fprintln(os.Stderr, o.message) // what t has been told is lost
		}
		os.Exit(1)
	}
	if err := c.close(); err != nil && o.status == Pass {
		o = outcome{Error, err.Error()}
	}
	end(c, o)
}

// outcome is how a task ended.
type outcome struct {
	status  Status
	message string
}

// run calls f and waits for its end, at most limit. It reports false when f did
// not end.
func (c *C) run(f func(*C), limit time.Duration) (outcome, bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(func() { f(c) })
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-done:
	case <-c.failed:
		select {
		case <-done:
		case <-time.After(grace): // f waits for the goroutine that Fail ended
		}
	case <-late.C:
		at := ""
		if line := waitingAt(); line != "" {
			at = " (" + line + ")"
		}
		return outcome{Error, fmt.Sprintf("%s did not end within %g s: a loop without an end, or a command that waits for ever%s", c.task, limit.Seconds(), at)}, false
	}
	return c.outcome(), true
}

// guard calls f and turns a panic into the task's outcome. f may end its
// goroutine by Fail.
func (c *C) guard(f func()) {
	returned := false
	defer func() {
		if r := recover(); r != nil {
			c.end(outcome{Error, fmt.Sprintf("%s panicked%s: %v", c.task, panickedAt(), r)})
		} else if !returned {
			c.end(outcome{Error, c.task + " ended its goroutine: runtime.Goexit in your code?"})
		}
	}()
	f()
	returned = true
}

// learnerFiles are the files that a message may point into.
const learnerFiles = `(?:exercise|solution|check_test)\.go`

// panickedAt names the innermost line of the exercise, while a panic unwinds.
func panickedAt() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	name := regexp.MustCompile("^" + learnerFiles + "$")
	for {
		frame, more := frames.Next()
		if base := filepath.Base(frame.File); name.MatchString(base) {
			return fmt.Sprintf(" at %s:%d", base, frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// waitingAt names the line of the learner's file that keeps the task from ending.
func waitingAt() string {
	stacks := make([]byte, 1<<20)
	return stuckAt(string(stacks[:runtime.Stack(stacks, true)]))
}

var (
	inCheck   = regexp.MustCompile(`(?m)^\S*/internal/unit/check\.\(\*C\)\.guard\(`)
	inFile    = regexp.MustCompile(`(?m)^(\S.*)\n\t\S*[/\\]((?:exercise|solution)\.go:\d+)`)
	isRunning = regexp.MustCompile(`\Agoroutine \d+ \[(?:running|runnable)`)
)

// stuckAt finds that line in the stacks of all goroutines. Only those that the task
// called matter: what the code started itself may wait rightly. One that runs says
// more than one that waits, and of several lines none is named: it could be the
// wrong one.
func stuckAt(stacks string) string {
	running, waiting := map[string]bool{}, map[string]bool{}
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if !inCheck.MatchString(stack) {
			continue
		}
		for _, frame := range inFile.FindAllStringSubmatch(stack, -1) {
			if strings.HasPrefix(frame[1], "created by ") {
				continue
			}
			if isRunning.MatchString(stack) {
				running[frame[2]] = true
			} else {
				waiting[frame[2]] = true
			}
			break // the innermost
		}
	}
	for _, lines := range []map[string]bool{running, waiting} {
		if len(lines) == 1 {
			return slices.Collect(maps.Keys(lines))[0]
		}
		if len(lines) > 1 {
			break
		}
	}
	return ""
}

// timeout is the longest time of one task.
func timeout() (time.Duration, error) {
	text := os.Getenv(EnvTimeout)
	if text == "" {
		return DefaultTimeout, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("check: %s must be a positive duration, got %q", EnvTimeout, text)
	}
	return d, nil
}

// seed is the seed of this process.
var seed = sync.OnceValues(func() (int64, error) {
	text := os.Getenv(EnvSeed)
	if text == "" {
		return time.Now().UnixMicro() % 1_000_000_000, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("check: %s must be a whole number, got %q", EnvSeed, text)
	}
	return n, nil
})

// background bounds what a task does before and after the learner's code.
func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), DefaultTimeout)
}
