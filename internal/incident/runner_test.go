package incident

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-grind/grind/internal/unit"
)

func newRunner(t *testing.T) *Runner {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "course", "01-a", "incident", "shop")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop.go"), []byte("//go:build !solution\n\npackage main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return &Runner{Root: root, Entry: unit.IncidentEntry{Dir: "01-a/incident", Phase: 1, Incident: &unit.Incident{ID: "incident-1", Program: "shop", File: "shop.go"}}}
}

// TestStart: the file comes without its build line, and is never written over.
func TestStart(t *testing.T) {
	r := newRunner(t)
	created, err := r.Start()
	if err != nil || !created {
		t.Fatalf("Start: got %v, %v, want it created", created, err)
	}
	if got, _ := os.ReadFile(r.File()); string(got) != "package main\n" {
		t.Errorf("got %q, want the file without its build line", got)
	}
	if backup, err := r.Reset(); err != nil || backup != "" {
		t.Errorf("Reset of an untouched file: got %q, %v, want no copy", backup, err)
	}
	if err := os.WriteFile(r.File(), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if created, err := r.Start(); err != nil || created {
		t.Errorf("Start again: got %v, %v, want nothing created", created, err)
	}
	if got, _ := os.ReadFile(r.File()); string(got) != "mine" {
		t.Errorf("Start wrote over the file: %q", got)
	}
	backup, err := r.Reset()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(backup); string(got) != "mine" {
		t.Errorf("the copy %s: got %q, want what was there", backup, got)
	}
	if got, _ := os.ReadFile(r.File()); string(got) != "package main\n" {
		t.Errorf("Reset: got %q, want the file as it was", got)
	}
}

func TestRun_notStarted(t *testing.T) {
	_, err := newRunner(t).Run(t.Context(), "", func(Event) {})
	if !errors.Is(err, ErrNotStarted) {
		t.Errorf("got %v, want ErrNotStarted", err)
	}
}

// TestCrash: a crash is one sentence with the line of the learner's file.
func TestCrash(t *testing.T) {
	tests := map[string]struct {
		said, want string
		line       int
	}{
		"panic":  {"noise\npanic: assignment to entry in nil map\n\ngoroutine 7 [running]:\nmain.add(...)\n\t/tmp/x/0/shop.go:42 +0x1d\n", "the program crashed: assignment to entry in nil map", 42},
		"fatal":  {"fatal error: all goroutines are asleep - deadlock!\n", "the program crashed: all goroutines are asleep - deadlock!", 0},
		"words":  {"no port left\nmore\n", "the program ended: no port left", 0},
		"silent": {"", "the program ended by itself: os.Exit in your code?", 0},
		"other":  {"panic: x\n\t/tmp/x/workshop.go:12\n", "the program crashed: x", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			crash := &crashError{tt.said}
			if got := crash.Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := crash.at("shop.go"); got != tt.line {
				t.Errorf("got line %d, want %d", got, tt.line)
			}
		})
	}
}
