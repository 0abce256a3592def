package catalog_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// process is an instance that is a process of its own.
type process struct {
	url  string
	cmd  *exec.Cmd
	said bytes.Buffer
}

// startProcess starts an instance, and ends it with the test.
func startProcess(t *testing.T, addr string, env ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{url: "http://" + addr, cmd: exec.Command(exe, instance)}
	p.cmd.Env = append(append(os.Environ(), "ADDR="+addr, "CATALOG_PRODUCTS=500"), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may be dead
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the instance at %s said:\n%s", addr, p.said.String())
		}
	})
	return p
}

// TestFaults has a crowd at two instances while Redis stands still for ten seconds
// and one instance is killed. Nobody sees an error.
func TestFaults(t *testing.T) {
	server := redistest.Start(t, redisproc.Options{AppendOnly: true})
	env := []string{"REDIS_URL=" + server.URL(), "DATABASE_URL=sqlite:" + t.TempDir() + "/catalog.db"}
	first, second := startProcess(t, free(t), env...), startProcess(t, free(t), env...)
	for _, p := range []*process{first, second} {
		awaitReady(t, p.url)
	}
	const pause = 10 * time.Second
	ended := make(chan error, 1)
	go func() {
		time.Sleep(2 * time.Second) // of normal life
		err := server.Pause()
		time.Sleep(pause / 2)
		if err == nil {
			err = second.cmd.Process.Kill()
		}
		time.Sleep(pause / 2)
		if err == nil {
			err = server.Resume()
		}
		ended <- err
	}()
	report, err := catalog.Load{
		URLs: []string{first.url, second.url}, Readers: 8, For: pause + 5*time.Second,
		Faults: true, Follow: 5 * time.Second, // 2 s hold while Redis answers
	}.Run(t.Context(), func(f app.Figures) {
		t.Logf("%4.1f s  %6.0f a second, p99 %v, %d errors, %s", f.Elapsed.Seconds(), f.PerSecond(), f.P99, f.Errors, f.Doing)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, h := range report.Holds {
		t.Logf("%s: %s", h.Text, h.Seen)
		if !h.OK {
			t.Errorf("%s: %s", h.Text, h.Seen)
		}
	}
	t.Logf("p50 %v, p99 %v", report.P50, report.P99)
	if report.P99 > time.Second {
		t.Errorf("p99 %v, want at most a second", report.P99)
	}
}

// TestLoad_reports: what does not hold is told.
func TestLoad_reports(t *testing.T) {
	t.Parallel()
	urls := two(t, app.Env{})
	told := 0
	report, err := catalog.Load{URLs: urls[:], Readers: 4, For: 2500 * time.Millisecond, Faults: true}.Run(t.Context(), func(app.Figures) { told++ })
	if err != nil || report.Requests == 0 || report.Errors != 0 || told == 0 || report.P99 < report.P50 {
		t.Errorf("got %+v, %v, told %d times", report, err, told)
	}
	if !report.OK() {
		t.Errorf("got %+v, want that all holds", report.Holds)
	}
	if _, err := (catalog.Load{URLs: []string{"http://127.0.0.1:1"}}).Run(t.Context(), func(app.Figures) {}); err == nil {
		t.Error("a load on nobody: got no error")
	}
}
