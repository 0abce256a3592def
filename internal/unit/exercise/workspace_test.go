package exercise

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

func TestFindRoot(t *testing.T) {
	root, err := FindRoot(filepath.Join("testdata", "course"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "internal", "unit", "exercise", "workspace_test.go")); err != nil {
		t.Errorf("FindRoot: got %s, want the root of this module: %v", root, err)
	}
	other := t.TempDir()
	write(t, filepath.Join(other, "go.mod"), "module example.com/other\n")
	if root, err := FindRoot(other); !errors.Is(err, ErrNoSource) || !strings.Contains(err.Error(), "git clone https://github.com/redis-grind/grind") {
		t.Errorf("FindRoot of another module: got %q, %v, want ErrNoSource with what to do", root, err)
	}
}

// TestWorkspace_ignored: a half-done file in the workspace breaks no command on
// the module's packages, since go.mod ignores that folder.
func TestWorkspace_ignored(t *testing.T) {
	r := newRunner(t)
	parsed, err := modfile.Parse("go.mod", []byte(read(t, filepath.Join(r.Root, "go.mod"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(parsed.Ignore, func(i *modfile.Ignore) bool { return i.Path == "./workspace" }) {
		t.Errorf("go.mod: got no line \"ignore ./workspace\"")
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/m\n\ngo 1.26\n\nignore ./workspace\n")
	write(t, filepath.Join(root, "m.go"), "package m\n")
	write(t, filepath.Join(root, "workspace", "1.01-add", "exercise.go"), "package exercise\n\nfunc half( {\n")
	cmd := exec.CommandContext(t.Context(), "go", "build", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build ./... beside a half-done file: %v\n%s", err, out)
	}
}

func TestStart(t *testing.T) {
	r := newRunner(t)
	created, err := r.Start(add)
	if err != nil || !created {
		t.Fatalf("Start: got %v, %v, want a new file", created, err)
	}
	file := r.File(add)
	if want := filepath.Join("workspace", "1.01-add", "exercise.go"); !strings.HasSuffix(file, want) {
		t.Errorf("File: got %s, want it to end in %s", file, want)
	}
	if got := read(t, file); !strings.HasPrefix(got, "// Package exercise adds.\npackage exercise\n") || strings.Contains(got, "go:build") {
		t.Errorf("file: got\n%s\nwant the starter without its build line", got)
	}
	readme := read(t, filepath.Join(filepath.Dir(file), "README.md"))
	for _, want := range []string{"# 1.01 Adding", "Write `Add`: it adds n", "- `cost`: takes one round trip", "grind check 1.01"} {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md: got\n%s\nwant in it %q", readme, want)
		}
	}
	if strings.Contains(readme, "Sources") {
		t.Errorf("README.md: got more than the exercise:\n%s", readme)
	}
	if got := r.Progress.Unit("1.01").Status; got != progress.Started {
		t.Errorf("status: got %s, want started", got)
	}
	write(t, file, "mine")
	created, err = r.Start(add)
	if err != nil || created || read(t, file) != "mine" {
		t.Errorf("Start again: got %v, %v and the file %q, want it left alone", created, err, read(t, file))
	}
	if _, err := r.Start(unit.Entry{Unit: &unit.Unit{ID: "9.01"}}); !errors.Is(err, ErrNoExercise) {
		t.Errorf("Start of a unit without an exercise: got %v, want ErrNoExercise", err)
	}
}

func TestReset(t *testing.T) {
	r := newRunner(t)
	file := r.File(add)
	if backup, err := r.Reset(add); err != nil || backup != "" {
		t.Fatalf("Reset of nothing: got %q, %v, want a new file and no copy", backup, err)
	}
	starter := read(t, file)
	for _, mine := range []string{"first", "second"} {
		write(t, file, mine)
		backup, err := r.Reset(add)
		if err != nil {
			t.Fatal(err)
		}
		if read(t, backup) != mine || read(t, file) != starter {
			t.Errorf("Reset: got the copy %q and the file %q, want %q and the starter", read(t, backup), read(t, file), mine)
		}
	}
	if got := read(t, file+".bak-1"); got != "first" {
		t.Errorf("first copy: got %q, want it kept", got)
	}
}

func TestHints(t *testing.T) {
	r := newRunner(t)
	var titles []string
	for range 4 {
		h, n, of, err := r.NextHint(add)
		if err != nil || of != 3 || n != h.Number || h.Text == "" {
			t.Errorf("NextHint: got %+v, %d of %d, %v", h, n, of, err)
		}
		titles = append(titles, h.Title)
	}
	if want := []string{"Who adds?", "With which command?", "", ""}; !slices.Equal(titles, want) {
		t.Errorf("titles: got %q, want %q: the last again", titles, want)
	}
	if got := r.Progress.Unit("1.01").HintsShown; got != 3 {
		t.Errorf("hints shown: got %d, want 3", got)
	}
	for md, want := range map[string]string{
		"# Hints\n":          `no heading "## 1"`,
		"## 2 two\nx\n":      `heading "## 2 two" must be number 1`,
		"## 1\nx\n## 3\ny\n": `heading "## 3" must be number 2`,
		"## 1 one\n\n":       "hint 1 is empty",
	} {
		if _, err := ParseHints(md); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseHints(%q): got error %v, want one with %q", md, err, want)
		}
	}
}

func TestSolution(t *testing.T) {
	r, _ := started(t, strings.Replace(file("", right, ""), "func Add", "// Mine.\nfunc Add", 1))
	diff, err := r.Solution(add)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n+++ solution.go\n", "\n-// Mine.\n", "\n+// Add adds n to the number at key and returns the sum.\n", "\n " + right + "\n"} {
		if !strings.Contains(diff, want) {
			t.Errorf("diff: got\n%s\nwant in it %q", diff, want)
		}
	}
	if strings.Contains(diff, "go:build") {
		t.Errorf("diff: got a build line:\n%s", diff)
	}
	if p := r.Progress.Unit("1.01"); p.Status != progress.Given {
		t.Errorf("progress before a pass: got %+v, want given", p)
	}
	passed := newRunner(t)
	if err := passed.record(add, func(p *progress.Record) { p.PassedAt = time.Now() }); err != nil {
		t.Fatal(err)
	}
	if diff, err := passed.Solution(add); err != nil || !strings.Contains(diff, "-\treturn 0, ErrNotImplemented") {
		t.Errorf("Solution without a file: got\n%s\n%v, want the difference to the starter", diff, err)
	}
	if p := passed.Progress.Unit("1.01"); p.Status != progress.Passed {
		t.Errorf("progress after a pass: got %+v, want passed", p)
	}
}

func TestFile_renamedUnit(t *testing.T) {
	r := &Runner{Workspace: t.TempDir()}
	e := unit.Entry{Dir: "01-first/01-new-name", Unit: &unit.Unit{ID: "1.01"}}
	if got, want := r.File(e), filepath.Join(r.Workspace, "1.01-new-name", "exercise.go"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	old := filepath.Join(r.Workspace, "1.01-old-name", "exercise.go")
	if err := os.MkdirAll(filepath.Dir(old), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte("package exercise"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := r.File(e); got != old {
		t.Errorf("got %s, want what was begun: %s", got, old)
	}
}
