package exercise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Program is a command of the source tree in which a learner's file takes the
// place of one of its own.
type Program struct {
	Root    string            // of the module
	Dir     string            // of the package, below Root, with slashes
	Overlay map[string][]byte // absolute path → the content to compile in its place
}

// Build compiles the program to the file at out. When the code does not compile,
// trouble says why, with the paths that a learner knows and a sentence of help;
// it is empty when it does. An error means that the go tool could not do its
// work, or that ctx ended.
func Build(ctx context.Context, p Program, out string) (trouble string, err error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("exercise: %w", ErrNoGo)
	}
	tmp, err := os.MkdirTemp("", "grind-build-")
	if err != nil {
		return "", fmt.Errorf("exercise: %w", err)
	}
	defer os.RemoveAll(tmp)
	overlay, err := writeOverlay(tmp, p.Overlay)
	if err != nil {
		return "", fmt.Errorf("exercise: write the overlay: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	cmd := exec.CommandContext(limited, tool, "build", "-ldflags=-s -w", "-overlay", overlay, "-o", out, "./"+p.Dir)
	OwnGroup(cmd)
	cmd.Dir = p.Root
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if limited.Err() != nil {
		return "", fmt.Errorf("exercise: go build did not end within %v and was killed", wholeLimit)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return explainCompile(said.String()), nil
	}
	if err != nil {
		return "", fmt.Errorf("exercise: run go build: %w", err)
	}
	return "", nil
}

// writeOverlay writes the contents below tmp and returns the file that tells the
// go tool of them.
func writeOverlay(tmp string, overlay map[string][]byte) (string, error) {
	replace := map[string]string{}
	for path, content := range overlay {
		// The compiler names the file that it reads, so it keeps its name.
		file := filepath.Join(tmp, strconv.Itoa(len(replace)), filepath.Base(path))
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", err
		}
		replace[path] = file
	}
	return writeReplace(tmp, replace)
}

// writeReplace writes below tmp, and returns, the file that tells the go tool which
// file to read in place of which.
func writeReplace(tmp string, replace map[string]string) (string, error) {
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(tmp, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}
