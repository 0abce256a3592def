package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "grind-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "grind")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build grind: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// called is what a call of grind left.
type called struct {
	code     int
	out, err string
}

// environment is that of a newcomer: their own progress, no REDIS_URL.
func environment(t *testing.T, more ...string) []string {
	t.Helper()
	env := []string{"XDG_STATE_HOME=" + t.TempDir()}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name != "REDIS_URL" && name != "XDG_STATE_HOME" {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

// withoutRedis is a PATH on which no redis-server is found.
const withoutRedis = "PATH=/nonexistent"

// call runs grind to its end.
func call(t *testing.T, env []string, args ...string) called {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return called{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// lastEvent is the last line of `grind run --json`.
func lastEvent(t *testing.T, out string) (result struct {
	Type    string
	OK      bool
	Metrics map[string]float64
}) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, l := range lines {
		if !json.Valid([]byte(l)) {
			t.Fatalf("not a line of JSON: %s", l)
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		got := call(t, environment(t), "run", "1.01", "--quick", "--json")
		result := lastEvent(t, got.out)
		if got.code != 0 || result.Type != "result" || !result.OK {
			t.Fatalf("exit %d, %+v\n%s", got.code, result, got.err)
		}
		m := result.Metrics
		if m["lost_get_set"] <= 0 || m["lost_incr"] != 0 || m["failing_get_set"] <= 0 || m["failing_incr"] != 0 || m["schedules_incr"] <= 0 {
			t.Errorf("the figures are not those of the lesson: %v", m)
		}
		// The client was called once. The wire saw two INCR, and Redis counted both.
		if n := strings.Count(got.out, `"name":"INCR","args":["likes:retried"]`); n != 2 || m["after_retry"] != 2 {
			t.Errorf("a lost reply and a retry: got %d INCR on the wire and a counter of %v, want 2 and 2", n, m["after_retry"])
		}
		if m["rate_incr"] <= 0 {
			t.Error("a real Redis shows timings")
		}
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		got := call(t, environment(t, withoutRedis), "run", "1.01", "--quick", "--json")
		result := lastEvent(t, got.out)
		if got.code != 0 || !result.OK {
			t.Fatalf("exit %d, %+v\n%s", got.code, result, got.err)
		}
		if _, timed := result.Metrics["rate_incr"]; timed {
			t.Error("the embedded server shows timings")
		}
		if !strings.Contains(got.out, "embedded server") {
			t.Error("nothing says that this is the embedded server")
		}
	})
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		got := call(t, environment(t), "run", "1.01", "--quick")
		if got.code != 0 || !strings.Contains(got.out, "All claims hold.") {
			t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
		}
		if strings.Contains(got.out, "\x1b[") {
			t.Error("colours are for terminals only")
		}
	})
	t.Run("race", func(t *testing.T) {
		t.Parallel()
		got := call(t, environment(t), "run", "1.01", "--race", "get-set", "--schedule", "A B A B")
		if got.code != 0 || !strings.Contains(got.out, "lost: 1") {
			t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	got := call(t, environment(t), "list", "--json")
	var units []map[string]any
	if err := json.Unmarshal([]byte(got.out), &units); err != nil || got.code != 0 {
		t.Fatalf("exit %d, %v", got.code, err)
	}
	for _, field := range []string{"id", "phase", "slug", "title", "minutes", "needs", "packages", "exercise", "status"} {
		if units[0][field] == nil {
			t.Errorf("%s is missing in %v", field, units[0])
		}
	}
	if units[0]["id"] != "1.01" || units[0]["status"] != "new" || units[0]["exercise"] != true {
		t.Errorf("got %v", units[0])
	}
}

// TestBadInput: each mistake has a clear error, its exit code, and nothing lost.
func TestBadInput(t *testing.T) {
	t.Parallel()
	locked := start(t, redisproc.Options{Password: "the right one"})
	secret := start(t, redisproc.Options{TLS: true})
	silent := listen(t)
	plainToTLS := "redis://" + secret.Addr()
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		code int
		says []string
	}{
		{"unknown_unit", nil, []string{"run", "7.77"}, 2, []string{`no unit "7.77"`, "grind list"}},
		{"looks_alike", nil, []string{"run", "string"}, 2, []string{"did you mean 1.01"}},
		{"no_unit", nil, []string{"run"}, 2, []string{"takes one unit"}},
		{"out_of_range", nil, []string{"run", "1.01", "--set", "clients=100000"}, 2, []string{"clients", "from 2 to 200", "100000"}},
		{"wrong_type", nil, []string{"run", "1.01", "--set", "clients=many"}, 2, []string{"clients", "whole number", "many"}},
		{"unknown_parameter", nil, []string{"run", "1.01", "--set", "speed=1"}, 2, []string{"speed", "clients, likes"}},
		{"no_value", nil, []string{"run", "1.01", "--set", "clients"}, 2, []string{"name=value"}},
		{"unknown_race", nil, []string{"run", "1.01", "--race", "marathon"}, 2, []string{"marathon", "get-set, incr"}},
		{"bad_schedule", nil, []string{"run", "1.01", "--race", "incr", "--schedule", "A 7"}, 2, []string{"7"}},
		{"schedule_too_long", nil, []string{"run", "1.01", "--race", "incr", "--schedule", "A A A"}, 2, []string{"alice has ended"}},
		{"unknown_command", nil, []string{"dance"}, 2, []string{"dance", "grind --help"}},
		{"unknown_flag", nil, []string{"list", "--loud"}, 2, []string{"loud", "--help"}},
		{"bad_port", nil, []string{"--port", "99999"}, 2, []string{"65535"}},
		{"redis_unreachable", nil, []string{"run", "1.01", "--redis", "redis://" + freeAddr(t)}, 3, []string{"refused"}},
		{"redis_url_bad", nil, []string{"run", "1.01", "--redis", "http://localhost"}, 3, []string{"redis://", "rediss://"}},
		{"wrong_password", nil, []string{"run", "1.01", "--redis", "redis://:the-wrong-one@" + locked.Addr()}, 3, []string{"password"}},
		{"no_password", nil, []string{"run", "1.01", "--redis", "redis://" + locked.Addr()}, 3, []string{"password"}},
		{"tls_expected", nil, []string{"run", "1.01", "--redis", plainToTLS}, 3, []string{"TLS", "rediss://"}},
		{"redis_url_from_the_environment", []string{"REDIS_URL=redis://:pa55word@" + freeAddr(t)}, []string{"run", "1.01"}, 3, []string{"refused"}},
		{"port_taken", nil, []string{"--no-open", "--port", port(silent)}, 3, []string{port(silent), "choose another"}},
		{"file_missing", nil, []string{"check", "1.01", "--file", "nowhere.go"}, 3, []string{"nowhere.go"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, environment(t, tt.env...), tt.args...)
			if got.code != tt.code {
				t.Errorf("exit %d, want %d", got.code, tt.code)
			}
			for _, say := range tt.says {
				if !strings.Contains(got.err, say) {
					t.Errorf("the error does not say %q:\n%s", say, got.err)
				}
			}
			for _, never := range []string{"goroutine ", "the-wrong-one", "pa55word", "%!"} {
				if strings.Contains(got.err+got.out, never) {
					t.Errorf("the output holds %q:\n%s%s", never, got.out, got.err)
				}
			}
			asJSON := call(t, environment(t, tt.env...), append(tt.args, "--json")...)
			if tt.args[0] == "run" && (asJSON.code != tt.code || !strings.Contains(asJSON.out, `"type":"error"`)) {
				t.Errorf("--json: exit %d\n%s", asJSON.code, asJSON.out)
			}
		})
	}
}

func TestProgressFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"corrupt": `{"version": 1, "units": {`,
		"newer":   `{"version": 99, "units": {"1.01": {"status": "mastered"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			file := filepath.Join(home, "grind", "progress.json")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"list"}, {"--no-open", "--port", "0"}, {"hint", "1.01"}} {
				got := call(t, environment(t, "XDG_STATE_HOME="+home), args...)
				if got.code != 3 || !strings.Contains(got.err, file) {
					t.Errorf("%v: exit %d\n%s", args, got.code, got.err)
				}
			}
			if after, err := os.ReadFile(file); err != nil || string(after) != content {
				t.Errorf("the file was changed: %s, %v", after, err)
			}
		})
	}
}

func start(t *testing.T, o redisproc.Options) *redisproc.Server {
	t.Helper()
	s, err := redisproc.Start(t.Context(), o)
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

// listen takes a port and never answers on it.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// freeAddr is an address on which nobody listens. It lies below the ports that
// the system hands out by itself.
func freeAddr(t *testing.T) string {
	t.Helper()
	for p := 15000; p < 16000; p++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port below 16000")
	return ""
}

// readUntil reads lines until one holds text.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		var seen strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			seen.Write(buf[:n])
			if at := strings.Index(seen.String(), text); at >= 0 && strings.Contains(seen.String()[at:], "\n") || err != nil {
				found <- seen.String()
				_, _ = io.Copy(io.Discard, r) // so that the writer never waits for us
				return
			}
		}
	}()
	select {
	case s := <-found:
		if !strings.Contains(s, text) {
			t.Fatalf("the program ended without saying %q:\n%s", text, s)
		}
		return s
	case <-time.After(60 * time.Second):
		t.Fatalf("the program did not say %q within a minute", text)
		return ""
	}
}
