package exercise

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
)

// Verdict is one thing that Verify looked at.
type Verdict struct {
	ID      string `json:"id"`                // of the unit
	What    string `json:"what"`              // parts, starter, solution, mutant lost-ceiling
	OK      bool   `json:"ok"`                //
	Message string `json:"message,omitempty"` // what is wrong; or, when OK, what to know
}

// Verify looks whether exercises are sound: their parts are there, every starter
// fails as not written yet, every solution passes under the race detector, also
// the other right ones of mutants.toml, and every wrong solution is refuted by the task and with the message that it names.
// It compiles and runs one thing of each unit at a time, so that the go tool has
// many packages to work on. emit is called for each verdict; passed and failed
// count them. An error means that it could not go on.
func (r *Runner) Verify(ctx context.Context, entries []unit.Entry, emit func(Verdict)) (passed, failed int, err error) {
	v := &verifier{Runner: r}
	v.emit = func(e unit.Entry, what string, fault error, note string) {
		verdict := Verdict{ID: e.Unit.ID, What: what, OK: fault == nil, Message: note}
		if fault == nil {
			passed++
		} else {
			failed++
			verdict.Message = fault.Error()
		}
		emit(verdict)
	}
	units := v.parts(entries)
	for _, round := range []func(context.Context, []verified) error{v.starters, v.solutions, v.rights, v.mutants} {
		if err := round(ctx, units); err != nil {
			return passed, failed, err
		}
	}
	return passed, failed, nil
}

type verifier struct {
	*Runner
	emit func(e unit.Entry, what string, fault error, note string)
}

// verified is a unit that has an exercise, with what its parts hold.
type verified struct {
	unit.Entry
	solution []byte
	wrong    []mutant
	right    []mutant
}

// run runs one thing of each unit and judges it.
func (v *verifier) run(ctx context.Context, units []verified, g goTest, judged func(verified, *goOutcome, *Report)) error {
	if len(units) == 0 {
		return nil
	}
	g.root, g.redisURL = v.Root, v.redisURL()
	for _, u := range units {
		g.dirs = append(g.dirs, v.unitDir(u.Entry)+"/exercise")
	}
	result, err := g.run(ctx)
	if err != nil {
		return err
	}
	for _, u := range units {
		o := result[v.unitDir(u.Entry)+"/exercise"]
		judged(u, o, v.judge(u.Entry, o))
	}
	return nil
}

// starters: each task of a starter must fail, and say that nothing is written.
func (v *verifier) starters(ctx context.Context, units []verified) error {
	return v.run(ctx, units, goTest{}, func(u verified, _ *goOutcome, report *Report) {
		var faults []string
		if report.Message != "" {
			faults = append(faults, report.Message)
		}
		for _, t := range report.Tests {
			if t.Status != check.Fail || t.Message != check.ErrNotImplemented.Error() {
				faults = append(faults, fmt.Sprintf("task %s: got %s, want fail with %q", t.Task, told(t), check.ErrNotImplemented))
			}
		}
		v.emit(u.Entry, "starter", joined(faults), "")
	})
}

// solutions: each task must pass, under the race detector where it can run.
func (v *verifier) solutions(ctx context.Context, units []verified) error {
	race, note := detector(ctx)
	return v.run(ctx, units, goTest{solution: true, race: race}, func(u verified, o *goOutcome, report *Report) {
		v.emit(u.Entry, "solution", passed(o, report), note)
	})
}

// detector says whether the race detector can run, and if not, why.
func detector(ctx context.Context) (race bool, note string) {
	if canRace(ctx) {
		return true, ""
	}
	return false, "without the race detector, which needs a C compiler: install gcc or clang"
}

// passed says what keeps a solution from passing.
func passed(o *goOutcome, report *Report) error {
	var faults []string
	if report.Message != "" {
		faults = append(faults, report.Message)
	}
	for _, t := range report.Tests {
		if t.Status != check.Pass {
			faults = append(faults, fmt.Sprintf("task %s: got %s, want pass", t.Task, told(t)))
		}
	}
	if at := strings.Index(o.output, "WARNING: DATA RACE"); at >= 0 {
		faults = append(faults, firstLines(o.output[at:], 20))
	}
	return joined(faults)
}

// rights: another right solution must pass as the solution does.
func (v *verifier) rights(ctx context.Context, units []verified) error {
	race, note := detector(ctx)
	return v.others(ctx, units, others{
		what:  "right ",
		of:    func(u verified) []mutant { return u.right },
		sound: mutant.checkRight,
		test:  goTest{solution: true, race: race},
		judge: func(_ mutant, o *goOutcome, report *Report) error { return passed(o, report) },
		note:  note,
	})
}

// mutants: each wrong solution must be refuted.
func (v *verifier) mutants(ctx context.Context, units []verified) error {
	return v.others(ctx, units, others{
		what:  "mutant ",
		of:    func(u verified) []mutant { return u.wrong },
		sound: mutant.checkWrong,
		test:  goTest{solution: true},
		alone: true,
		judge: func(m mutant, _ *goOutcome, report *Report) error { return m.refuted(report) },
	})
}

// others is what to do with solutions that stand in place of solution.go.
type others struct {
	what  string // before their names in a verdict
	of    func(verified) []mutant
	sound func(mutant, unit.Entry) error // says what is wrong with one as it is written
	test  goTest
	alone bool // only the task that each names is run: there are many, and one must speak
	judge func(mutant, *goOutcome, *Report) error
	note  string
}

// others runs the first of them of each unit, then the second of each, and so on.
func (v *verifier) others(ctx context.Context, units []verified, o others) error {
	for n := 0; ; n++ {
		var round []verified
		left := false
		g := o.test
		g.overlay, g.only = map[string][]byte{}, nil
		for _, u := range units {
			if n >= len(o.of(u)) {
				continue
			}
			left = true
			m := o.of(u)[n]
			fault := o.sound(m, u.Entry)
			var source []byte
			if fault == nil {
				source, fault = m.source(v.path(u.Entry, "exercise"), u.solution)
			}
			if fault != nil {
				v.emit(u.Entry, o.what+m.Name, fault, "")
				continue
			}
			g.overlay[v.path(u.Entry, "exercise", "solution.go")] = source
			if o.alone {
				g.only = append(g.only, taskFunction(v.path(u.Entry, "exercise", "check_test.go"), m.Task))
			}
			round = append(round, u)
		}
		if !left {
			return nil
		}
		err := v.run(ctx, round, g, func(u verified, outcome *goOutcome, report *Report) {
			m := o.of(u)[n]
			v.emit(u.Entry, o.what+m.Name, o.judge(m, outcome, report), o.note)
		})
		if err != nil {
			return err
		}
	}
}

// refuted says how a report differs from the one that the mutant promises.
func (m mutant) refuted(report *Report) error {
	if report.Kind == KindCompile {
		return fmt.Errorf("it does not compile: %s", report.Message)
	}
	for _, t := range report.Tests {
		switch {
		case t.Task != m.Task:
		case t.Status != check.Pass && strings.Contains(t.Message, m.Message):
			return nil
		case t.Status != check.Pass:
			return fmt.Errorf("task %s refutes it, but says %s, want %q in it", m.Task, told(t), m.Message)
		}
	}
	return fmt.Errorf("task %s does not refute it", m.Task)
}

func told(t Test) string {
	if t.Message == "" {
		return string(t.Status)
	}
	return fmt.Sprintf("%s with %q", t.Status, t.Message)
}

func joined(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(faults, "; "))
}

func firstLines(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "")
}

// canRace reports whether the race detector can run: it needs cgo and a C
// compiler.
func canRace(ctx context.Context) bool {
	out, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED", "CC").Output()
	if err != nil {
		return false
	}
	enabled, compiler, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	words := strings.Fields(compiler)
	if enabled != "1" || len(words) == 0 {
		return false
	}
	_, err = exec.LookPath(words[0])
	return err == nil
}
