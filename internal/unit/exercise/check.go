package exercise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// ReportVersion is the version of Report as JSON.
const ReportVersion = 1

// Report says how a learner's file fared.
type Report struct {
	Version int          `json:"version"`
	ID      string       `json:"id"`
	Status  check.Status `json:"status"` // pass when every task passed; error when the code could not be judged
	// Message says what kept the checks from running or ended them early; empty
	// otherwise. Kind is its sort: compile, panic, exit, timeout.
	Message string `json:"message,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Tests   []Test `json:"tests"` // one a task, in the unit's order
	// Printed is what the code wrote to its standard output, bounded.
	Printed string `json:"printed,omitempty"`
	// RoundTrips is what the dearest call that was measured took.
	RoundTrips int   `json:"round_trips"`
	Seed       int64 `json:"seed"` // GRIND_CHECK_SEED repeats the run; 0 when no task ran
	Millis     int64 `json:"millis"`
}

// Test is how one task fared.
type Test struct {
	Name    string       `json:"name"` // the task's title
	Task    string       `json:"task"` // its id
	Status  check.Status `json:"status"`
	Message string       `json:"message,omitempty"` // a sentence; empty at a pass
	Note    string       `json:"note,omitempty"`    // what a pass does not cover: a race that was cut short
	Code    string       `json:"code,omitempty"`    // the source of the task, when it ran and did not pass
	Cost    *Cost        `json:"cost,omitempty"`    // of a milestone of a project; nil for a task
}

// Cost is what a milestone of a project took.
type Cost struct {
	Requests int   `json:"requests"` // to the learner's application
	Commands int   `json:"commands"` // that it sent to Redis
	Origin   int   `json:"origin"`   // calls of the origin
	Millis   int64 `json:"millis"`
}

// CheckOptions say what to check.
type CheckOptions struct {
	// File is the learner's file; empty is the one in the workspace.
	File string
}

// Check runs the tasks of a unit against the learner's file. An error means that
// there was nothing to check with: ErrNotStarted, ErrNoExercise, ErrNoGo, or the
// context's. Whatever is wrong with the learner's code is in the Report. An error
// beside a Report says that the progress could not be written.
func (r *Runner) Check(ctx context.Context, e unit.Entry, o CheckOptions) (*Report, error) {
	begun := time.Now()
	source, err := r.source(e, o.File)
	if err != nil {
		return nil, err
	}
	outcome := &goOutcome{}
	if line, at := leftOut(source); line != "" {
		outcome.errors = fmt.Sprintf("exercise.go:%d:1: %s keeps this file out of the check\n", at, line)
	} else {
		outcome, err = r.overStarter(e, source).run(ctx)
		if err != nil {
			return nil, err
		}
	}
	report := r.judge(e, outcome)
	report.Millis = time.Since(begun).Milliseconds()
	err = r.record(e, func(p *progress.Record) {
		p.Attempts++
		if report.Status == check.Pass && p.PassedAt.IsZero() {
			p.PassedAt = time.Now().UTC()
		}
	})
	return report, err
}

// Prepare compiles what a check needs, so that the first one does not take long.
func (r *Runner) Prepare(ctx context.Context, e unit.Entry) error {
	source, err := r.source(e, "")
	if errors.Is(err, ErrNotStarted) {
		source, err = os.ReadFile(r.path(e, "exercise", "exercise.go"))
	}
	if err != nil {
		return err
	}
	g := r.overStarter(e, source)
	g.noRun = true
	_, err = g.run(ctx)
	return err
}

// source reads the learner's file.
func (r *Runner) source(e unit.Entry, file string) ([]byte, error) {
	if err := hasExercise(e); err != nil {
		return nil, err
	}
	if file == "" {
		file = r.File(e)
	}
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s; `grind start %s` puts it there", ErrNotStarted, shortPath(file), e.Unit.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", err)
	}
	return source, nil
}

// overStarter is the run in which source takes the starter's place.
func (r *Runner) overStarter(e unit.Entry, source []byte) goTest {
	return goTest{
		root:     r.Root,
		dir:      r.unitDir(e) + "/exercise",
		overlay:  map[string][]byte{r.path(e, "exercise", "exercise.go"): source},
		redisURL: r.redisURL(),
	}
}

// judge makes the report out of what a test binary did.
func (r *Runner) judge(e unit.Entry, o *goOutcome) *Report {
	report := &Report{Version: ReportVersion, ID: e.Unit.ID, Status: check.Pass, Printed: o.printed()}
	ends, under := o.ends(), o.underWay()
	var stopped string // the task that ended the process by its watchdog
	for _, event := range o.events {
		report.Seed = max(report.Seed, event.Seed)
		report.RoundTrips = max(report.RoundTrips, event.RoundTrips)
		if event.Event == "end" && event.Status == check.Error {
			stopped = event.Task
		}
	}
	sources, _ := taskSources(r.path(e, "exercise", "check_test.go")) // shown if there; verify insists on them
	for _, task := range e.Unit.Tasks {
		end, ran := ends[task.ID]
		test := Test{Name: task.Title, Task: task.ID, Status: end.Status, Message: end.Message, Note: end.Note}
		if !ran {
			test.Status = check.Error
			_, asked := sources[task.ID]
			switch {
			case !asked && len(sources) > 0:
				test.Message = "not run: the check has no such task"
			case under == "" && stopped != "":
				test.Message = "not run: " + stopped + " ended the program"
			default:
				report.Kind, report.Message = o.trouble(under)
				test.Message = report.Message
				if task.ID != under {
					test.Message = "not run: " + report.because(under)
				}
			}
		}
		if ran && test.Status != check.Pass || task.ID == under {
			test.Code = sources[task.ID]
		}
		if test.Status != check.Pass {
			report.Status = worse(report.Status, test.Status)
		}
		report.Tests = append(report.Tests, test)
	}
	return report
}

// because says in a few words why a task was not run.
func (r *Report) because(under string) string {
	switch {
	case r.Kind == KindCompile:
		return "the code does not compile"
	case under != "":
		return under + " ended the program"
	}
	return r.Message
}

func worse(a, b check.Status) check.Status {
	if a == check.Error || b == check.Error {
		return check.Error
	}
	if a == check.Fail || b == check.Fail {
		return check.Fail
	}
	return check.Pass
}

// shortPath is a path as people write it: from the current folder if it is below.
func shortPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}
