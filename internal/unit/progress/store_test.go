package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// envChild makes the test binary one of several processes that update a file.
const envChild = "PROGRESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(envChild); path != "" {
		if err := hundredAttempts(path, "1.01"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const attempts = 100

func hundredAttempts(path, id string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	for range attempts {
		if err := s.Update(id, func(r *Record) { r.Attempts++ }); err != nil {
			return err
		}
	}
	return nil
}

// TestUpdate_processes: several processes, and several stores of one, count up
// the same record at once.
func TestUpdate_processes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grind", "progress.json")
	const processes, stores = 3, 3
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), envChild+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("child: %v\n%s", err, out)
			}
		})
	}
	for i := range stores {
		all.Go(func() {
			if err := hundredAttempts(path, "1.01"); err != nil {
				t.Error(err)
			}
			if err := hundredAttempts(path, fmt.Sprintf("2.%02d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := open(t, path)
	if got, want := s.Unit("1.01").Attempts, (processes+stores)*attempts; got != want {
		t.Errorf("attempts after %d writers: got %d, want %d", processes+stores, got, want)
	}
	if got, want := len(s.All()), 1+stores; got != want {
		t.Errorf("units: got %d, want %d", got, want)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".progress-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v (%v)", left, err)
	}
}

func TestUpdate_life(t *testing.T) {
	path := filepath.Join(t.TempDir(), "progress.json")
	s := open(t, path)
	if diff := cmp.Diff(Record{Status: New}, s.Unit("1.01")); diff != "" {
		t.Errorf("untouched unit (-want +got):\n%s", diff)
	}
	if got := s.Last(); got != "" {
		t.Errorf("last unit of an empty file: got %q, want none", got)
	}
	now := time.Now().UTC()
	pass := func(r *Record) { r.PassedAt = now }
	show := func(r *Record) { r.Given = r.PassedAt.IsZero() }
	steps := []struct {
		id     string
		change func(*Record)
		want   Record
	}{
		{"1.01", func(*Record) {}, Record{Status: Started}},
		{"1.01", func(r *Record) { r.Attempts++; r.HintsShown = 2 }, Record{Status: Started, Attempts: 1, HintsShown: 2}},
		{"1.02", show, Record{Status: Given, Given: true}},
		{"1.01", pass, Record{Status: Passed, Attempts: 1, HintsShown: 2, PassedAt: now}},
		{"1.01", show, Record{Status: Passed, Attempts: 1, HintsShown: 2, PassedAt: now}},
		{"1.02", pass, Record{Status: Given, Given: true, PassedAt: now}},
	}
	for i, step := range steps {
		if err := s.Update(step.id, step.change); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		got := open(t, path).Unit(step.id) // what another process sees
		if diff := cmp.Diff(step.want, got, cmpopts.IgnoreFields(Record{}, "FirstAt", "LastAt")); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		if got.FirstAt.IsZero() || got.LastAt.Before(now) || got.LastAt.Before(got.FirstAt) {
			t.Errorf("step %d: got first %v and last %v, want both set and in order", i, got.FirstAt, got.LastAt)
		}
		if s.Last() != step.id {
			t.Errorf("step %d: last unit is %q, want %q", i, s.Last(), step.id)
		}
	}
}

// TestUpdate_unknown: what a newer or another program wrote survives.
func TestUpdate_unknown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "progress.json")
	before := `{"version":1,"theme":"dark","units":{"9.99":{"status":"dreaming","stars":5},"1.01":{"attempts":2,"best_ms":41.5,"hints_shown":1}}}`
	write(t, path, before)
	s := open(t, path)
	if err := s.Update("1.01", func(r *Record) { r.Attempts++; r.HintsShown = 0 }); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version int
		Theme   string
		Units   map[string]map[string]any
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	delete(got.Units["1.01"], "first_at")
	delete(got.Units["1.01"], "last_at")
	want := map[string]map[string]any{
		"9.99": {"status": "dreaming", "stars": 5.0},
		"1.01": {"status": "started", "attempts": 3.0, "best_ms": 41.5}, // hints_shown went back to zero
	}
	if diff := cmp.Diff(want, got.Units); diff != "" || got.Theme != "dark" || got.Version != Version {
		t.Errorf("file: version %d, theme %q, units (-want +got):\n%s", got.Version, got.Theme, diff)
	}
}

// TestOpen_refused: a file that is damaged or newer is told of and left alone,
// at Open and when it becomes so later.
func TestOpen_refused(t *testing.T) {
	tests := map[string]struct {
		text  string
		newer bool
	}{
		"not JSON":         {text: `{"version":1,"units":{`},
		"empty":            {text: ``},
		"no version":       {text: `{"units":{}}`},
		"null":             {text: `null`},
		"an array":         {text: `[]`},
		"a bad record":     {text: `{"version":1,"units":{"1.01":{"attempts":"three"}}}`},
		"a record is null": {text: `{"version":1,"units":{"1.01":null}}`},
		"no units":         {text: `{"version":1}`},
		"newer":            {text: `{"version":2,"units":[]}`, newer: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "progress.json")
			s := open(t, path)
			if err := s.Update("1.01", func(r *Record) { r.Attempts = 7 }); err != nil {
				t.Fatal(err)
			}
			write(t, path, test.text)
			_, openErr := Open(path)
			for what, err := range map[string]error{"Open": openErr, "Update": s.Update("1.01", func(*Record) {})} {
				var corrupt *CorruptError
				var newer *NewerError
				switch {
				case test.newer && (!errors.As(err, &newer) || newer.Path != path || newer.Version != 2):
					t.Errorf("%s: got %v, want a *NewerError of version 2", what, err)
				case !test.newer && (!errors.As(err, &corrupt) || corrupt.Path != path):
					t.Errorf("%s: got %v, want a *CorruptError", what, err)
				case !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "left untouched"):
					t.Errorf("%s: %q does not name the file and what became of it", what, err)
				}
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != test.text {
				t.Errorf("file: got %q (%v), want it as it was: %q", text, err, test.text)
			}
			if got := s.Unit("1.01").Attempts; got != 7 {
				t.Errorf("attempts known to the open store: got %d, want 7, as read last", got)
			}
		})
	}
}

func TestOpen_defaultPath(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for state, want := range map[string]string{
		"":                           filepath.Join(home, ".local", "state", "grind", "progress.json"),
		"relative":                   filepath.Join(home, ".local", "state", "grind", "progress.json"),
		filepath.Join(home, "state"): filepath.Join(home, "state", "grind", "progress.json"),
	} {
		t.Setenv("XDG_STATE_HOME", state)
		if got := open(t, "").Path(); got != want {
			t.Errorf("path with XDG_STATE_HOME=%q: got %s, want %s", state, got, want)
		}
	}
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAdopt(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "progress.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update("1.02", func(r *Record) { r.PassedAt = time.Now(); r.Attempts = 3 }); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := s.Adopt("1.03", "1.02"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Unit("1.03"); got.Status != Passed || got.Attempts != 3 {
		t.Errorf("got %+v, want what was done as 1.02", got)
	}
	if err := s.Update("1.04", func(r *Record) { r.Attempts = 7 }); err != nil {
		t.Fatal(err)
	}
	if err := s.Adopt("1.04", "1.02"); err != nil {
		t.Fatal(err)
	}
	if got := s.Unit("1.04"); got.Attempts != 7 || got.Status == Passed {
		t.Errorf("got %+v, want the unit's own record", got)
	}
	if got := s.Unit("1.05"); got.Status != New {
		t.Errorf("got %+v, want a new unit", got)
	}
}
