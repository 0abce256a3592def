package exercise

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/lesson"
)

// hintCount is how many hints an exercise has.
const hintCount = 3

// checkPackage is the package of a check: outside that of the exercise, whose names
// are the learner's.
const checkPackage = "exercise_test"

// constraints are the build lines of the files of an exercise.
var constraints = map[string]string{
	"exercise.go":   "!solution",
	"solution.go":   "solution",
	"check_test.go": "exercise",
}

// parts looks whether each unit has what a unit has, and returns those whose
// exercise can be run.
func (v *verifier) parts(entries []unit.Entry) []verified {
	var units []verified
	for _, e := range entries {
		u := verified{Entry: e}
		faults := v.lessonFaults(e)
		runnable := len(e.Unit.Tasks) > 0
		if runnable {
			more, ok := v.exerciseFaults(&u)
			faults = append(faults, more...)
			runnable = ok
		}
		v.emit(e, "parts", joined(faults), "")
		if runnable {
			units = append(units, u)
		}
	}
	return units
}

// lessonFaults says what the unit lacks beside its exercise.
func (v *verifier) lessonFaults(e unit.Entry) []string {
	var faults []string
	md, err := os.ReadFile(v.path(e, "lesson.md"))
	switch doc, parseErr := lesson.Parse(md); {
	case errors.Is(err, fs.ErrNotExist):
		faults = append(faults, "lesson.md is missing")
	case err != nil:
		faults = append(faults, err.Error())
	case parseErr != nil:
		faults = append(faults, parseErr.Error())
	case doc.Title != e.Unit.Title:
		faults = append(faults, fmt.Sprintf("lesson.md has the title %q, and the unit %q", doc.Title, e.Unit.Title))
	default:
		if _, ok := doc.Section("Exercise"); !ok && len(e.Unit.Tasks) > 0 {
			faults = append(faults, "lesson.md has no section \"Exercise\"")
		}
	}
	if tests, err := filepath.Glob(v.path(e, "*_test.go")); err != nil || len(tests) == 0 {
		faults = append(faults, "the unit has no test")
	}
	return faults
}

// exerciseFaults says what the exercise lacks. It reports false when there is too
// little to run.
func (v *verifier) exerciseFaults(u *verified) (faults []string, runnable bool) {
	runnable = true
	for _, name := range []string{"exercise.go", "solution.go", "check_test.go"} {
		source, err := os.ReadFile(v.path(u.Entry, "exercise", name))
		if err != nil {
			faults = append(faults, "exercise/"+name+" is missing")
			runnable = false
			continue
		}
		if got, want := buildConstraint(source), constraints[name]; got != want {
			faults = append(faults, fmt.Sprintf("exercise/%s must begin with \"//go:build %s\", got %q", name, want, got))
		}
		switch name {
		case "exercise.go":
			u.start = source
		case "solution.go":
			u.finished = source
		}
	}
	misplaced := v.packageFaults(u.Entry)
	faults = append(faults, misplaced...)
	runnable = runnable && len(misplaced) == 0
	if runnable {
		faults = append(faults, v.taskFaults(u.Entry)...)
	}
	if hints, err := v.Hints(u.Entry); err != nil {
		faults = append(faults, err.Error())
	} else if len(hints) != hintCount {
		faults = append(faults, fmt.Sprintf("hints.md has %d hints, want %d", len(hints), hintCount))
	}
	var err error
	if u.wrongs, u.rights, err = v.readMutants(u.Entry); err != nil {
		return append(faults, err.Error()), runnable
	}
	if len(u.wrongs) < minMutants {
		faults = append(faults, fmt.Sprintf("mutants.toml has %d wrong solutions, want %d at least", len(u.wrongs), minMutants))
	}
	names := map[string]bool{}
	for _, m := range slices.Concat(u.wrongs, u.rights) {
		if names[m.Name] {
			faults = append(faults, fmt.Sprintf("mutants.toml has two solutions called %q", m.Name))
		}
		names[m.Name] = true
	}
	return faults, runnable
}

// packageFaults says which files of the check are in the package of the exercise, or
// have a TestMain: it would run for a learner and not for verify, where many checks
// share a program.
func (v *verifier) packageFaults(e unit.Entry) []string {
	files, err := filepath.Glob(v.path(e, "exercise", "*_test.go"))
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		if got := parsed.Name.Name; got != checkPackage {
			faults = append(faults, fmt.Sprintf("exercise/%s must be in package %s, got %s: a helper of the check must never have the name of something that a learner writes",
				filepath.Base(file), checkPackage, got))
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "TestMain" {
				faults = append(faults, fmt.Sprintf("exercise/%s has a TestMain, which verify does not run: make ready what a task needs inside the task",
					filepath.Base(file)))
			}
		}
	}
	return faults
}

// taskFaults compares the tasks that the unit declares with those of the check.
func (v *verifier) taskFaults(e unit.Entry) []string {
	ids, _, err := readTasks(v.path(e, "exercise", "check_test.go"))
	if err != nil {
		return []string{err.Error()}
	}
	var declared []string
	for _, task := range e.Unit.Tasks {
		declared = append(declared, task.ID)
	}
	if !slices.Equal(ids, declared) {
		return []string{fmt.Sprintf("the unit declares the tasks %v, and check_test.go has %v", declared, ids)}
	}
	return nil
}
