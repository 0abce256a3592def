package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// ErrNoStarter says that there is no starter in that language.
var ErrNoStarter = errors.New("no such starter")

// Runner works with a project in a learner's workspace. Make it as a literal.
type Runner struct {
	*Project
	// Root is the source tree, from exercise.FindRoot.
	Root string
	// Workspace is the folder of the learner's files; empty is "workspace" below Root.
	Workspace string
	// Progress is told of starts, checks and hints. nil keeps none.
	Progress *progress.Store
}

// Folder is where the learner builds; it need not be there.
func (r *Runner) Folder() string {
	workspace := or(r.Workspace, filepath.Join(r.Root, "workspace"))
	return filepath.Join(workspace, r.Unit+"-"+r.Name)
}

// path is a file of the unit.
func (r *Runner) path(name ...string) string {
	return filepath.Join(append([]string{r.Root, "course", filepath.FromSlash(r.Dir)}, name...)...)
}

func (r *Runner) record(change func(*progress.Record)) error {
	if r.Progress == nil {
		return nil
	}
	return r.Progress.Update(r.Unit, change)
}

// Starter returns the starter in a language; empty is the first.
func (r *Runner) Starter(language string) (Starter, error) {
	var names []string
	for _, s := range r.Starters {
		if language == "" || s.Language == language {
			return s, nil
		}
		names = append(names, s.Language)
	}
	return Starter{}, fmt.Errorf("%w as %q: there are %s", ErrNoStarter, language, strings.Join(names, ", "))
}

// Start puts a starter and the contract into the learner's folder. Where something
// is there already nothing is written, and created is false.
func (r *Runner) Start(s Starter) (created bool, err error) {
	to := r.Folder()
	if there, err := os.ReadDir(to); err == nil && len(there) > 0 {
		return false, r.record(func(*progress.Record) {})
	}
	if err := os.CopyFS(to, os.DirFS(r.path("starter-"+s.Language))); err != nil {
		return false, fmt.Errorf("project: start %s: %w", r.Unit, err)
	}
	contract, err := os.ReadFile(r.path("contract.yaml"))
	if err == nil {
		err = exercise.WriteNew(filepath.Join(to, "contract.yaml"), contract)
	}
	if err != nil {
		return false, fmt.Errorf("project: start %s: %w", r.Unit, err)
	}
	return true, r.record(func(*progress.Record) {})
}

// Reset moves what the learner has built to the folder that is returned, and puts
// a starter in its place.
func (r *Runner) Reset(s Starter) (backup string, err error) {
	if _, err := os.Stat(r.Folder()); err == nil {
		for n := 1; backup == "" || err == nil; n++ { // until nothing is there
			backup = fmt.Sprintf("%s.bak-%d", r.Folder(), n)
			_, err = os.Lstat(backup)
		}
		if err := os.Rename(r.Folder(), backup); err != nil {
			return "", fmt.Errorf("project: reset %s: %w", r.Unit, err)
		}
	}
	if _, err := r.Start(s); err != nil {
		return backup, err
	}
	return backup, r.record(func(p *progress.Record) { p.Reached, p.HintsShown = nil, 0 })
}

// Milestones are those of the project, in order.
func (r *Runner) Milestones() []Milestone {
	_, all := r.Open()
	return all
}

// Next is the first milestone that was not reached when it was checked last; false
// when all were.
func (r *Runner) Next() (Milestone, bool) {
	var reached []string
	if r.Progress != nil {
		reached = r.Progress.Unit(r.Unit).Reached
	}
	return next(r.Milestones(), reached)
}

func next(all []Milestone, reached []string) (Milestone, bool) {
	for _, m := range all {
		if !slices.Contains(reached, m.ID) {
			return m, true
		}
	}
	return Milestone{}, false
}

// Check is Project.Check, and records what was reached. An error beside a report
// says that the progress could not be kept.
func (r *Runner) Check(ctx context.Context, o Options) (*exercise.Report, error) {
	report, err := r.Project.Check(ctx, o)
	if err != nil {
		return nil, err
	}
	all := r.Milestones()
	return report, r.record(func(p *progress.Record) {
		p.Attempts++
		before, _ := next(all, p.Reached)
		p.Reached = reached(p.Reached, report.Tests)
		if now, _ := next(all, p.Reached); now.ID != before.ID {
			p.HintsShown = 0 // those of the next milestone begin at the first
		}
		if len(report.Tests) == len(all) && report.Status == check.Pass && p.PassedAt.IsZero() {
			p.PassedAt = time.Now().UTC()
		}
	})
}

// reached is what was reached at last, after these tests.
func reached(before []string, tests []exercise.Test) []string {
	after := slices.Clone(before)
	for _, t := range tests {
		after = slices.DeleteFunc(after, func(id string) bool { return id == t.Task })
		if t.Status == check.Pass {
			after = append(after, t.Task)
		}
	}
	return after
}

// Hints are those of one milestone: in hints.md, the headings "## 1 …" below
// "# <id>".
func (r *Runner) Hints(milestone string) ([]exercise.Hint, error) {
	text, err := os.ReadFile(r.path("hints.md"))
	if err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	for part := range strings.SplitSeq("\n"+string(text), "\n# ") {
		title, body, _ := strings.Cut(part, "\n")
		if strings.TrimSpace(title) != milestone {
			continue
		}
		hints, err := exercise.ParseHints(body)
		if err != nil {
			return nil, fmt.Errorf("project: hints of %s for %s: %w", r.Unit, milestone, err)
		}
		return hints, nil
	}
	return nil, fmt.Errorf("project: hints.md of %s has none for %s", r.Unit, milestone)
}

// NextHint returns the next hint for a milestone, its number and how many there
// are, and records it as shown. When all were shown it is the last again.
func (r *Runner) NextHint(milestone string) (hint exercise.Hint, n, of int, err error) {
	hints, err := r.Hints(milestone)
	if err != nil {
		return exercise.Hint{}, 0, 0, err
	}
	n = 1
	err = r.record(func(p *progress.Record) {
		n = min(p.HintsShown+1, len(hints))
		p.HintsShown = n
	})
	return hints[n-1], n, len(hints), err
}

// Verify looks whether the project has its parts and whether its starters compile.
// That its milestones tell right from wrong is for the tests of its unit to prove.
func (r *Runner) Verify(ctx context.Context, emit func(exercise.Verdict)) (passed, failed int) {
	tell := func(what string, faults []string) {
		if len(faults) == 0 {
			passed++
		} else {
			failed++
		}
		emit(exercise.Verdict{ID: r.Unit, What: what, OK: len(faults) == 0, Message: strings.Join(faults, "; ")})
	}
	tell("project", r.faults())
	for _, s := range r.Starters {
		tell("starter "+s.Language, r.starterFaults(ctx, s))
	}
	return passed, failed
}

// faults says which parts are missing.
func (r *Runner) faults() []string {
	var faults []string
	for _, name := range []string{"contract.yaml", "variants.toml"} {
		if _, err := os.Stat(r.path(name)); errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, name+" is missing")
		}
	}
	for _, m := range r.Milestones() {
		if m.Title == "" || m.Why == "" {
			faults = append(faults, "milestone "+m.ID+" lacks a title, or says not why")
		}
		if _, err := r.Hints(m.ID); err != nil {
			faults = append(faults, err.Error())
		}
	}
	return faults
}

func (r *Runner) starterFaults(ctx context.Context, s Starter) []string {
	cmd := exec.CommandContext(ctx, s.Test[0], s.Test[1:]...)
	cmd.Dir = r.path("starter-" + s.Language)
	if out, err := cmd.CombinedOutput(); err != nil {
		return []string{fmt.Sprintf("%s in %s: %v %s", strings.Join(s.Test, " "), path.Base(cmd.Dir), err, strings.TrimSpace(string(out)))}
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "README.md")); err != nil {
		return []string{"README.md is missing"}
	}
	return nil
}
