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

// goTest is one run of the go tool over one or more exercises. The flags are the
// same each time, so that what was built once serves again.
type goTest struct {
	root     string
	dirs     []string          // of the exercises, below root, with slashes
	solution bool              // build solution.go instead of exercise.go
	race     bool              // with the race detector
	overlay  map[string][]byte // absolute path → the content to compile in its place
	redisURL string
	noRun    bool     // compile and link only
	only     []string // functions to run, of any of the exercises; empty means all
}

// goResult is what came of it, by exercise folder.
type goResult map[string]*goOutcome

// run compiles and runs. An error means that the go tool could not do its work,
// or that ctx ended.
func (g goTest) run(ctx context.Context) (goResult, error) {
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
	cmd.Env = append(os.Environ(), check.EnvOut+"="+out, check.EnvRedis+"="+g.redisURL, "GORACE=atexit_sleep_ms=0")
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
	result, parseErr := g.parse(&stdout)
	if parseErr != nil {
		return nil, fmt.Errorf("exercise: go test: %w\n%s", parseErr, stderr.Bytes())
	}
	return result, g.readEvents(out, result)
}

// lavish has the compiler and the linker, which live for a second, collect no garbage
// up to a bound: a third less time for each of the many binaries of `grind verify`,
// and for a learner's check. What they build runs as it would without; see plainly.
var lavish = []string{"GOGC=off", "GOMEMLIMIT=1GiB"}

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
	tags := "exercise"
	if g.solution {
		tags += ",solution"
	}
	args := []string{"test", "-json", "-tags", tags, "-vet=off", "-count=1", "-ldflags=-w", "-overlay", file, "-timeout", runLimit.String()}
	args = append(args, plainly()...)
	if g.race {
		args = append(args, "-race")
	}
	switch {
	case g.noRun:
		args = append(args, "-run", "^$")
	case len(g.only) > 0:
		args = append(args, "-run", "^("+strings.Join(g.only, "|")+")$")
	}
	for _, dir := range g.dirs {
		args = append(args, "./"+dir)
	}
	return args, nil
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
func (g goTest) parse(stdout *bytes.Buffer) (goResult, error) {
	result := goResult{}
	for _, dir := range g.dirs {
		result[dir] = &goOutcome{}
	}
	compiler := map[string]string{} // output by import path
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	known := 0
	for lines.Scan() {
		var e testEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // a line of the go tool itself
		}
		if e.Action == "build-output" {
			compiler[e.ImportPath] += e.Output
			continue
		}
		o := result[strings.TrimPrefix(e.Package, modulePath+"/")]
		if o == nil {
			continue
		}
		known++
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
	if known == 0 {
		return nil, errors.New("no exercise was run")
	}
	return result, nil
}

// readEvents sorts what the tasks reported to their exercises.
func (g goTest) readEvents(name string, result goResult) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no task was run
	}
	if err != nil {
		return fmt.Errorf("exercise: %w", err)
	}
	root, err := filepath.EvalSymlinks(g.root)
	if err != nil {
		return fmt.Errorf("exercise: %w", err)
	}
	for line := range bytes.Lines(text) {
		var e check.Event
		if err := json.Unmarshal(line, &e); err != nil {
			continue // a process was killed while it wrote
		}
		dir, err := filepath.EvalSymlinks(e.Dir)
		if err != nil {
			continue
		}
		if below, err := filepath.Rel(root, dir); err == nil {
			if o := result[filepath.ToSlash(below)]; o != nil {
				o.events = append(o.events, e)
			}
		}
	}
	return nil
}
