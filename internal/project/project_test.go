package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// TestMain is also the applications that are checked, and the grind that is killed.
func TestMain(m *testing.M) {
	switch mode := os.Getenv("PROJECT_TEST"); mode {
	case "":
		goleak.VerifyTestMain(m)
	case "grind":
		beKilled()
	default:
		os.Exit(serve(mode))
	}
}

// self is a command that runs this binary in a mode.
func self(mode string) []string {
	return []string{"env", "PROJECT_TEST=" + mode, os.Args[0]}
}

// serve is an application that works, but for its mode.
func serve(mode string) int {
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	switch mode {
	case "needs redis":
		if err := rdb.Ping(context.Background()).Err(); err != nil {
			fmt.Fprintln(os.Stderr, "no Redis at the start")
			return 3
		}
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	if dir := os.Getenv("PROJECT_PIDS"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), nil, 0o600)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {
		if mode == "hangs" {
			select {}
		}
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if rdb.Ping(r.Context()).Err() != nil || mode == "never ready" {
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		if err := rdb.Incr(r.Context(), "count").Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		answer, err := http.Get(os.Getenv("ORIGIN_URL") + "/")
		if err == nil {
			_ = answer.Body.Close()
		}
	})
	mux.HandleFunc("GET /silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /die", func(http.ResponseWriter, *http.Request) {
		fmt.Fprintln(os.Stderr, "famous last words")
		os.Exit(7)
	})
	fmt.Fprintln(os.Stderr, "listening on", os.Getenv("ADDR"))
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("ADDR"), mux))
	return 1
}

// of makes a project with these milestones.
func of(milestones ...Milestone) *Project {
	return &Project{Unit: "9.99", Name: "test", Open: func() (http.Handler, []Milestone) {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), milestones
	}}
}

func one(f func(s *Site)) *Project { return of(Milestone{ID: "one", Title: "one", Check: f}) }

// free are options on free ports.
func free(program ...string) Options {
	return Options{Program: program, Redis: "127.0.0.1:0", Origin: "127.0.0.1:0"}
}

// get reads a path of an instance and fails unless it answers 200.
func get(s *Site, app *App, path string) {
	if complaint := app.Get(s.Context(), path).Is(http.StatusOK); complaint != "" {
		s.Fail("%v, %s", app, complaint)
	}
}

// TestCheck_comesUp: what keeps a program from being judged is told in a report.
func TestCheck_comesUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		program []string
		want    []string // parts of the message, and of what it printed
	}{
		"ends":        {[]string{"sh", "-c", "echo no module named catalog >&2; exit 3"}, []string{"instance 1 has ended by itself (exit status 3)", "no module named catalog"}},
		"ends well":   {[]string{"true"}, []string{"instance 1 has ended by itself (exit status 0)"}},
		"needs Redis": {self("needs redis"), []string{"instance 1 has ended by itself (exit status 3)", "an instance has to come up without it", "no Redis at the start"}},
		"no listener": {[]string{"sleep", "60"}, []string{"not ready", "GET /healthz: got no answer, want 200", "connection refused"}},
		"hangs":       {self("hangs"), []string{"not ready", "instance 1"}},
		"never ready": {self("never ready"), []string{"GET /readyz: got 503, want 200", "it said: no"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := free(tt.program...)
			o.Patience = 3 * time.Second
			report, err := one(func(*Site) { t.Error("a milestone was begun") }).Check(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if report.Status != check.Error || report.Kind != KindReady {
				t.Errorf("got %s of kind %q, want %s of kind %q", report.Status, report.Kind, check.Error, KindReady)
			}
			for _, want := range tt.want {
				if text := report.Message + "\n" + report.Printed; !strings.Contains(text, want) {
					t.Errorf("got %q, want %q in it", text, want)
				}
			}
		})
	}
}

// TestCheck_milestones: how one ends is told for each way in which it can.
func TestCheck_milestones(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check  func(s *Site)
		limit  time.Duration
		status check.Status
		want   string
	}{
		"reached":     {check: func(s *Site) { get(s, s.Apps[1], "/count") }, status: check.Pass},
		"fail":        {check: func(s *Site) { s.Fail("got %d", 1) }, status: check.Fail, want: "got 1"},
		"parallel":    {check: func(s *Site) { s.Parallel(5, func(int) { s.Fail("from %s", "beside") }) }, status: check.Fail, want: "from beside"},
		"go":          {check: func(s *Site) { s.Go(func() { s.Fail("from beside") })() }, status: check.Fail, want: "from beside"},
		"nobody":      {check: func(s *Site) { s.Go(func() { <-s.Context().Done() }) }, status: check.Pass},
		"crash":       {check: func(*Site) { panic("a bug") }, status: check.Error, want: "the milestone itself crashed: a bug"},
		"too long":    {check: func(s *Site) { s.Sleep(time.Hour) }, limit: 50 * time.Millisecond, status: check.Fail, want: "it took longer than 50ms"},
		"no answer":   {check: func(s *Site) { get(s, s.Apps[0], "/silent") }, limit: 50 * time.Millisecond, status: check.Fail, want: "GET /silent: got no answer"},
		"within":      {check: func(s *Site) { s.Within(50*time.Millisecond, func() string { return "still so" }) }, status: check.Fail, want: "still so\nthat was so for longer than 50ms"},
		"dies":        {check: func(s *Site) { get(s, s.Apps[1], "/die") }, status: check.Fail, want: "instance 2 has ended by itself (exit status 7)"},
		"no switch":   {check: func(s *Site) { s.On("teleport") }, status: check.Error, want: "teleport"},
		"left paused": {check: func(s *Site) { s.On(lab.Pause) }, status: check.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := of(
				Milestone{ID: "it", Title: "it does", Check: tt.check, Limit: tt.limit},
				Milestone{ID: "after", Title: "and Redis is well", Check: func(s *Site) {
					s.Within(10*time.Second, func() string { return s.Apps[0].Get(s.Context(), "/count").Is(http.StatusOK) })
				}},
			)
			report, err := p.Check(t.Context(), free(self("ok")...))
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Tests[0]; got.Status != tt.status || !strings.Contains(got.Message, tt.want) {
				t.Errorf("got %s with %q, want %s with %q", got.Status, got.Message, tt.status, tt.want)
			}
			if report.Status != tt.status {
				t.Errorf("the whole: got %s, want %s", report.Status, tt.status)
			}
			if n := len(report.Tests); tt.status == check.Pass && n != 2 || tt.status != check.Pass && n != 1 {
				t.Errorf("got %d milestones told, want those up to the first that is not reached", n)
			}
			if name == "dies" && !strings.Contains(report.Printed, "instance 2: listening on") || name == "dies" && !strings.Contains(report.Printed, "famous last words") {
				t.Errorf("printed: got %q, want both instances' words", report.Printed)
			}
		})
	}
}

// TestCheck_cost: requests, commands and calls of the origin are counted by the
// engine.
func TestCheck_cost(t *testing.T) {
	t.Parallel()
	p := one(func(s *Site) {
		commands := s.Commands(func() { s.Parallel(6, func(i int) { get(s, s.Apps[i%2], "/count") }) })
		if len(commands) != 6 || commands[0].Name != "INCR" || s.Seen("INCR") != 6 {
			s.Fail("got %d commands, want 6 INCR", len(commands))
		}
	})
	report, err := p.Check(t.Context(), free(self("ok")...))
	if err != nil || report.Status != check.Pass {
		t.Fatalf("Check: %+v, %v", report, err)
	}
	got := *report.Tests[0].Cost
	if got.Millis = 0; got != (exercise.Cost{Requests: 6, Commands: 6, Origin: 6}) {
		t.Errorf("got %+v, want six of each", got)
	}
}

// TestCheck_nothingToJudge: each is an error that a caller can tell apart.
func TestCheck_nothingToJudge(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() })
	nobody := func() string { // an address where nobody listens
		addr, err := freeAddr(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return "http://" + addr
	}
	with := func(change func(*Options)) Options {
		o := free(self("ok")...)
		o.Patience = time.Second
		change(&o)
		return o
	}
	for name, tt := range map[string]struct {
		options Options
		is      error
		want    string
	}{
		"Redis's port taken":  {with(func(o *Options) { o.Redis = busy.Addr().String() }), ErrTaken, "Redis"},
		"origin's port taken": {with(func(o *Options) { o.Origin = busy.Addr().String() }), ErrTaken, "the origin"},
		"origin for all":      {with(func(o *Options) { o.Origin = "0.0.0.0:0" }), nil, "loopback"},
		"one instance":        {with(func(o *Options) { o.URLs = []string{"http://127.0.0.1:1"} }), ErrInstances, "got 1"},
		"one twice":           {with(func(o *Options) { o.URLs = []string{"http://127.0.0.1:1", "http://127.0.0.1:1"} }), ErrInstances, "got 2"},
		"nobody there":        {with(func(o *Options) { o.URLs = []string{nobody(), nobody()} }), ErrNotReady, "connection refused"},
		"no program":          {with(func(o *Options) { o.Program = nil }), nil, "nor a program"},
		"unknown program":     {with(func(o *Options) { o.Program = []string{"no-such-program"} }), exec.ErrNotFound, "no-such-program"},
		"unknown milestone":   {with(func(o *Options) { o.Until = "two" }), ErrNoMilestone, "there are one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := one(func(*Site) {}).Check(t.Context(), tt.options)
			if report != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v, want an error with %q", report, err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want one that is %v", err, tt.is)
			}
		})
	}
}

// TestCheck_urls: instances that somebody else started, and that are slow to come.
func TestCheck_urls(t *testing.T) {
	t.Parallel()
	o := free()
	var running []*program
	for range Instances {
		addr, err := freeAddr(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.URLs = append(o.URLs, "http://"+addr+"/")
	}
	defer func() {
		for _, p := range running {
			p.stop()
		}
	}()
	o.Waiting = func(redisURL, originURL string) {
		for _, url := range o.URLs {
			addr := strings.Trim(strings.TrimPrefix(url, "http://"), "/")
			argv := append([]string{"env", "ADDR=" + addr}, self("ok")...)
			p, err := start(t.Context(), argv, "", redisURL, originURL)
			if err != nil {
				t.Error(err)
				return
			}
			running = append(running, p)
		}
	}
	var told []string
	o.Begun = func(m Milestone) { told = append(told, "begun "+m.ID) }
	o.Ended = func(x exercise.Test) { told = append(told, "ended "+x.Task) }
	report, err := one(func(s *Site) { get(s, s.Apps[0], "/count") }).Check(t.Context(), o)
	if err != nil || report.Status != check.Pass || strings.Join(told, ", ") != "begun one, ended one" {
		t.Errorf("got %+v, %v, told %v", report, err, told)
	}
	for _, p := range running {
		if ok, how := p.running(); !ok {
			t.Errorf("an instance that is not ours has ended: %s", how)
		}
	}
}

// TestCheck_leavesNothing: a program that does not listen to signals is gone after
// a check, and so is one whose check was cancelled.
func TestCheck_leavesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"deaf", "cancelled"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := one(func(s *Site) {
				if mode == "cancelled" {
					cancel()
					<-s.Context().Done()
				}
			})
			argv := append([]string{"env", "PROJECT_PIDS=" + dir}, self(mode)...)
			_, err := p.Check(ctx, free(argv...))
			if (mode == "cancelled") != errors.Is(err, context.Canceled) {
				t.Errorf("Check: %v", err)
			}
			wantGone(t, dir)
		})
	}
}

// beKilled is a grind whose check goes on for ever.
func beKilled() {
	p := one(func(s *Site) {
		fmt.Println("begun")
		<-s.Context().Done()
	})
	_, err := p.Check(context.Background(), free(self("deaf")...))
	fmt.Println(err)
	os.Exit(1)
}

// TestCheck_killed: kill -9 of grind leaves no instance behind, not even one that
// is deaf.
func TestCheck_killed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	grind := exec.Command(os.Args[0])
	grind.Env = append(os.Environ(), "PROJECT_TEST=grind", "PROJECT_PIDS="+dir)
	out, err := grind.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := grind.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 100)); n == 0 {
		t.Errorf("it has not begun: %v", err)
	}
	if err := grind.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = grind.Wait() // killed
	wantGone(t, dir)
}

// wantGone wants both instances that left their number in a folder to be gone soon.
func wantGone(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != Instances {
		t.Fatalf("got %d instances, %v, want %d", len(files), err, Instances)
	}
	end := time.Now().Add(20 * time.Second)
	for _, file := range files {
		pid, _ := strconv.Atoi(file.Name())
		for alive(pid) {
			if time.Now().After(end) {
				t.Fatalf("instance with process %d is still there", pid)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// alive reports whether a process runs; one that only waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// TestAnswer: each way in which an answer can be wrong is a sentence.
func TestAnswer(t *testing.T) {
	problem := func(status int, kind, body string) *Answer {
		return &Answer{Request: "GET /x", Status: status, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body)}
	}
	whole, _ := json.Marshal(map[string]any{"title": "No", "status": 404})
	for _, tt := range []struct {
		answer *Answer
		want   string
	}{
		{problem(404, "application/problem+json; charset=utf-8", string(whole)), ""},
		{problem(500, "text/plain", "oops"), "got 500, want 404\nit said: oops"},
		{problem(404, "application/json", string(whole)), `an error of type "application/json", want application/problem+json`},
		{problem(404, "application/problem+json", `{"title":"No"}`), "wants a title and its status 404"},
		{problem(404, "application/problem+json", "<html>"), "not the JSON of the contract"},
		{&Answer{Request: "GET /x", Err: errors.New("gone")}, "got no answer, want 404: gone"},
	} {
		if got := tt.answer.IsProblem(404); got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("IsProblem: got %q, want %q", got, tt.want)
		}
	}
}
