package exercise

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/unit"
)

// broken is the unit of the fixture in which everything is wrong.
var broken = unit.Entry{Dir: "01-fixture/02-broken", Unit: &unit.Unit{
	ID:    "1.02",
	Title: "Broken",
	Tasks: []unit.Task{{ID: "one", Title: "returns 1"}, {ID: "two", Title: "does more"}},
}}

// TestVerify: of a sound exercise everything passes, and of one that is broken
// everything is found.
func TestVerify(t *testing.T) {
	r := newRunner(t)
	want := map[string][]string{ // id and what → parts of the message; none means OK
		"1.01 parts":                   nil,
		"1.01 starter":                 nil,
		"1.01 solution":                nil,
		"1.01 right adds in one":       nil,
		"1.01 mutant reads and writes": nil,
		"1.01 mutant adds one":         nil,
		"1.01 mutant asks first":       nil,
		"1.02 parts": {
			`lesson.md has the title "Another title", and the unit "Broken"`,
			"the unit has no test",
			`exercise/check_test.go must begin with "//go:build exercise", got "exercise && !never"`,
			"the unit declares the tasks [one two], and check_test.go has [one three]",
			"hints.md has 1 hints, want 3",
		},
		"1.02 starter":                {`task one: got pass, want fail with "not written yet"`, `task two: got error with "not run: the check has no such task"`},
		"1.02 solution":               {"task two: got error", "WARNING: DATA RACE"},
		"1.02 right fails":            {`task one: got fail with "The value is 3, want 1."`},
		"1.02 right and wrong":        {"it is right, and has a task or a message"},
		"1.02 mutant survives":        {"task one does not refute it"},
		"1.02 mutant other words":     {`task one refutes it, but says fail with "The value is 2, want 1.", want "The number is 2" in it`},
		"1.02 mutant no Go":           {"it does not compile: solution.go:", "undefined: valeu"},
		"1.02 mutant twice":           {"edit 1: its old text is in solution.go 2 times, want once"},
		"1.02 mutant of another unit": {"it must have either edits or a file", `the unit has no task "sum"`},
	}
	got := map[string]Verdict{}
	passed, failed, err := r.Verify(t.Context(), []unit.Entry{add, broken}, func(v Verdict) { got[v.ID+" "+v.What] = v })
	if err != nil {
		t.Fatal(err)
	}
	if passed != 7 || failed != 10 || len(got) != len(want) {
		t.Errorf("Verify: got %d passed, %d failed and %d different verdicts, want 7, 10 and %d", passed, failed, len(got), len(want))
	}
	for what, parts := range want {
		v, told := got[what]
		if !told || v.OK != (parts == nil) {
			t.Errorf("%s: got %+v, want OK: %v", what, v, parts == nil)
		}
		for _, part := range parts {
			if !strings.Contains(v.Message, part) {
				t.Errorf("%s: got message\n%s\nwant in it\n%s", what, v.Message, part)
			}
		}
	}
	if r.Progress.Last() != "" {
		t.Errorf("progress: got unit %s touched, want none", r.Progress.Last())
	}
}

// empty is a runner on a course that has only what a test writes.
func empty(t *testing.T, e unit.Entry, files map[string]string) *Runner {
	t.Helper()
	r := &Runner{Root: t.TempDir()}
	for name, content := range files {
		write(t, filepath.Join(r.path(e), filepath.FromSlash(name)), content)
	}
	return r
}

// TestVerify_missing: a unit without any part fails, and nothing of it is run.
func TestVerify_missing(t *testing.T) {
	r := empty(t, add, nil)
	var got []Verdict
	passed, failed, err := r.Verify(t.Context(), []unit.Entry{add}, func(v Verdict) { got = append(got, v) })
	if err != nil || passed != 0 || failed != 1 || len(got) != 1 {
		t.Fatalf("Verify: got %d passed, %d failed, %v, want one failed", passed, failed, err)
	}
	for _, part := range []string{"lesson.md", "exercise/exercise.go", "exercise/solution.go", "exercise/check_test.go", "mutants.toml", "hints.md"} {
		if !strings.Contains(got[0].Message, part) {
			t.Errorf("parts: got %q, want %s named", got[0].Message, part)
		}
	}
}

// TestVerify_noExercise: a unit without tasks needs its text and its test only.
func TestVerify_noExercise(t *testing.T) {
	e := unit.Entry{Dir: "09-projects/01-x", Unit: &unit.Unit{ID: "9.01", Title: "A tour"}}
	r := empty(t, e, map[string]string{"lesson.md": "# A tour\n", "x_test.go": "package x\n"})
	passed, failed, err := r.Verify(t.Context(), []unit.Entry{e}, func(v Verdict) { t.Logf("%+v", v) })
	if err != nil || passed != 1 || failed != 0 {
		t.Errorf("Verify: got %d passed, %d failed, %v, want one passed", passed, failed, err)
	}
}

// TestVerify_package: a check that is in another package is not run, and what it is
// helped by is held to the same package.
func TestVerify_package(t *testing.T) {
	const sound, other = "//go:build exercise\n\npackage exercise_test\n", "//go:build exercise\n\npackage exercise\n"
	for wrong, right := range map[string]string{"steps_test.go": "check_test.go", "check_test.go": "steps_test.go"} {
		r := empty(t, add, map[string]string{
			"exercise/" + right: sound, "exercise/" + wrong: other,
			"exercise/exercise.go": "//go:build !solution\n\npackage exercise\n",
			"exercise/solution.go": "//go:build solution\n\npackage exercise\n",
		})
		var got []Verdict
		if _, _, err := r.Verify(t.Context(), []unit.Entry{add}, func(v Verdict) { got = append(got, v) }); err != nil {
			t.Fatal(err)
		}
		want := "exercise/" + wrong + " must be in package exercise_test, got exercise: a helper of the check must never have the name of something that a learner writes"
		if len(got) != 1 || !strings.Contains(got[0].Message, want) || strings.Contains(got[0].Message, right+" must be in") {
			t.Errorf("Verify: got %+v, want parts alone, %q in it and nothing of the kind about %s", got, want, right)
		}
	}
}

// TestVerify_testMain: what would run for a learner alone is refused.
func TestVerify_testMain(t *testing.T) {
	r := empty(t, add, map[string]string{
		"exercise/check_test.go": "//go:build exercise\n\npackage exercise_test\n\nimport \"testing\"\n\nfunc TestMain(m *testing.M) { m.Run() }\n",
		"exercise/exercise.go":   "//go:build !solution\n\npackage exercise\n",
		"exercise/solution.go":   "//go:build solution\n\npackage exercise\n",
	})
	var got []Verdict
	if _, _, err := r.Verify(t.Context(), []unit.Entry{add}, func(v Verdict) { got = append(got, v) }); err != nil {
		t.Fatal(err)
	}
	if want := "exercise/check_test.go has a TestMain"; len(got) != 1 || !strings.Contains(got[0].Message, want) {
		t.Errorf("Verify: got %+v, want parts alone and %q in it", got, want)
	}
}

func TestReadMutants(t *testing.T) {
	const sound = "[[mutant]]\nname = \"a\"\ntask = \"sum\"\nmessage = \"m\"\nfile = \"a.go\"\n"
	for text, want := range map[string]string{
		sound:                                "",
		sound + "mesage = \"x\"\n":           "fields that nobody reads",
		sound + "[[mutants]]\nname = \"\"\n": "fields that nobody reads",
		"[[mutant]":                          "mutants.toml: ",
		sound + "[[right]]\nname = \"b\"\nfile = \"b.go\"\n": "",
	} {
		r := empty(t, add, map[string]string{"exercise/mutants.toml": text})
		got, right, err := r.readMutants(add)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("readMutants of %q: got error %v, want %q in it", text, err, want)
		}
		if diff := cmp.Diff([]mutant{{Name: "a", Task: "sum", Message: "m", File: "a.go"}}, got); want == "" && (err != nil || diff != "") {
			t.Errorf("readMutants: %v (-want +got):\n%s", err, diff)
		}
		if strings.Contains(text, "[[right]]") && !cmp.Equal(right, []mutant{{Name: "b", File: "b.go"}}) {
			t.Errorf("readMutants: got %v right, want b", right)
		}
	}
}

func TestMutant_source(t *testing.T) {
	const solution = "//go:build solution\n\npackage p\n\nfunc A() { b(); b() }\n"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wrong.go"), "//go:build ignore\n\npackage q\n")
	tests := map[string]struct {
		mutant    mutant
		want, err string
	}{
		"one edit":          {mutant: mutant{Edits: []Edit{{"A()", "B()"}}}, want: "package p\n\nfunc B() { b(); b() }\n"},
		"one after another": {mutant: mutant{Edits: []Edit{{"A()", "c()"}, {"c()", "D()"}}}, want: "package p\n\nfunc D() { b(); b() }\n"},
		"a file":            {mutant: mutant{File: "wrong.go"}, want: "package q\n"},
		"twice":             {mutant: mutant{Edits: []Edit{{"A()", "B()"}, {"b()", "c()"}}}, err: "edit 2: its old text is in solution.go 2 times"},
		"never":             {mutant: mutant{Edits: []Edit{{"z", "y"}}}, err: "edit 1: its old text is in solution.go 0 times"},
		"of nothing":        {mutant: mutant{Edits: []Edit{{"", "y"}}}, err: "0 times, want once"},
		"file from outside": {mutant: mutant{File: "../wrong.go"}, err: "must be beside mutants.toml"},
		"file that is not":  {mutant: mutant{File: "none.go"}, err: "none.go"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.mutant.source(dir, []byte(solution))
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("source: got error %v, want %q in it", err, test.err)
			}
			if test.err == "" && (err != nil || string(got) != test.want) {
				t.Errorf("source: got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestCanRace(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	if canRace(t.Context()) {
		t.Error("canRace with cgo off: got true, want false")
	}
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("CC", filepath.Join(t.TempDir(), "no-compiler"))
	if canRace(t.Context()) {
		t.Error("canRace without a C compiler: got true, want false")
	}
	compiler := filepath.Join(t.TempDir(), "cc")
	if err := os.WriteFile(compiler, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CC", compiler+" -pipe")
	if !canRace(t.Context()) {
		t.Error("canRace with a C compiler: got false, want true")
	}
}
