package exercise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/lesson"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// Start puts the starter and its task into the workspace. A file that is there is
// never written over; then created is false.
func (r *Runner) Start(e unit.Entry) (created bool, err error) {
	starter, err := r.starter(e)
	if err != nil {
		return false, err
	}
	file := r.File(e)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, fmt.Errorf("exercise: start %s: %w", e.Unit.ID, err)
	}
	if err := r.writeReadme(e); err != nil {
		return false, fmt.Errorf("exercise: start %s: %w", e.Unit.ID, err)
	}
	switch err := WriteNew(file, starter); {
	case errors.Is(err, fs.ErrExist):
	case err != nil:
		return false, fmt.Errorf("exercise: start %s: %w", e.Unit.ID, err)
	default:
		created = true
	}
	return created, r.record(e, func(*progress.Record) {})
}

// Reset puts the starter back. What the learner wrote is kept in the file whose
// path is returned, exercise.go.bak-1 and so on; it is empty when there was none.
func (r *Runner) Reset(e unit.Entry) (backup string, err error) {
	starter, err := r.starter(e)
	if err != nil {
		return "", err
	}
	file := r.File(e)
	now, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := r.Start(e)
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("exercise: reset %s: %w", e.Unit.ID, err)
	}
	if backup, err = KeepCopy(file, now); err != nil {
		return "", fmt.Errorf("exercise: reset %s: %w", e.Unit.ID, err)
	}
	if err := os.WriteFile(file, starter, 0o644); err != nil {
		return backup, fmt.Errorf("exercise: reset %s: %w", e.Unit.ID, err)
	}
	return backup, r.writeReadme(e)
}

// starter is the file that a learner begins with.
func (r *Runner) starter(e unit.Entry) ([]byte, error) {
	if err := hasExercise(e); err != nil {
		return nil, err
	}
	source, err := os.ReadFile(r.path(e, "exercise", "exercise.go"))
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", err)
	}
	return WithoutBuildLine(source), nil
}

// writeReadme puts what is asked beside the learner's file.
func (r *Runner) writeReadme(e unit.Entry) error {
	md, err := os.ReadFile(r.path(e, "lesson.md"))
	if err != nil {
		return err
	}
	doc, err := lesson.Parse(md)
	if err != nil {
		return err
	}
	asked, _ := doc.Section("Exercise") // verify insists on it
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n%s\n\nWhat is checked:\n\n", e.Unit.ID, e.Unit.Title, asked.Body)
	for _, task := range e.Unit.Tasks {
		fmt.Fprintf(&b, "- `%s`: %s\n", task.ID, task.Title)
	}
	id := e.Unit.ID
	fmt.Fprintf(&b, "\nWrite in `exercise.go`, then `grind check %s`, or `grind watch` to check at each save. `grind hint %s` helps; `grind reset %s` starts anew and keeps a copy.\n", id, id, id)
	return os.WriteFile(filepath.Join(filepath.Dir(r.File(e)), "README.md"), []byte(b.String()), 0o644)
}

// KeepCopy writes content beside a file as file.bak-1, or the next number that is
// free, and returns the copy's path.
func KeepCopy(file string, content []byte) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.bak-%d", file, n)
		if err := WriteNew(name, content); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// WriteNew writes a file that must not be there yet; if it is, the error is
// fs.ErrExist.
func WriteNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
