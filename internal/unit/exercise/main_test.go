package exercise

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// shared is the server of this package's tests.
var shared *localredis.Redis

func TestMain(m *testing.M) {
	// An endless loop is told of after this time, instead of ten seconds.
	os.Setenv(check.EnvTimeout, "3s")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var err error
	shared, err = localredis.Open(ctx, localredis.Options{})
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// add is the unit of the fixture whose exercise is sound.
var add = unit.Entry{Dir: "01-fixture/01-add", Unit: &unit.Unit{
	ID:    "1.01",
	Title: "Adding",
	Tasks: []unit.Task{
		{ID: "sum", Title: "adds"},
		{ID: "cost", Title: "takes one round trip"},
		{ID: "orders", Title: "loses nothing, whatever the order"},
	},
}}

// newRunner works on the fixture course, with a workspace and progress of its own.
func newRunner(t *testing.T) *Runner {
	t.Helper()
	root, err := FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	p, err := progress.Open(filepath.Join(t.TempDir(), "progress.json"))
	if err != nil {
		t.Fatal(err)
	}
	return &Runner{
		Root: root, Redis: shared, Progress: p,
		courseDir: "internal/unit/exercise/testdata/course",
		Workspace: filepath.Join(t.TempDir(), "workspace"),
	}
}

// started is newRunner with the file of add written, and its path.
func started(t *testing.T, source string) (*Runner, string) {
	t.Helper()
	r := newRunner(t)
	if created, err := r.Start(add); err != nil || !created {
		t.Fatalf("Start: got %v, %v, want a file", created, err)
	}
	write(t, r.File(add), source)
	return r, r.File(add)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
