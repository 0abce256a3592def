package exercise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
)

// bundle is one test program that holds many solutions, each with its own copy of its
// check, and runs each in a process of its own. To compile and link a program of its
// own for each takes 2.8 s of a core, ten times what most checks take to refute one.
type bundle struct {
	root     string // of the module
	under    string // the folder that holds the units, below root, with slashes
	redisURL string
	race     bool // with the race detector
	members  []*member
}

// member is one solution of a bundle.
type member struct {
	dir    string // of the exercise, below the module's root, with slashes
	name   string // of the file: exercise.go, solution.go
	source []byte // of the file
	only   string // the function of the check to run; empty means all

	number int      // in the bundle
	tests  []string // functions of the check
	errors string   // of the compiler
}

// killAfter is when a process is ended that its own limit does not end: the limit
// begins with the first test, and an endless loop in init never gets there.
const killAfter = runLimit + 10*time.Second

// programName is the file of the program.
const programName = "bundle.test"

// run builds the program and runs its members, several at once, and calls done for
// each in their order. An error means that the go tool could not do its work, or that
// ctx ended.
func (b *bundle) run(ctx context.Context, done func(*member, *goOutcome)) error {
	if len(b.members) == 0 {
		return nil
	}
	tmp, err := os.MkdirTemp("", "grind-verify-")
	if err != nil {
		return fmt.Errorf("exercise: %w", err)
	}
	defer os.RemoveAll(tmp)
	for i, m := range b.members {
		m.number = i
	}
	if err := b.build(ctx, tmp); err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	outcomes := make([]chan *goOutcome, len(b.members))
	for i := range outcomes {
		outcomes[i] = make(chan *goOutcome, 1)
	}
	next := make(chan *member)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel(nil)
	for range atOnce() {
		workers.Go(func() {
			for m := range next {
				o, err := b.runOne(ctx, tmp, m)
				if err != nil {
					cancel(err)
					return
				}
				outcomes[m.number] <- o
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for _, m := range b.members {
			select {
			case next <- m:
			case <-ctx.Done():
				return
			}
		}
	})
	for i, m := range b.members {
		select {
		case o := <-outcomes[i]:
			done(m, o)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// atOnce is how many processes run at a time. Most of them wait for Redis, and a
// check must hold on a machine that does other work as well.
func atOnce() int { return runtime.GOMAXPROCS(0) + 1 }

// build makes the program of all members that compile, and notes the compiler's
// errors of the others.
func (b *bundle) build(ctx context.Context, tmp string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("exercise: %w", ErrNoGo)
	}
	replace, err := b.files(ctx, tmp)
	if err != nil {
		return fmt.Errorf("exercise: write the program of all solutions: %w", err)
	}
	overlay, err := writeReplace(tmp, replace)
	if err != nil {
		return fmt.Errorf("exercise: write the overlay: %w", err)
	}
	args := []string{"test", "-c", "-tags", "exercise", "-vet=off", "-ldflags=-w", "-gcflags=" + modulePath + "/" + b.driver() + "/...=" + hasty,
		"-overlay", overlay, "-o", filepath.Join(tmp, programName)}
	if b.race {
		args = append(args, "-race")
	}
	limited, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	cmd := exec.CommandContext(limited, tool, append(args, "./"+b.driver())...)
	OwnGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), lavish...)
	said, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("exercise: go test -c did not end within %v and was killed", wholeLimit)
	case err != nil: // each solution was found to compile, so the fault is here
		return fmt.Errorf("exercise: build the program of all solutions: %w\n%s", err, firstLines(string(said), 30))
	}
	return nil
}

// driver is the folder of the package that calls the checks; below it is a package
// for each unit. They exist in the overlay only.
func (b *bundle) driver() string { return b.under + "/bundle" }

// files are those of the program, by the path where the go tool is to see them; what
// has no file yet is written below tmp.
func (b *bundle) files(ctx context.Context, tmp string) (map[string]string, error) {
	merged, err := newMerger(ctx, b.root, b.members)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	put := func(folder, name string, content []byte) error {
		dir := filepath.Join(tmp, "source", filepath.FromSlash(folder))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		file := filepath.Join(dir, name)
		replace[filepath.Join(b.root, filepath.FromSlash(folder), name)] = file
		return os.WriteFile(file, content, 0o600)
	}
	var imports, functions bytes.Buffer
	units := map[string]string{} // package by folder of the exercise
	for _, m := range b.members {
		files, errs, err := merged.member(m)
		if err != nil {
			return nil, err
		}
		if m.errors = errs; errs != "" {
			continue
		}
		unit, known := units[m.dir]
		if !known {
			unit = fmt.Sprintf("u%d", len(units))
			units[m.dir] = unit
			fmt.Fprintf(&imports, "\t%s %q\n", unit, modulePath+"/"+b.driver()+"/"+unit)
			if err := b.extras(m, b.driver()+"/"+unit, replace); err != nil {
				return nil, err
			}
		}
		for name, content := range files {
			if err := put(b.driver()+"/"+unit, name, content); err != nil {
				return nil, err
			}
		}
		for _, f := range m.tests {
			fmt.Fprintf(&functions, "func %s%s(t *testing.T) { %s.%s(t) }\n", m.prefix(), f, unit, m.ofCheck(f))
		}
	}
	driver := fmt.Appendf(nil, "package bundle\n\nimport (\n\t\"testing\"\n\n%s)\n\nvar _ *testing.T\n\n%s", &imports, &functions)
	return replace, put(b.driver(), "bundle_test.go", driver)
}

// extras are what an exercise brings beside its code, as Lua.
func (b *bundle) extras(m *member, folder string, replace map[string]string) error {
	from := filepath.Join(b.root, filepath.FromSlash(m.dir))
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) != ".go" {
			replace[filepath.Join(b.root, filepath.FromSlash(folder), e.Name())] = filepath.Join(from, e.Name())
		}
	}
	return nil
}

// prefix begins the names of a member's functions in the driver.
func (m *member) prefix() string { return fmt.Sprintf("TestS%d_", m.number) }

// runOne runs a member.
func (b *bundle) runOne(ctx context.Context, tmp string, m *member) (*goOutcome, error) {
	if m.errors != "" {
		return &goOutcome{errors: m.errors}, nil
	}
	events := filepath.Join(tmp, fmt.Sprintf("events-%d", m.number))
	limited, cancel := context.WithTimeout(ctx, killAfter)
	defer cancel()
	pattern := "^" + m.prefix()
	if m.only != "" {
		pattern += m.only + "$"
	}
	cmd := exec.CommandContext(limited, filepath.Join(tmp, programName), "-test.run="+pattern, "-test.timeout="+runLimit.String(), "-test.paniconexit0")
	OwnGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = filepath.Join(b.root, filepath.FromSlash(m.dir))
	cmd.Env = append(os.Environ(), check.EnvOut+"="+events, check.EnvRedis+"="+b.redisURL, "GORACE=atexit_sleep_ms=0")
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	output := strings.Builder{}
	output.Write(said)
	if limited.Err() != nil {
		fmt.Fprintf(&output, "\n*** Test killed after %v\n", killAfter)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		fmt.Fprintf(&output, "%v\n", exit) // says by which signal it ended
	} else if err != nil {
		return nil, fmt.Errorf("exercise: run a solution: %w", err)
	}
	o := &goOutcome{output: strings.ReplaceAll(output.String(), m.mark(), "")}
	o.events, err = readEvents(events)
	for i, e := range o.events {
		o.events[i].Message = strings.ReplaceAll(e.Message, m.mark(), "")
	}
	return o, err
}
