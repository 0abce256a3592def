//go:build unix

package pgproc_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/pgproc"
)

// helperEnv makes this test binary a program that starts a server and waits to be
// killed.
const helperEnv = "PGPROC_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		s, err := pgproc.Start(context.Background(), pgproc.Options{})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(s.Dir())
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, o pgproc.Options) *pgproc.Server {
	t.Helper()
	s, err := pgproc.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var answer string
	if err := db.QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func TestStart(t *testing.T) {
	s := start(t, pgproc.Options{Config: map[string]string{"max_connections": "17"}})
	if got := ask(t, s.URL(), "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections = %s, want 17", got)
	}
	if got := ask(t, s.URL(), "SHOW listen_addresses"); got != "" {
		t.Errorf("it listens on %q, want no port", got)
	}
	if s.Log() == "" {
		t.Error("its log is empty")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Stop its directory: %v, want that it is gone", err)
	}
}

// Databases of one server know nothing of each other.
func TestServer_Database(t *testing.T) {
	s := start(t, pgproc.Options{})
	var urls [2]string
	for i := range urls {
		var err error
		if urls[i], err = s.Database(t.Context()); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("pgx", urls[i])
		if err != nil {
			t.Fatal(err)
		}
		// Twice the same name: an error, if it were one database.
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE things (id int)"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStart_refused(t *testing.T) {
	tmp := ownTemp(t)
	t.Setenv("TMPDIR", tmp)
	for _, tt := range []struct {
		config map[string]string
		want   string
	}{
		{map[string]string{"port": "1'\nfsync = 'on"}, `Options.Config["port"]`},
		{map[string]string{"no_such_setting": "1"}, "no_such_setting"},
	} {
		s, err := pgproc.Start(t.Context(), pgproc.Options{Config: tt.config})
		if err == nil {
			_ = s.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want an error that names %s", tt.config, err, tt.want)
		}
		wantEmpty(t, tmp)
	}
}

// A start that is given up leaves nothing.
func TestStart_cancelled(t *testing.T) {
	tmp := ownTemp(t)
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pgproc.Start(ctx, pgproc.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	wantEmpty(t, tmp)
}

// ownTemp gives the test a directory for temporary files that nobody else uses,
// and that the server may write to, which may run as another user.
func ownTemp(t *testing.T) string {
	t.Helper()
	tmp, err := os.MkdirTemp("", "pgtmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	return tmp
}

// wantEmpty fails the test if a start left something.
func wantEmpty(t *testing.T, tmp string) {
	t.Helper()
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) > 0 {
		t.Errorf("left in %s: %v, %v", tmp, entries, err)
	}
}

// The parent is killed by kill -9 with the server up, and at some instants of
// its start.
func TestStart_parentKilled(t *testing.T) {
	for _, after := range []time.Duration{-1, 0, 300 * time.Millisecond, 900 * time.Millisecond} {
		tmp := ownTemp(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"=1", "TMPDIR="+tmp)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if after < 0 {
			line, err := bufio.NewReader(out).ReadString('\n')
			if !strings.HasPrefix(line, tmp) || processes(t, tmp) == 0 {
				t.Errorf("the helper said %q (%v), want a directory in %s and processes that name it", line, err, tmp)
			}
		} else {
			time.Sleep(after)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // reports the kill
		in.Close()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			entries, err := os.ReadDir(tmp)
			if err == nil && len(entries) == 0 && processes(t, tmp) == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("killed %v after its start: %v and %d processes are left", after, entries, processes(t, tmp))
			}
		}
	}
}

// processes counts those whose command line names the directory.
func processes(t *testing.T, dir string) (n int) {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "state=", "-o", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) && !strings.HasPrefix(line, "Z") {
			n++
		}
	}
	return n
}
