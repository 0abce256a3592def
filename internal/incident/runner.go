package incident

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// The decisions a caller can make.
var (
	// ErrNotStarted says that the learner has no file yet.
	ErrNotStarted = errors.New("not started")
	// ErrNoRedis says that there is no server program for an incident to run.
	ErrNoRedis = errors.New("an incident needs a redis-server of its own, and none is installed; `grind setup` installs one after asking")
)

// Runner works with one incident. Make it as a literal. Its methods may be called
// from many goroutines.
type Runner struct {
	// Root is the module's root, from exercise.FindRoot.
	Root  string
	Entry unit.IncidentEntry
	// Binary is the server program; empty is the one on PATH.
	Binary string
	// Progress is told when the incident is begun and when it is over. nil keeps
	// nothing.
	Progress *progress.Store
	// Workspace is the folder of the learner's files; empty is "workspace" below
	// Root.
	Workspace string
}

// File is the path of the learner's file, which need not exist.
func (r *Runner) File() string {
	workspace := r.Workspace
	if workspace == "" {
		workspace = filepath.Join(r.Root, "workspace")
	}
	return filepath.Join(workspace, r.Entry.Folder(), r.Entry.Incident.File)
}

// programDir is the program's folder below Root, with slashes.
func (r *Runner) programDir() string {
	return "course/" + r.Entry.Dir + "/" + r.Entry.Incident.Program
}

// original is the absolute path of a file of the program.
func (r *Runner) original(name string) string {
	return filepath.Join(r.Root, filepath.FromSlash(r.programDir()), name)
}

// beside is the absolute path of a file beside the program's folder.
func (r *Runner) beside(name string) string {
	return filepath.Join(r.Root, "course", filepath.FromSlash(r.Entry.Dir), name)
}

// Start puts the file to mend into the workspace. One that is there is never
// written over; then created is false.
func (r *Runner) Start() (created bool, err error) {
	source, err := r.broken()
	if err != nil {
		return false, err
	}
	file := r.File()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, fmt.Errorf("incident: start %s: %w", r.Entry.Incident.ID, err)
	}
	switch err := exercise.WriteNew(file, source); {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("incident: start %s: %w", r.Entry.Incident.ID, err)
	}
	return true, nil
}

// Reset puts the file back as it was at the beginning. What the learner wrote is
// kept in the file whose path is returned; it is empty when there was nothing to
// keep.
func (r *Runner) Reset() (backup string, err error) {
	source, err := r.broken()
	if err != nil {
		return "", err
	}
	file := r.File()
	now, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := r.Start()
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("incident: reset %s: %w", r.Entry.Incident.ID, err)
	}
	if bytes.Equal(now, source) {
		return "", nil
	}
	if backup, err = exercise.KeepCopy(file, now); err != nil {
		return "", fmt.Errorf("incident: reset %s: %w", r.Entry.Incident.ID, err)
	}
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return backup, fmt.Errorf("incident: reset %s: %w", r.Entry.Incident.ID, err)
	}
	return backup, nil
}

// broken is the file as a learner first sees it.
func (r *Runner) broken() ([]byte, error) {
	source, err := os.ReadFile(r.original(r.Entry.Incident.File))
	if err != nil {
		return nil, fmt.Errorf("incident: %w", err)
	}
	return exercise.WithoutBuildLine(source), nil
}

// record notes something in the progress file.
func (r *Runner) record(change func(*progress.Record)) error {
	if r.Progress == nil {
		return nil
	}
	return r.Progress.Update(r.Entry.Incident.ID, change)
}
