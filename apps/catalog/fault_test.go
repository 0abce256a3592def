package catalog_test

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/lab"
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

// crowd lets a load loose and returns what waits for its report and judges that.
func crowd(t *testing.T, l catalog.Load) (judge func()) {
	t.Helper()
	type outcome struct {
		report app.Report
		err    error
	}
	ended := make(chan outcome, 1)
	ctx := t.Context()
	go func() {
		report, err := l.Run(ctx, func(f app.Figures) {
			t.Logf("%4.1f s  %6.0f a second, p99 %v, %d errors, %s", f.Elapsed.Seconds(), f.PerSecond(), f.P99, f.Errors, f.Doing)
		})
		ended <- outcome{report, err}
	}()
	return func() {
		t.Helper()
		got := <-ended
		if got.err != nil {
			t.Fatal(got.err)
		}
		for _, h := range got.report.Holds {
			t.Logf("%s: %s", h.Text, h.Seen)
			if !h.OK {
				t.Errorf("%s: %s", h.Text, h.Seen)
			}
		}
		t.Logf("p50 %v, p99 %v", got.report.P50, got.report.P99)
		if got.report.P99 > 2*time.Second {
			t.Errorf("p99 %v, want at most two seconds on a busy machine", got.report.P99)
		}
	}
}

// TestFaults has a crowd at two processes over PostgreSQL. Redis stands still for ten
// seconds, one process is killed meanwhile and comes back; Redis is killed and comes
// back with its append-only file; the other process is killed. Nobody sees an error,
// and no change that was answered is lost.
func TestFaults(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{AppendOnly: true})
	env := []string{"REDIS_URL=" + server.URL(), "DATABASE_URL=" + database(t)}
	addr := free(t)
	first, second := startProcess(t, free(t), env...), startProcess(t, addr, env...)
	awaitReady(t, first.url)
	awaitReady(t, second.url)
	judge := crowd(t, catalog.Load{
		URLs: []string{first.url, second.url}, Readers: 8, Think: 2 * time.Millisecond, For: 20 * time.Second,
		Faults: true, Follow: 10 * time.Second, // 2 s hold while Redis answers
	})
	const pause = 10 * time.Second
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	time.Sleep(time.Second) // of normal life; so are the others the length of a failure
	do("pause", server.Pause())
	time.Sleep(pause / 2)
	do("kill the second", second.cmd.Process.Kill())
	time.Sleep(pause / 2)
	do("resume", server.Resume())
	awaitReady(t, startProcess(t, addr, env...).url)
	do("kill Redis", server.Kill(t.Context()))
	time.Sleep(time.Second)
	do("start Redis", server.Restart(t.Context()))
	time.Sleep(time.Second)
	do("kill the first", first.cmd.Process.Kill())
	judge()
}

// TestLab has a crowd at two instances while each failure that lab knows of one
// server and its wire comes and goes.
func TestLab(t *testing.T) {
	t.Parallel()
	server, err := lab.Start(t.Context(), redisproc.Options{AppendOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	tapped, err := url.Parse(server.Process().URL())
	if err != nil {
		t.Fatal(err)
	}
	tapped.Host = server.TapAddr()
	env := alone(t, app.Env{Database: database(t)})
	env.Redis = tapped.String()
	urls := []string{open(t, env).URL(), open(t, env).URL()}
	const each = 800 * time.Millisecond
	switches := server.Switches()
	judge := crowd(t, catalog.Load{
		URLs: urls, Readers: 4, Think: 2 * time.Millisecond, For: time.Duration(2*len(switches)+2) * each,
		Faults: true, Follow: 15 * time.Second,
	})
	for _, s := range switches {
		if err := s.On(t.Context()); err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		time.Sleep(each)
		if !s.Momentary {
			if err := s.Off(t.Context()); err != nil {
				t.Errorf("%s off: %v", s.Name, err)
			}
		}
		t.Logf("%s is over", s.Name)
	}
	judge()
	hit := func() bool {
		answer := call(t, "GET", urls[0]+"/products/450", nil, nil)
		return strings.Contains(answer.layers(), "hit")
	}
	redistest.Eventually(t, "Redis is used again", hit)
}

// TestLoad_reports: what does not hold is told.
func TestLoad_reports(t *testing.T) {
	t.Parallel()
	urls := two(t, app.Env{Database: database(t)})
	told := 0
	report, err := catalog.Load{URLs: urls[:], Readers: 4, Think: 2 * time.Millisecond, For: 2500 * time.Millisecond, Faults: true}.Run(t.Context(), func(app.Figures) { told++ })
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
