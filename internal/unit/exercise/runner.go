package exercise

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/modfile"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// modulePath is the module that the exercises are part of.
const modulePath = "github.com/redis-grind/grind"

// The decisions a caller can make.
var (
	// ErrNoSource says that the folder is not inside the source tree.
	ErrNoSource = errors.New("exercises need the source tree of grind")
	// ErrNoExercise says that the unit has no exercise.
	ErrNoExercise = errors.New("there is no exercise in this unit")
	// ErrNotStarted says that the learner has no file yet.
	ErrNotStarted = errors.New("not started")
	// ErrNoGo says that there is no go command.
	ErrNoGo = errors.New("no go command on PATH: exercises are compiled with it; see https://go.dev/doc/install")
)

// FindRoot returns the root of the module at dir or above it, or an error that
// wraps ErrNoSource.
func FindRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("exercise: find the source tree from %q: %w", dir, err)
	}
	for at := abs; ; at = filepath.Dir(at) {
		file, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && modfile.ModulePath(file) == modulePath {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%w, and neither %s nor a folder above it is one. Get it with `git clone https://%s`, change into it, and try again",
				ErrNoSource, abs, modulePath)
		}
	}
}

// Runner works with the exercises of a course. Make it as a literal. Its methods
// may be called from many goroutines.
type Runner struct {
	// Root is the module's root, from FindRoot.
	Root string
	// Course lists the units.
	Course *unit.Course
	// Redis is where checks run. nil lets each check start a private server.
	Redis *localredis.Redis
	// Progress is told of starts, attempts, hints and passes. nil keeps none.
	Progress *progress.Store
	// Workspace is the folder of the learner's files; empty is "workspace" below Root.
	Workspace string

	courseDir string // of the units, below Root; empty is "course"
}

// File is the path of the learner's file, which need not exist. One that was begun
// under a former name of the unit is found.
func (r *Runner) File(e unit.Entry) string {
	workspace := r.Workspace
	if workspace == "" {
		workspace = filepath.Join(r.Root, "workspace")
	}
	file := filepath.Join(workspace, e.Folder(), "exercise.go")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	// The unit may have had another name when the learner began.
	if begun, _ := filepath.Glob(filepath.Join(workspace, e.Unit.ID+"-*", "exercise.go")); len(begun) == 1 {
		return begun[0]
	}
	return file
}

// units is the folder of the units below Root, with slashes.
func (r *Runner) units() string {
	if r.courseDir == "" {
		return "course"
	}
	return r.courseDir
}

// unitDir is the unit's folder below Root, with slashes.
func (r *Runner) unitDir(e unit.Entry) string { return r.units() + "/" + e.Dir }

// path is the absolute path of a file of the unit's folder.
func (r *Runner) path(e unit.Entry, name ...string) string {
	return filepath.Join(append([]string{r.Root, filepath.FromSlash(r.unitDir(e))}, name...)...)
}

// record notes something in the progress file.
func (r *Runner) record(e unit.Entry, change func(*progress.Record)) error {
	if r.Progress == nil {
		return nil
	}
	return r.Progress.Update(e.Unit.ID, change)
}

// redisURL is how a check reaches the Redis in use; empty lets it start its own.
func (r *Runner) redisURL() string {
	if r.Redis == nil {
		return ""
	}
	o := r.Redis.Options()
	u := url.URL{Scheme: "redis", Host: o.Addr, Path: "/" + strconv.Itoa(o.DB)}
	if o.TLSConfig != nil {
		u.Scheme = "rediss"
	}
	if o.Username != "" || o.Password != "" {
		u.User = url.UserPassword(o.Username, o.Password)
	}
	return u.String()
}

func hasExercise(e unit.Entry) error {
	if len(e.Unit.Tasks) == 0 {
		return fmt.Errorf("%w: %s %s", ErrNoExercise, e.Unit.ID, e.Unit.Title)
	}
	return nil
}
