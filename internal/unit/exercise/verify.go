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
// the other right ones of mutants.toml, and every wrong solution is refuted by the
// task and with the message that it names. All are compiled into two programs, one
// with the race detector and one without. emit is called for each verdict; passed
// and failed count them. An error means that it could not go on.
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
	race, note := detector(ctx)
	var plain, raced []probe
	for _, u := range units {
		plain = append(plain, v.starter(u))
		plain = append(plain, v.wrong(u)...)
		raced = append(raced, v.solution(u, note))
		raced = append(raced, v.right(u, note)...)
	}
	for _, round := range []struct {
		probes []probe
		race   bool
	}{{plain, false}, {raced, race}} {
		if err := v.run(ctx, round.probes, round.race); err != nil {
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
	start    []byte // exercise.go
	finished []byte // solution.go
	wrongs   []mutant
	rights   []mutant
}

// probe is one solution to be judged.
type probe struct {
	verified
	what   string
	fault  error // why it cannot be run
	member member
	judge  func(*goOutcome, *Report) error
	note   string
}

// probe is a probe of the file called name, with source in it.
func (u verified) probe(v *verifier, what, name string, source []byte) probe {
	return probe{verified: u, what: what, member: member{dir: v.unitDir(u.Entry) + "/exercise", name: name, source: source}}
}

// run runs probes and tells of them in their order.
func (v *verifier) run(ctx context.Context, probes []probe, race bool) error {
	b := bundle{root: v.Root, under: v.units(), redisURL: v.redisURL(), race: race}
	of := map[*member]int{}
	for i, p := range probes {
		if p.fault != nil {
			v.emit(p.Entry, p.what, p.fault, "")
			continue
		}
		of[&probes[i].member] = i
		b.members = append(b.members, &probes[i].member)
	}
	return b.run(ctx, func(m *member, o *goOutcome) {
		p := probes[of[m]]
		v.emit(p.Entry, p.what, p.judge(o, v.judge(p.Entry, o)), p.note)
	})
}

// starter: each task of a starter must fail, and say that nothing is written.
func (v *verifier) starter(u verified) probe {
	p := u.probe(v, "starter", "exercise.go", u.start)
	p.judge = func(_ *goOutcome, report *Report) error {
		var faults []string
		if report.Message != "" {
			faults = append(faults, report.Message)
		}
		for _, t := range report.Tests {
			if t.Status != check.Fail || t.Message != check.ErrNotImplemented.Error() {
				faults = append(faults, fmt.Sprintf("task %s: got %s, want fail with %q", t.Task, told(t), check.ErrNotImplemented))
			}
		}
		return joined(faults)
	}
	return p
}

// solution: each task must pass, under the race detector where it can run.
func (v *verifier) solution(u verified, note string) probe {
	p := u.probe(v, "solution", "solution.go", u.finished)
	p.judge, p.note = passed, note
	return p
}

// right: another right solution must pass as the solution does.
func (v *verifier) right(u verified, note string) []probe {
	var probes []probe
	for _, m := range u.rights {
		p := v.other(u, "right "+m.Name, m, m.checkRight(u.Entry))
		p.judge, p.note = passed, note
		probes = append(probes, p)
	}
	return probes
}

// wrong: each wrong solution must be refuted. Only the task that it names is run:
// there are many, and one must speak.
func (v *verifier) wrong(u verified) []probe {
	var probes []probe
	for _, m := range u.wrongs {
		p := v.other(u, "mutant "+m.Name, m, m.checkWrong(u.Entry))
		p.member.only = taskFunction(v.path(u.Entry, "exercise", "check_test.go"), m.Task)
		p.judge = func(_ *goOutcome, report *Report) error { return m.refuted(report) }
		probes = append(probes, p)
	}
	return probes
}

// other is the probe of a solution that stands in place of solution.go, unless it has
// a fault as it is written.
func (v *verifier) other(u verified, what string, m mutant, fault error) probe {
	var source []byte
	if fault == nil {
		source, fault = m.source(v.path(u.Entry, "exercise"), u.finished)
	}
	p := u.probe(v, what, "solution.go", source)
	p.fault = fault
	return p
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
