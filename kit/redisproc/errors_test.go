//go:build unix

package redisproc_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestStart_badOptions(t *testing.T) {
	config := func(name, value string) redisproc.Options {
		return redisproc.Options{Config: map[string]string{name: value}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for _, test := range []struct {
		name    string
		options redisproc.Options
		want    []string
	}{
		// These are refused by us.
		{"negative port", redisproc.Options{Port: -1}, []string{"Options.Port must be in 0..65535, got -1"}},
		{"negative memory", redisproc.Options{MaxMemory: -1}, []string{"Options.MaxMemory must not be negative, got -1"}},
		{"certificates without TLS", redisproc.Options{ClientCerts: true}, []string{"Options.ClientCerts needs TLS"}},
		{"fsync without a file", redisproc.Options{AppendFsync: "always"}, []string{"Options.AppendFsync needs AppendOnly"}},
		{"two passwords", redisproc.Options{Password: "x", ACL: []string{"user default on nopass"}}, []string{"Options.Password", "exclude"}},
		{"password with a line end", redisproc.Options{Password: "x\nport 1"}, []string{"Options.Password", "control character"}},
		{"ACL with a line end", redisproc.Options{ACL: []string{"user a off\nuser b on nopass"}}, []string{"Options.ACL[0]"}},
		{"no ACL line", redisproc.Options{ACL: []string{"user a off", "alice on"}}, []string{"Options.ACL[1]", `"user "`}},
		{"value with a line end", config("hz", "10\nport 1"), []string{`Options.Config["hz"]`, "control character"}},
		{"directive with a line end", config("hz 10\nport", "1"), []string{"must be a directive"}},
		{"directive that is ours", config("Dir", "/"), []string{`Options.Config["Dir"] can not be set`}},
		{"directive with an option", config("maxmemory", "1mb"), []string{"use Options.MaxMemory"}},
		{"silent log", config("loglevel", "warning"), []string{`Options.Config["loglevel"]`, "notice"}},
		// These are refused by the server.
		{"unknown directive", config("maxmemry", "1"), []string{`Options.Config["maxmemry"]: `, "Bad directive"}},
		{"bad value", config("hz", "many"), []string{`Options.Config["hz"]: `, "many"}},
		{"policy", redisproc.Options{MaxMemoryPolicy: "none"}, []string{"Options.MaxMemoryPolicy: ", "noeviction"}},
		{"fsync", redisproc.Options{AppendOnly: true, AppendFsync: "never"}, []string{"Options.AppendFsync: ", "everysec"}},
		{"ACL rule", redisproc.Options{ACL: []string{"user a on", "user b on +nosuch"}}, []string{"Options.ACL[1]: ", "+nosuch"}},
		{"port taken", redisproc.Options{Port: port}, []string{"Options.Port " + strconv.Itoa(port) + ": redisproc: port taken"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			s, err := redisproc.Start(t.Context(), test.options)
			if err == nil {
				t.Fatalf("got no error; Stop: %v", s.Stop())
			}
			for _, want := range append(test.want, "redisproc: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to say %q", err, want)
				}
			}
			wantEmpty(t, tmp)
		})
	}
	if _, err := redisproc.Start(t.Context(), redisproc.Options{Port: port}); !errors.Is(err, redisproc.ErrPortTaken) {
		t.Errorf("port taken: got %v, want ErrPortTaken", err)
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// program writes a shell script that stands in for a server.
func program(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// versioned is a script's answer to --version.
const versioned = `[ "$1" = --version ] && echo "Redis server v=7.0.15 sha=0" && exit
`

func TestStart_contextEnds(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	mark := filepath.Join(t.TempDir(), "mark")
	never := program(t, "redis-server", versioned+"echo starting; sleep 60; touch '"+mark+"'")
	cause := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, cause)
	defer cancel()
	_, err := redisproc.Start(ctx, redisproc.Options{Binary: never})
	if !errors.Is(err, cause) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if err != nil && !strings.Contains(err.Error(), "\tstarting") {
		t.Errorf("got %v, want it to quote the log", err)
	}
	wantEmpty(t, tmp)
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("the server's end was waited for, not brought about (%v)", err)
	}
}

// A free port may be taken between our look and the server's bind.
func TestStart_triesAnotherPort(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	server, err := redisproc.Find("")
	if err != nil {
		t.Fatal(err)
	}
	unlucky := program(t, "redis-server", versioned+`[ -f '`+mark+`' ] && exec '`+server.Path+`' "$@"
touch '`+mark+`'
echo "bind: Address already in use"
exit 1`)
	s, err := redisproc.Start(t.Context(), redisproc.Options{Binary: unlucky})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// The log speaks too early: Start waits for an answer.
func TestStart_waitsForPing(t *testing.T) {
	t.Parallel()
	server, err := redisproc.Find("")
	if err != nil {
		t.Fatal(err)
	}
	early := program(t, "redis-server", versioned+`echo "Ready to accept connections"
sleep 1
exec '`+server.Path+`' "$@"`)
	s := redistest.Start(t, redisproc.Options{Binary: early})
	if err := ping(t, s); err != nil {
		t.Errorf("PING after Start: %v", err)
	}
}

func TestStart_endsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := redisproc.Start(t.Context(), redisproc.Options{Binary: program(t, "redis-server", versioned+"echo no luck; exit 3")})
	if err == nil || !strings.Contains(err.Error(), "the server ended; its log ends with\n\tno luck") {
		t.Errorf("got %v, want the log", err)
	}
}

func TestFind(t *testing.T) {
	valkey := program(t, "valkey-server", `echo "Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64"`)
	got, err := redisproc.Find(valkey)
	if want := (redisproc.Binary{Path: valkey, Flavour: "valkey", Version: "8.1.1"}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := redisproc.Find(program(t, "hello", "echo hello")); err == nil || !strings.Contains(err.Error(), `printed "hello"`) {
		t.Errorf("a program that is no server: got %v", err)
	}

	t.Setenv("PATH", filepath.Dir(valkey))
	if got, err := redisproc.Find(""); got.Path != valkey || err != nil {
		t.Errorf("with valkey alone on PATH: got %+v, %v", got, err)
	}
	t.Setenv("PATH", t.TempDir())
	for _, name := range []string{"", "no-such-server", "/no/such/server"} {
		_, err := redisproc.Find(name)
		if !errors.Is(err, redisproc.ErrNotInstalled) || !strings.Contains(err.Error(), "apt-get install") {
			t.Errorf("Find(%q): got %v, want ErrNotInstalled and what to install", name, err)
		}
	}
}
