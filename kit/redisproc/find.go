package redisproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ErrNotInstalled says that there is no server to start. The error that wraps
// it says where it was looked for and what to install.
var ErrNotInstalled = errors.New("redisproc: no redis-server or valkey-server installed")

// Binary is a server program on this machine.
type Binary struct {
	Path    string // absolute, or as given
	Flavour string // "redis" or "valkey": what the program says it is
	Version string // "7.0.15"
}

// major is the first number of the version, 0 when it has none.
func (b Binary) major() int {
	first, _, _ := strings.Cut(b.Version, ".")
	n, _ := strconv.Atoi(first)
	return n
}

// versionLine is what --version prints: "Redis server v=7.0.15 sha=…" or
// "Valkey server v=8.1.1 sha=…".
var versionLine = regexp.MustCompile(`^(Redis|Valkey) server v=(\S+)`)

// Find looks for a server program. binary is a path or a name on PATH; the
// empty one means redis-server, else valkey-server. Its version is asked by
// running it.
func Find(binary string) (Binary, error) { return find(context.Background(), binary) }

func find(ctx context.Context, binary string) (Binary, error) {
	names := []string{"redis-server", "valkey-server"}
	if binary != "" {
		names = []string{binary}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return identify(ctx, path)
		}
	}
	return Binary{}, fmt.Errorf("redisproc: found no %s (PATH is %s); install one, as with apt-get install redis-server, dnf install valkey or brew install redis: %w",
		strings.Join(names, " or "), os.Getenv("PATH"), ErrNotInstalled)
}

// identify runs the program at path for its version.
func identify(ctx context.Context, path string) (Binary, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if ctx.Err() != nil {
		err = context.Cause(ctx) // and not that the program was killed for it
	}
	if err != nil {
		return Binary{}, fmt.Errorf("redisproc: run %s --version: %w", path, err)
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return Binary{}, fmt.Errorf("redisproc: %s is no Redis or Valkey server: --version printed %q", path, firstLine(string(out)))
	}
	return Binary{Path: path, Flavour: strings.ToLower(m[1]), Version: m[2]}, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
