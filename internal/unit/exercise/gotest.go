package exercise

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
)

const (
	// runLimit is the longest time of one test binary.
	runLimit = 30 * time.Second
	// wholeLimit bounds the compiler too: a first build takes long.
	wholeLimit = 5 * time.Minute
)

// goTest is one run of the go tool over an exercise. The flags are the same each
// time, so that what was built once serves again.
type goTest struct {
	root     string
	dir      string            // of the exercise, below root, with slashes
	overlay  map[string][]byte // absolute path → the content to compile in its place
	redisURL string
	noRun    bool // compile and link only
}

// run compiles and runs. An error means that the go tool could not do its work,
// or that ctx ended.
func (g goTest) run(ctx context.Context) (*goOutcome, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", ErrNoGo)
	}
	tmp, err := os.MkdirTemp("", "grind-check-")
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", err)
	}
	defer os.RemoveAll(tmp)
	args, err := g.args(tmp)
	if err != nil {
		return nil, fmt.Errorf("exercise: write the overlay: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	cmd := exec.CommandContext(limited, tool, args...)
	OwnGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = g.root
	out := filepath.Join(tmp, "events")
	cmd.Env = append(os.Environ(), check.EnvOut+"="+out, check.EnvRedis+"="+g.redisURL)
	cmd.Env = append(cmd.Env, lavish...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if limited.Err() != nil {
		return nil, fmt.Errorf("exercise: go test did not end within %v and was killed", wholeLimit)
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("exercise: run go test: %w", err)
	}
	o, err := g.parse(&stdout)
	if err != nil {
		return nil, fmt.Errorf("exercise: go test: %w\n%s", err, stderr.Bytes())
	}
	o.events, err = readEvents(out)
	return o, err
}

// lavish has the compiler and the linker, which live for a second, collect no garbage
// up to a bound: a third less time for each of the many binaries of `grind verify`,
// and for a learner's check. What they build runs as it would without; see plainly.
var lavish = []string{"GOGC=off", "GOMEMLIMIT=1GiB"}

// hasty is how an exercise and its check are compiled: without optimization, inlining
// and debugger's data, in a third of the time. A package that names redis.Client has
// some 1,700 wrappers of its methods compiled into it (go-redis 9.23 has a
// weak.Pointer[Client] in it), a second of a core each time for a file of ten lines.
const hasty = "-N -l -dwarf=false"

// plainly is the -exec of go test: the program without what lavish has set. Where there
// is no env, as on Windows, it is run as it is.
func plainly() []string {
	env, err := exec.LookPath("env")
	if err != nil || runtime.GOOS == "windows" {
		return nil
	}
	words := []string{env}
	for _, v := range lavish {
		name, _, _ := strings.Cut(v, "=")
		if own, set := os.LookupEnv(name); set {
			words = append(words, name+"="+own)
		} else {
			words = append(words, "-u", name)
		}
	}
	return []string{"-exec", strings.Join(words, " ")}
}

// args writes the overlay and returns the go tool's arguments.
func (g goTest) args(tmp string) ([]string, error) {
	file, err := writeOverlay(tmp, g.overlay)
	if err != nil {
		return nil, err
	}
	args := []string{"test", "-json", "-tags", "exercise", "-vet=off", "-count=1", "-ldflags=-w", "-gcflags=" + hasty, "-overlay", file, "-timeout", runLimit.String()}
	args = append(args, plainly()...)
	if g.noRun {
		args = append(args, "-run", "^$")
	}
	return append(args, "./"+g.dir), nil
}

// testEvent is a line of go test -json.
type testEvent struct {
	Action      string
	Package     string
	ImportPath  string // of the package that did not compile
	FailedBuild string
	Output      string
}

// parse reads the lines of go test -json.
func (g goTest) parse(stdout *bytes.Buffer) (*goOutcome, error) {
	o := &goOutcome{}
	compiler := map[string]string{} // output by import path
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	known := false
	for lines.Scan() {
		var e testEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // a line of the go tool itself
		}
		if e.Action == "build-output" {
			compiler[e.ImportPath] += e.Output
			continue
		}
		if e.Package != modulePath+"/"+g.dir {
			continue
		}
		known = true
		switch {
		case e.FailedBuild != "":
			o.errors = compiler[e.FailedBuild]
		case e.Action == "output":
			o.output += e.Output
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !known {
		return nil, errors.New("the exercise was not run")
	}
	return o, nil
}

// readEvents reads what the tasks reported.
func readEvents(name string) ([]check.Event, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no task was run
	}
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", err)
	}
	var events []check.Event
	for line := range bytes.Lines(text) {
		var e check.Event
		if err := json.Unmarshal(line, &e); err != nil {
			continue // a process was killed while it wrote
		}
		events = append(events, e)
	}
	return events, nil
}
