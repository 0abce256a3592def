package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	application "github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/web"
)

// TestMain is also the program with one application: a test that wants signals
// starts itself again.
func TestMain(m *testing.M) {
	if os.Getenv("GRIND_TEST_APP") != "" {
		os.Exit(run(os.Args[1:], sampleApps(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// sampleApps is a table of one application, which counts visits.
func sampleApps() []*application.App {
	return []*application.App{{
		Name: "visits", Title: "Visits", Line: "Counts who comes by",
		Needs:    []application.Need{application.Redis, application.Database},
		Settings: []application.Setting{{Name: "VISITS_KEY", Line: "signs the cookies", Secret: true}},
		Open:     openVisits,
		Scripts: []application.Script{
			{Name: "load", Line: "Ten visits", Run: loadVisits},
			{Name: "drill", Line: "Loses a visit", Whole: true, Run: func(context.Context, application.Target) (application.Report, error) {
				return application.Report{Holds: []application.Hold{{Text: "no visit is lost", Seen: "10 told, 9 there"}}}, nil
			}},
		},
	}}
}

func openVisits(_ context.Context, env application.Env) (application.Instance, error) {
	if err := os.WriteFile(filepath.Join(env.Dir, "visits.db"), nil, 0o600); err != nil {
		return nil, err
	}
	o, err := redis.ParseURL(env.Redis)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(o)
	s, err := web.New(web.Options{Title: "Visits", Addr: env.Addr, Logger: env.Logger, Reveal: env.Reveal, Grace: time.Minute})
	if err != nil {
		return nil, err
	}
	client.AddHook(s.RedisHook())
	s.OnClose("redis", client.Close)
	type out struct {
		Body struct {
			Visits int64  `json:"visits"`
			Dir    string `json:"dir"`
		}
	}
	web.Register(s, huma.Operation{Method: "POST", Path: "/visits"}, func(ctx context.Context, _ *struct{}) (*out, error) {
		o, err := new(out), error(nil)
		o.Body.Dir = env.Dir
		o.Body.Visits, err = client.Incr(ctx, env.Prefix+"visits").Result()
		return o, err
	})
	s.Handle("GET /endless", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("begun"))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	return s, s.Listen()
}

func loadVisits(ctx context.Context, t application.Target) (application.Report, error) {
	var r application.Report
	for range 10 {
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URLs[0]+"/visits", nil)
		if err != nil {
			return r, err
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			return r, err
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			r.Requests++
		}
		t.Progress(r.Figures)
	}
	r.Holds = []application.Hold{{Text: "every visit is counted", OK: r.Requests == 10, Seen: "10 of 10"}}
	return r, nil
}

func callApp(t *testing.T, args ...string) called {
	t.Helper()
	newcomer(t)
	var out, errOut bytes.Buffer
	code := run(append([]string{"app"}, args...), sampleApps(), strings.NewReader(""), &out, &errOut)
	return called{code, out.String(), errOut.String()}
}

func TestApp_list(t *testing.T) {
	newcomer(t)
	if got := call(t, "app", "--json"); got.code != exitDone || !json.Valid([]byte(got.out)) {
		t.Errorf("got exit %d and %q, want JSON", got.code, got.out)
	}
	if got := callApp(t); !strings.Contains(got.out, "visits          Counts who comes by") || !strings.Contains(got.out, "visits drill  Loses a visit") {
		t.Errorf("got %q, want the application and its scripts", got.out)
	}
	var all []map[string]any
	if err := json.Unmarshal([]byte(callApp(t, "--json").out), &all); err != nil || len(all) != 1 || all[0]["name"] != "visits" {
		t.Errorf("got %v and %v, want one application", all, err)
	}
	var out bytes.Buffer
	if code := run([]string{"app"}, nil, strings.NewReader(""), &out, io.Discard); code != exitDone || !strings.Contains(out.String(), "no application yet") {
		t.Errorf("an empty table: got exit %d and %q, want it said", code, out.String())
	}
}

func TestApp_usage(t *testing.T) {
	for line, say := range map[string]string{
		"shop":                        `there is no application "shop"`,
		"visits dance":                `visits has no script "dance"`,
		"visits load now":             `does not take "now"`,
		"visits --port 70000":         "--port must be from 0 to 65535",
		"visits --url http://x":       "belong to a script",
		"visits load --url x":         "--url must be such as",
		"visits load --for -1s":       "--for must be longer than nothing",
		"visits drill --url http://x": "takes no --url",

		"visits load --postgres --url http://x": "not for those of --url",
	} {
		t.Run(line, func(t *testing.T) {
			if got := callApp(t, strings.Fields(line)...); got.code != exitUsage || !strings.Contains(got.err, say) {
				t.Errorf("got exit %d and %q, want %d and %q", got.code, got.err, exitUsage, say)
			}
		})
	}
	t.Run("two databases", func(t *testing.T) {
		t.Setenv("DATABASE_URL", "postgres://:hunter2@db/visits")
		if got := callApp(t, "visits", "--postgres"); got.code != exitUsage || !strings.Contains(got.err, "keep one") || strings.Contains(got.err, "hunter2") {
			t.Errorf("got exit %d and %q, want that one is to be kept", got.code, got.err)
		}
	})
	t.Run("cluster", func(t *testing.T) {
		got := callApp(t, "visits", "--redis", "redis+cluster://:hunter2@127.0.0.1:1")
		if got.code != exitLacks || !strings.Contains(got.err, useThisRedis) || strings.Contains(got.err, "hunter2") {
			t.Errorf("got exit %d and %q, want that it is refused, and how to insist", got.code, got.err)
		}
	})
	t.Run("level", func(t *testing.T) {
		t.Setenv("LOG_LEVEL", "loud")
		if got := callApp(t, "visits"); got.code != exitUsage || !strings.Contains(got.err, "LOG_LEVEL") {
			t.Errorf("got exit %d and %q", got.code, got.err)
		}
	})
}

func TestApp_scripts(t *testing.T) {
	if got := callApp(t, "visits", "load"); got.code != exitDone || !strings.Contains(got.out, "holds  every visit is counted: 10 of 10") {
		t.Errorf("load: got exit %d, %s%s", got.code, got.out, got.err)
	}
	got := callApp(t, "visits", "drill", "--json")
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	var last struct {
		Type string
		OK   bool
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || got.code != exitNo || last.Type != "result" || last.OK {
		t.Errorf("drill: got exit %d, %s%s, want %d and ok false", got.code, got.out, got.err, exitNo)
	}
}

// child is the program as a process of its own.
type child struct {
	cmd *exec.Cmd
	out *bufio.Reader
	url string
}

func startChild(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe, args...)}
	c.cmd.Env = append(append(os.Environ(), "GRIND_TEST_APP=1", "REDIS_URL=", "ADDR="), env...)
	pipe, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() }) //nolint:errcheck // it has ended, mostly
	c.out = bufio.NewReader(pipe)
	for c.url == "" {
		line, err := c.out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		c.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	}
	return c
}

// TestApp_start: it serves, and Ctrl-C leaves no server, no port and no folder.
func TestApp_start(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	c := startChild(t, []string{"TMPDIR=" + temp}, "app", "visits", "--port", "0", "--json")
	answer, err := http.Post(c.url+"/visits", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var visits struct {
		Visits int
		Dir    string
	}
	err = json.NewDecoder(answer.Body).Decode(&visits)
	answer.Body.Close()
	if err != nil || visits.Visits != 1 || answer.Header.Get("Redis-Commands") != "1;calls=1" {
		t.Errorf("got %+v, %v and %v, want the first visit, and its one command told", visits, err, answer.Header)
	}
	if _, err := os.Stat(filepath.Join(visits.Dir, "visits.db")); err != nil {
		t.Error(err)
	}
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(c.out)
	if err != nil || !strings.Contains(string(rest), `{"ok":true,"type":"result"}`) {
		t.Errorf("got %q and %v, want the result", rest, err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("got %v, want exit 0", err)
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://")); err == nil {
		conn.Close()
		t.Error("somebody still listens")
	}
}

// TestApp_killed: what it kept goes with its Redis when it is killed.
func TestApp_killed(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	c := startChild(t, []string{"TMPDIR=" + temp}, "app", "visits", "--port", "0")
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) == 0 {
		t.Fatalf("got %v and %v, want folders while it runs", left, err)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var left []string
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		var err error
		if left, err = filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind: %v", left)
}

// TestApp_secondSignal: while it waits for a request that does not end, a second
// signal ends the program at once.
func TestApp_secondSignal(t *testing.T) {
	t.Parallel()
	c := startChild(t, nil, "app", "visits", "--port", "0")
	answer, err := http.Get(c.url + "/endless")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until it takes nobody any more
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		time.Sleep(5 * time.Millisecond)
	}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	for err = nil; err == nil; { // a second signal counts when it is not of the same press
		select {
		case err = <-ended:
		case <-time.After(50 * time.Millisecond):
			c.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended just now
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal("it does not end")
		}
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitNo {
		t.Errorf("got %v after %v, want exit %d at once", err, time.Since(began), exitNo)
	}
}
