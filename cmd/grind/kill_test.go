package main_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestKill: kill -9 leaves no redis-server and no directory, whether the program
// was started by itself or by `go run`, which is then the one that is killed.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, argv := range map[string][]string{
		"grind":  {program, "--no-open", "--port", "0"},
		"go_run": {"go", "run", ".", "--no-open", "--port", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, said := serve(t, nil, argv...)
			addr := regexp.MustCompile(`private, (127\.0\.0\.1:\d+)`).FindStringSubmatch(said)
			if addr == nil {
				t.Fatalf("no private Redis:\n%s", said)
			}
			pid, dir := processOf(t, addr[1])
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "the redis-server is still there", func() bool { return !alive(pid) })
			eventually(t, "its directory is still there", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
			page := regexp.MustCompile(`http://[^/\s]+`).FindString(said)
			eventually(t, "the workbench is still there", func() bool {
				res, err := http.Get(page)
				if err == nil {
					res.Body.Close()
				}
				return err != nil
			})
		})
	}
}

// TestTwoAtOnce: the second takes another port and says which, and both serve.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	pages := map[string]bool{}
	for range 2 {
		_, said := serve(t, nil, program, "--no-open")
		page := regexp.MustCompile(`http://\S+`).FindString(said)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Jar: jar}).Get(page)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode >= 400 {
			t.Errorf("%s answers %s", page, res.Status)
		}
		pages[strings.Split(page, "?")[0]] = true
	}
	if len(pages) != 2 {
		t.Errorf("both serve at %v", pages)
	}
}

// TestInterrupt: Ctrl-C ends everything in order.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	cmd, said := serve(t, nil, program, "--no-open", "--port", "0")
	addr := regexp.MustCompile(`private, (127\.0\.0\.1:\d+)`).FindStringSubmatch(said)
	pid, dir := processOf(t, addr[1])
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("grind ended with %v, want exit code 0", err)
	}
	if alive(pid) {
		t.Error("the redis-server is still there")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there", dir)
	}
}

// serve starts the workbench and returns what it said when it was ready.
func serve(t *testing.T, env []string, argv ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = environment(t, env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return cmd, readUntil(t, out, "Ctrl-C ends it.")
}

// processOf asks a Redis which process it is and where its directory is.
func processOf(t *testing.T, addr string) (pid int, dir string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	info := c.Info(t.Context(), "server").Val()
	m := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(info)
	dir = c.ConfigGet(t.Context(), "dir").Val()["dir"]
	if m == nil || dir == "" {
		t.Fatalf("%s does not say who it is", addr)
	}
	pid, _ = strconv.Atoi(m[1])
	return pid, dir
}

// alive says whether a process runs; one that only waits to be collected does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return !os.IsNotExist(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fields[0] != "Z"
}

func eventually(t *testing.T, cause string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(cause)
		}
	}
}
