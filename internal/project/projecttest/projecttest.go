// Package projecttest proves that a project can be built and that its milestones
// tell right from wrong: a reference passes all of them, and each wrong variant of
// it fails, at the milestone meant for it.
package projecttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/redis-grind/grind/internal/project"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// Program is an application that is checked: the folder of its source, and what
// starts an instance there.
type Program struct {
	Dir  string
	Argv []string
}

// Check takes a program through the milestones, up to one of them or, if that is
// empty, all. It also returns each answer's operation and status, such as
// "GET /products/{id} 404".
func Check(t *testing.T, p *project.Project, app Program, until string) (*exercise.Report, map[string]bool) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]bool{}
	report, err := p.Check(t.Context(), project.Options{
		Program: app.Argv, Dir: app.Dir, Redis: "127.0.0.1:0", Origin: "127.0.0.1:0", Until: until,
		Answered: func(a *project.Answer) {
			if a.Err == nil {
				mu.Lock()
				defer mu.Unlock()
				seen[operation(a)] = true
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, seen
}

// Passes wants a program to reach the milestones up to one, or all, and its answers
// to be in the contract. After all of them, each operation of the contract must have
// been asked for.
func Passes(t *testing.T, p *project.Project, app Program, until string) {
	t.Helper()
	app.Dir = variant{}.copy(t, app.Dir) // what a program writes beside itself stays out of the tree
	report, seen := Check(t, p, app, until)
	for _, test := range report.Tests {
		t.Logf("%s %s: %+v", test.Status, test.Task, *test.Cost)
	}
	if report.Status != check.Pass {
		t.Errorf("%s: got %s\n%s", strings.Join(app.Argv, " "), told(report), report.Printed)
	}
	ReadContract(t, "contract.yaml").holds(t, seen, until == "")
}

// variant is a wrong version of a program.
type variant struct {
	Name      string `toml:"name"`
	Milestone string `toml:"milestone"` // the first that it does not reach
	Message   string `toml:"message"`   // contained in what the learner reads
	Edits     []struct {
		File string `toml:"file"`
		Old  string `toml:"old"` // is in the file once
		New  string `toml:"new"`
	} `toml:"edits"`
}

// Variants reads variants.toml and wants each variant to fail as it says.
func Variants(t *testing.T, p *project.Project, app Program) {
	t.Helper()
	text, err := os.ReadFile("variants.toml")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Variant []variant `toml:"variant"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&list); err != nil {
		t.Fatalf("variants.toml: %v", err)
	}
	if len(list.Variant) < 3 {
		t.Errorf("variants.toml has %d variants, want three at least", len(list.Variant))
	}
	for _, v := range list.Variant {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			report, _ := Check(t, p, Program{v.copy(t, app.Dir), app.Argv}, v.Milestone)
			last := exercise.Test{}
			if n := len(report.Tests); n > 0 {
				last = report.Tests[n-1]
			}
			if last.Status != check.Fail || last.Task != v.Milestone || !strings.Contains(last.Message, v.Message) {
				t.Errorf("got %s, want a fail at %s with %q\n%s", told(report), v.Milestone, v.Message, report.Printed)
			}
		})
	}
}

// copy makes the variant's source out of the right one, in a folder of its own.
func (v variant) copy(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for i, e := range v.Edits {
		name := filepath.Join(to, e.File)
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(source, []byte(e.Old)); e.Old == "" || n != 1 {
			t.Fatalf("edit %d: its old text is in %s %d times, want once", i+1, e.File, n)
		}
		if err := os.WriteFile(name, bytes.Replace(source, []byte(e.Old), []byte(e.New), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// told is a report in a line or two.
func told(r *exercise.Report) string {
	if n := len(r.Tests); n > 0 && r.Status != check.Pass {
		last := r.Tests[n-1] // the others were reached
		return fmt.Sprintf("%s %s: %s", r.Status, last.Task, last.Message)
	}
	return fmt.Sprintf("%s %s", r.Status, r.Message)
}

// Python is a Python that has these modules: that of PATH, or the system's, for
// which Debian installs them.
func Python(t *testing.T, modules ...string) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			return python
		}
	}
	t.Fatalf("no python3 with %s; `make setup` installs them on Debian", strings.Join(modules, ", "))
	return ""
}
