package main_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestIncident: the first call puts the file into the workspace and says where;
// what is not solved in its time is a no; each mistake has its sentence.
func TestIncident(t *testing.T) {
	t.Parallel()
	env := environment(t, "GRIND_WORKSPACE="+t.TempDir())
	got := call(t, env, "incident", "1", "--start")
	if got.code != 0 || !strings.Contains(got.out, filepath.Join("incident-1", "shop.go")) {
		t.Fatalf("--start: exit %d, %q%s, want the path of the file", got.code, got.out, got.err)
	}
	got = call(t, env, "incident", "--for", "8s", "--json")
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if got.code != 1 || len(lines) < 3 {
		t.Fatalf("not solved: exit %d, %d lines, want exit 1\n%s", got.code, len(lines), got.err)
	}
	for _, l := range lines {
		if !json.Valid([]byte(l)) {
			t.Fatalf("not a line of JSON: %s", l)
		}
	}
	if got := call(t, env, "list"); !strings.Contains(got.out, "grind incident 1") {
		t.Errorf("list does not name the incident:\n%s", got.out)
	}
	for _, wrong := range [][]string{{"incident", "7"}, {"incident", "--for", "-1s"}, {"incident", "--start", "--reset"}} {
		if got := call(t, env, wrong...); got.code != 2 || got.err == "" {
			t.Errorf("%v: exit %d, %q, want 2 and a sentence", wrong, got.code, got.err)
		}
	}
	if got := call(t, env, "incident", "--file", "none.go"); got.code != 3 || !strings.Contains(got.err, "none.go") {
		t.Errorf("a file that is not there: exit %d, %q, want 3 and its name", got.code, got.err)
	}
}

// TestIncident_kill: kill -9 leaves no copy of the program.
func TestIncident_kill(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(program, "incident", "1", "--json")
	cmd.Env = environment(t, "GRIND_WORKSPACE="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill := func() {
		if !killed {
			killed = true
			_ = cmd.Process.Signal(syscall.SIGKILL)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	var copies []string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for len(copies) == 0 && lines.Scan() {
		if strings.Contains(lines.Text(), `"phase":"running"`) {
			copies = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindAllString(lines.Text(), -1)
		}
	}
	if len(copies) != 2 {
		t.Fatalf("got %d copies, want 2", len(copies))
	}
	kill()
	for _, addr := range copies {
		eventually(t, addr+" is still there", func() bool {
			reply, err := http.Get(addr)
			if err == nil {
				reply.Body.Close()
			}
			return err != nil
		})
	}
}
