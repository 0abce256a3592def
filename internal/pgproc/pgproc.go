package pgproc

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The decisions a caller can make.
var (
	// ErrNotInstalled: there is no PostgreSQL to start.
	ErrNotInstalled = errors.New("pgproc: no PostgreSQL installed; as with apt-get install postgresql, dnf install postgresql-server or brew install postgresql")

	// ErrUnsupported: this system runs no server of this package.
	ErrUnsupported = errors.New("pgproc: works on Unix only; on Windows work inside WSL")
)

// owner is the name of the superuser, whatever user of the system runs it.
const owner = "postgres"

// Options of a server. Zero Options work.
type Options struct {
	// Config holds further settings, such as "max_connections": "20". The
	// values are written as in postgresql.conf, without quotes.
	Config map[string]string
}

// Server is a running PostgreSQL. Most callers want URL, and Stop when done. It
// is safe for concurrent use.
type Server struct {
	bin, dir string
	keeper   *keeper
	stop     func() error
}

// Find returns the directory of PostgreSQL's programs: that of initdb on PATH,
// else the newest where Debian and others keep them. The error is ErrNotInstalled.
func Find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// Programs look for their libraries beside the real file.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real), nil
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql@*/bin/initdb"} {
		paths, _ := filepath.Glob(pattern) // the patterns are well formed
		found = append(found, paths...)
	}
	if len(found) == 0 {
		return "", ErrNotInstalled
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// version is the number in the path of an installation.
func version(path string) int {
	n, _ := strconv.Atoi(strings.Trim(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return ' '
		}
		return r
	}, path), " "))
	return n
}

// Start starts a server and returns when it answers. ctx bounds the start only;
// the server runs until Stop, or until this process ends. On an error nothing is
// left.
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	conf, err := conf(o)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Join(os.TempDir(), "pgproc-"+strings.ToLower(rand.Text()[:12])))
	if err != nil {
		return nil, fmt.Errorf("pgproc: start: %w", err)
	}
	s := &Server{bin: bin, dir: dir}
	s.keeper, err = startKeeper(ctx, bin, dir, conf)
	if err != nil {
		return nil, fmt.Errorf("pgproc: start: %w", err)
	}
	s.stop = sync.OnceValue(s.keeper.close)
	return s, nil
}

// conf is what is added to the configuration that initdb wrote: nothing that
// happens here has to survive the machine.
func conf(o Options) (string, error) {
	settings := map[string]string{
		"listen_addresses":           "",
		"fsync":                      "off",
		"full_page_writes":           "off",
		"dynamic_shared_memory_type": "mmap", // in the directory, so that it goes with it
		"shared_buffers":             "32MB",
	}
	for name, value := range o.Config {
		if strings.ContainsAny(name+value, "'\\\n\r\x00") || name == "" {
			return "", fmt.Errorf("pgproc: Options.Config[%q] must hold no quote, backslash or line break, got %q", name, value)
		}
		settings[name] = value
	}
	var w strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&w, "%s = '%s'\n", name, value)
	}
	return w.String(), nil
}

// URL is the address of the database postgres, for pgx and every client that
// knows libpq's form: the superuser postgres, over the socket.
func (s *Server) URL() string { return s.url("postgres") }

func (s *Server) url(database string) string {
	query := url.Values{"host": {s.dir}, "sslmode": {"disable"}}
	return "postgres://" + owner + "@/" + database + "?" + query.Encode()
}

// Database makes an empty database and returns its address. It goes with the
// server.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := "db_" + strings.ToLower(rand.Text()[:12])
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "createdb"), "--host="+s.dir, "--username="+owner, name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("pgproc: create a database: %w: %s", err, bytes.TrimSpace(out))
	}
	return s.url(name), nil
}

// Dir is the server's directory, with its socket. Stop removes it.
func (s *Server) Dir() string { return s.dir }

// Log is the end of the server's log, for error messages; empty after Stop.
func (s *Server) Log() string { return tail(s.dir) }

// Stop ends the server, with the connections that are open, and removes its
// directory. A second call returns what the first did.
func (s *Server) Stop() error { return s.stop() }

// tail is the end of the log in a directory.
func tail(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		return "" // not yet, or no longer
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
