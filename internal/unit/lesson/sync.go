package lesson

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// maxDiff is how many lines of a difference an error shows.
const maxDiff = 20

// DriftError says that a fence no longer holds what it stands for.
type DriftError struct {
	File  string // of the text
	Line  int    // of the fence
	Fence string // what it holds: race.go region hit
	Diff  string // its first lines
}

// Error shows the difference and how to take it over.
func (e *DriftError) Error() string {
	return fmt.Sprintf("%s:%d: the fence of %s is not up to date; `make update` rewrites it:\n%s", e.File, e.Line, e.Fence, e.Diff)
}

// Sync compares the fences of one text with what they stand for, or rewrites
// those that differ. The error joins all that was found, a *DriftError for each
// fence that differs. root is the module's root.
func Sync(path, root string, update bool) error {
	s := &Syncer{Root: root, Update: update}
	return errors.Join(s.Sync(path), s.Close())
}

// Syncer syncs many texts and builds grind but once, at the first console fence.
// Close it. It is not safe for concurrent use.
type Syncer struct {
	Root   string // the module's
	Update bool   // rewrite instead of comparing

	// run runs a command of grind; nil builds the program and runs it. It returns
	// what the command printed and its exit code.
	run func(args []string) (string, int, error)

	program string // its path
	tmp     string // what its commands keep, and the program where Go's cache has none; removed by Close
}

// Close removes what Sync's commands have left.
func (s *Syncer) Close() error {
	if s.tmp == "" {
		return nil
	}
	return os.RemoveAll(s.tmp)
}

// Sync is the function of the same name, for one text of many.
func (s *Syncer) Sync(path string) error {
	md, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("lesson: %w", err)
	}
	lines, found, err := fences(md)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var out []string
	var errs []error
	at := 0
	for _, f := range found {
		have := body(lines[f.from:f.to])
		want, err := s.content(filepath.Dir(path), f, have)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, f.line, err))
			want = have
		} else if want != have && !s.Update {
			errs = append(errs, &DriftError{path, f.line, f.name(), firstLines(udiff.Unified("text", f.name(), have, want))})
		}
		out = append(out, body(lines[at:f.from])+want)
		at = f.to
	}
	out = append(out, body(lines[at:]))
	if now := []byte(strings.Join(out, "")); s.Update && !bytes.Equal(now, md) {
		if err := os.WriteFile(path, now, 0o644); err != nil {
			errs = append(errs, fmt.Errorf("lesson: %w", err))
		}
	}
	return errors.Join(errs...)
}

// content is what a fence must hold.
func (s *Syncer) content(dir string, f fence, have string) (string, error) {
	file, sourced := f.attrs["file"]
	switch {
	case sourced:
		return s.excerpt(dir, file, f.attrs["region"])
	case f.language == "console":
		return s.console(f, have)
	case f.language == "go" && f.attrs["nocompile"] == "":
		return "", errors.New("a go fence must name its file, or say nocompile")
	}
	return have, nil
}

// excerpt is a region of a file.
func (s *Syncer) excerpt(dir, file, name string) (string, error) {
	path := filepath.Join(dir, filepath.FromSlash(file))
	if _, err := os.Stat(path); strings.HasPrefix(file, "/") || errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(s.Root, filepath.FromSlash(file))
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text, err := region(strings.ReplaceAll(string(source), "\r\n", "\n"), name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return text + "\n", nil
}

// name says what a fence holds.
func (f fence) name() string {
	switch {
	case f.attrs["region"] != "":
		return f.attrs["file"] + " region " + f.attrs["region"]
	case f.attrs["file"] != "":
		return f.attrs["file"]
	}
	return "`" + f.attrs["cmd"] + "`"
}

func body(lines []textLine) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line.text + "\n")
	}
	return b.String()
}

func firstLines(diff string) string {
	lines := strings.SplitAfter(diff, "\n")
	if len(lines) > maxDiff {
		lines = append(lines[:maxDiff:maxDiff], fmt.Sprintf("… %d more lines\n", len(lines)-maxDiff))
	}
	return strings.TrimSuffix(strings.Join(lines, ""), "\n")
}
