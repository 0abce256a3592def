package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUsage: a mistake in the call is exit 2 and a sentence that says what to do.
func TestUsage(t *testing.T) {
	newcomer(t)
	for line, say := range map[string]string{
		"list 1.01":                          "`grind list --help`",
		"version 1.01":                       "`grind version --help`",
		"setup now":                          "`grind setup --help`",
		"glossary round trip":                "does not take \"trip\"",
		"watch 1.01 1.02":                    "does not take \"1.02\"",
		"help dance":                         "there is no command \"dance\"",
		"completion nosh":                    "there is no completion for \"nosh\"",
		"run 1.01 --explore --schedule A":    "one of the two",
		"run 1.01 --explore --quick":         "a race has no parameters",
		"run 1.01 --race incr --set likes=3": "a race has no parameters",
		"check --all 1.01":                   "neither a unit",
	} {
		t.Run(line, func(t *testing.T) {
			got := call(t, strings.Fields(line)...)
			if got.code != exitUsage || !strings.Contains(got.err, say) {
				t.Errorf("got exit %d and %s, want %d and %q", got.code, got.err, exitUsage, say)
			}
		})
	}
}

// TestJSON: with --json there is JSON on the standard output and nothing else,
// whatever happens.
func TestJSON(t *testing.T) {
	newcomer(t)
	for _, line := range []string{
		"list --json",
		"glossary --json",
		"glossary --json nonsense",
		"check --all --json",
		"check 1.01 --json",
		"check 9.99 --json",
		"list --loud --json",
		"setup --json",
	} {
		t.Run(line, func(t *testing.T) {
			got := call(t, strings.Fields(line)...)
			if !json.Valid([]byte(got.out)) || got.err != "" {
				t.Errorf("got %q and on the standard error %q, want one JSON document and nothing", got.out, got.err)
			}
		})
	}
}

// TestCheck_unkept: a folder that cannot be written to does not keep a person from
// the result of the check; that it is not kept is told after it.
func TestCheck_unkept(t *testing.T) {
	newcomer(t)
	if got := call(t, "start", "1.01"); got.code != exitDone {
		t.Fatal(got.err)
	}
	dangling := filepath.Join(t.TempDir(), "state")
	if err := os.Symlink(filepath.Join(t.TempDir(), "no", "such"), dangling); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", dangling)
	got := call(t, "check", "1.01")
	if got.code != exitLacks || !strings.Contains(got.out, "not written yet") || !strings.Contains(got.err, "XDG_STATE_HOME") {
		t.Errorf("got exit %d, %s%s, want %d, the report, and what to do", got.code, got.out, got.err, exitLacks)
	}
}

// TestCheck_unkeptJSON: with --json that is one document all the same.
func TestCheck_unkeptJSON(t *testing.T) {
	newcomer(t)
	if got := call(t, "start", "1.01"); got.code != exitDone {
		t.Fatal(got.err)
	}
	dangling := filepath.Join(t.TempDir(), "state")
	if err := os.Symlink(filepath.Join(t.TempDir(), "no", "such"), dangling); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", dangling)
	got := call(t, "check", "1.01", "--json")
	var report struct{ ID, Status string }
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.ID != "1.01" || report.Status != "fail" {
		t.Errorf("got %s (%v), want the report of 1.01 and nothing else", got.out, err)
	}
	if got.code != exitLacks || !strings.Contains(got.err, "XDG_STATE_HOME") {
		t.Errorf("got exit %d and %q on the standard error, want %d and what to do", got.code, got.err, exitLacks)
	}
}

// TestSetup_unknown: where nothing known installs a server, a person learns what to
// do instead, by hand and without.
func TestSetup_unknown(t *testing.T) {
	newcomer(t)
	t.Setenv("PATH", t.TempDir())
	got := call(t, "setup")
	if got.code != exitLacks {
		t.Errorf("got exit %d, want %d", got.code, exitLacks)
	}
	for _, want := range []string{"found none of apt-get", "redis-server --version", "redis-stable.tar.gz", "--redis", "embedded server"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("got %s, want it to say %q", got.err, want)
		}
	}
	if got := call(t, "setup", "--json"); !json.Valid([]byte(got.out)) || got.err != "" {
		t.Errorf("got %q and %q, want one JSON document", got.out, got.err)
	}
}

// TestList_narrow: the list fits a terminal of 80 columns.
func TestList_narrow(t *testing.T) {
	newcomer(t)
	for line := range strings.Lines(call(t, "list").out) {
		if n := len(strings.TrimRight(line, "\n")); n > 80 || strings.HasSuffix(line, " \n") {
			t.Errorf("got a line of %d, want 80 at most and no blanks at its end: %q", n, line)
		}
	}
}
