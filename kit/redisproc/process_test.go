//go:build unix

package redisproc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// helperEnv makes this test binary run as a program that starts servers and is
// then killed.
const helperEnv = "REDISPROC_TEST_HELPER"

// titled makes ps show the directory in the server's command line.
var titled = map[string]string{"proc-title-template": `"{title} {config-file}"`}

type started struct {
	PID  int
	Dir  string
	Addr string
}

// helperMain starts two servers at the same time, pauses the second, says where they
// are, and waits to be killed. The end of its input is for a test that died.
func helperMain() int {
	if os.Getenv(helperEnv) == "topologies" {
		return topologiesMain()
	}
	interrupts := make(chan os.Signal, 8)
	signal.Notify(interrupts, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	fmt.Println("up")
	servers := make([]*redisproc.Server, 2)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range servers {
		wg.Go(func() {
			o := redisproc.Options{Name: fmt.Sprintf("helper%d", i), AppendOnly: i == 0, Config: titled}
			servers[i], errs[i] = redisproc.Start(context.Background(), o)
		})
	}
	wg.Wait()
	var out []started
	for i, s := range servers {
		if errs[i] != nil {
			fmt.Fprintln(os.Stderr, errs[i])
			return 1
		}
		out = append(out, started{s.PID(), s.Dir(), s.Addr()})
	}
	if err := servers[1].Pause(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return 1
	}
	go func() {
		for s := range interrupts {
			fmt.Println("caught", s)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 1
}

// topologiesMain starts a cluster and a primary with Sentinels at the same
// time, says that they are there, and waits to be killed.
func topologiesMain() int {
	fmt.Println("up")
	var wg sync.WaitGroup
	var errs [2]error
	o := redisproc.Options{Config: titled}
	wg.Go(func() { _, errs[0] = redisproc.StartCluster(context.Background(), redisproc.ClusterOptions{Server: o}) })
	var sentinel *redisproc.Sentinel
	wg.Go(func() {
		sentinel, errs[1] = redisproc.StartSentinel(context.Background(), redisproc.SentinelOptions{Server: o})
	})
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		fmt.Println(err)
		return 1
	}
	var pids []int
	for _, s := range sentinel.Sentinels() {
		pids = append(pids, s.PID())
	}
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 1
}

// helper is a started helper in its own process group, with its own directory
// for temporary files.
type helper struct {
	cmd *exec.Cmd
	out *bufio.Reader
	tmp string
	// pids are processes of its that do not show the directory.
	pids []int
}

func startHelper(t *testing.T, what string) *helper {
	t.Helper()
	h := &helper{tmp: t.TempDir()}
	h.cmd = exec.Command(os.Args[0])
	h.cmd.Env = append(os.Environ(), helperEnv+"="+what, "TMPDIR="+h.tmp)
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.cmd.Stderr = os.Stderr
	in, err := h.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.out = bufio.NewReader(out)
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.expect(t, "up")
	return h
}

func (h *helper) expect(t *testing.T, want string) {
	t.Helper()
	if got, err := h.out.ReadString('\n'); got != want+"\n" {
		t.Fatalf("the helper said %q (%v), want %q", got, err, want)
	}
}

// kill is kill -9 of the helper alone, and waits for its end.
func (h *helper) kill(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // reports the kill
}

// left lists the processes whose command line holds the helper's directory, and
// what is in that directory.
func (h *helper) left(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "state=", "-o", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pid, _ := strconv.Atoi(fields[0])
		if (strings.Contains(line, h.tmp) || slices.Contains(h.pids, pid)) && !strings.HasPrefix(fields[1], "Z") {
			left = append(left, strings.TrimSpace(line))
		}
	}
	files, err := filepath.Glob(filepath.Join(h.tmp, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(left, files...)
}

// wantNothingLeft waits at most five seconds until the helper has left nothing.
func (h *helper) wantNothingLeft(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if left = h.left(t); len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("five seconds after kill -9 of the parent there still are\n%s", strings.Join(left, "\n"))
		}
	}
}

func TestStart_parentKilled(t *testing.T) {
	h := startHelper(t, "servers")
	var servers []started
	line, err := h.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &servers); err != nil {
		t.Fatal(err)
	}
	// Two servers and their two reapers, and two directories: so left sees all.
	if got := h.left(t); len(got) != 6 {
		t.Fatalf("got %d processes and directories, want 6:\n%s", len(got), strings.Join(got, "\n"))
	}

	// The signals of a terminal reach the parent's group; the parent decides.
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM} {
		if err := syscall.Kill(-h.cmd.Process.Pid, sig); err != nil {
			t.Fatal(err)
		}
		h.expect(t, "caught "+sig.String())
	}
	c := redis.NewClient(&redis.Options{Addr: servers[0].Addr})
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("after Ctrl-C in the parent's group: %v", err)
	}
	if got := h.left(t); len(got) != 6 {
		t.Errorf("after Ctrl-C got %d processes and directories, want 6:\n%s", len(got), strings.Join(got, "\n"))
	}

	h.kill(t)
	h.wantNothingLeft(t)
}

// The parent dies at some instant of a start: before and after fork, mkdir, the
// message to the reaper and the release.
func TestStart_parentKilledMeanwhile(t *testing.T) {
	for range 30 {
		h := startHelper(t, "servers")
		delay := time.Duration(rand.Int64N(int64(30 * time.Millisecond)))
		time.Sleep(delay)
		h.kill(t)
		h.wantNothingLeft(t)
		if t.Failed() {
			t.Fatalf("killed %v after its begin", delay)
		}
	}
}

// The parent of whole topologies dies, at some instants of a start and after it.
func TestTopology_parentKilled(t *testing.T) {
	for _, ms := range []int{20, 60, 120, 250, 500, 1500} {
		h := startHelper(t, "topologies")
		time.Sleep(time.Duration(ms) * time.Millisecond)
		h.kill(t)
		h.wantNothingLeft(t)
	}
	h := startHelper(t, "topologies")
	line, err := h.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &h.pids); err != nil {
		t.Fatalf("the helper said %q: %v", line, err)
	}
	// Six nodes, three servers and three Sentinels, each with reaper and directory.
	if got := h.left(t); len(got) != 3*12 {
		t.Errorf("got %d processes and directories, want 36:\n%s", len(got), strings.Join(got, "\n"))
	}
	h.kill(t)
	h.wantNothingLeft(t)
}

// A child that saves the data goes with the server, so that it can not write
// into a directory that is being removed.
func TestServer_Kill_takesChildren(t *testing.T) {
	s := redistest.Start(t, redisproc.Options{Config: map[string]string{"rdb-key-save-delay": "10000000"}})
	c := redistest.ClientOf(t, s)
	for i := range 20 {
		if err := c.Set(t.Context(), fmt.Sprint("k", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.BgSave(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if got := groupSize(t, s.PID()); got != 2 {
		t.Fatalf("got %d processes while saving, want 2", got)
	}
	begin := time.Now()
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the saving child is dead", func() bool { return groupSize(t, s.PID()) == 0 })
	// By itself it would notice at the next key, up to ten seconds later.
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the saving child died after %v: not by the signal", took)
	}
}

// groupSize counts the living processes of a group.
func groupSize(t *testing.T, pgid int) (n int) {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pgid=", "-o", "state=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var group int
		var state string
		if _, err := fmt.Sscan(line, &group, &state); err != nil {
			t.Fatal(err)
		}
		if group == pgid && !strings.HasPrefix(state, "Z") {
			n++
		}
	}
	return n
}
