package workbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// private is the real Redis of all tests.
var private *localredis.Redis

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var err error
	if private, err = localredis.Open(ctx, localredis.Options{}); err != nil || private.Kind() != localredis.Private {
		fmt.Fprintln(os.Stderr, "these tests need a redis-server on PATH:", err)
		os.Exit(1)
	}
	code := m.Run()
	err = private.Close()
	cancel()
	if err == nil && code == 0 {
		// The clock of chroma's regular expressions ends by itself, a second later.
		err = goleak.Find(goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// fakeEngine tells the demo's events; races are played for real.
type fakeEngine struct {
	liveEngine
	gate chan struct{} // when not nil, a run waits for it between two events
	fail error
}

func (e *fakeEngine) missing(*unit.Unit) *unit.NeedsError { return nil }

func (e *fakeEngine) execute(ctx context.Context, _ *unit.Unit, _ map[string]string, emit func(unit.Event)) error {
	if e.fail != nil {
		return e.fail
	}
	for _, event := range demoEvents() {
		if e.gate != nil {
			select {
			case <-ctx.Done():
				emit(unit.Result{Error: "the run was stopped", Millis: 12})
				return nil
			case <-e.gate:
			}
		}
		emit(event)
	}
	return nil
}

// fakeExercises is a learner's file and a check that the test decides about.
type fakeExercises struct {
	dir string

	mu     sync.Mutex
	report *exercise.Report
	hints  int
	emit   func(exercise.WatchEvent)
	began  chan struct{} // closed when a watch began
}

func (f *fakeExercises) File(e unit.Entry) string {
	return filepath.Join(f.dir, e.Folder(), "exercise.go")
}

func (f *fakeExercises) Start(e unit.Entry) (bool, error) {
	if err := os.MkdirAll(filepath.Dir(f.File(e)), 0o755); err != nil {
		return false, err
	}
	return true, os.WriteFile(f.File(e), []byte("package counter\n"), 0o644)
}

func (f *fakeExercises) Reset(e unit.Entry) (string, error) { return f.File(e) + ".bak-1", nil }

func (f *fakeExercises) Check(context.Context, unit.Entry, exercise.CheckOptions) (*exercise.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.report == nil {
		return nil, errors.New("exercise: no go command on PATH")
	}
	return f.report, nil
}

func (f *fakeExercises) Hints(unit.Entry) ([]exercise.Hint, error) {
	return []exercise.Hint{{Number: 1, Title: "Which command?", Text: "Look at `INCR` and its family."}, {Number: 2, Text: "A key has a TTL only if it is given one."}, {Number: 3, Text: "`MULTI` sends two at once."}}, nil
}

func (f *fakeExercises) NextHint(e unit.Entry) (exercise.Hint, int, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hints++
	hints, err := f.Hints(e)
	return hints[f.hints-1], f.hints, len(hints), err
}

func (f *fakeExercises) Solution(unit.Entry) (string, error) {
	return "--- exercise.go\n+++ solution.go\n@@ -1,3 +1,3 @@\n func Hit() error {\n-\treturn ErrNotImplemented\n+\treturn rdb.Incr(ctx, key).Err()\n }\n", nil
}

func (f *fakeExercises) Watch(ctx context.Context, _ unit.Entry, emit func(exercise.WatchEvent)) error {
	f.mu.Lock()
	f.emit = emit
	close(f.began)
	f.mu.Unlock()
	<-ctx.Done()
	return nil
}

// failing is a report in which one of four tasks fails.
func failing() *exercise.Report {
	return &exercise.Report{ID: "1.01", Status: check.Fail, Millis: 1640, RoundTrips: 2, Tests: []exercise.Test{
		{Name: "counts every view of 200 clients", Task: "exact", Status: check.Pass},
		{Name: "a new day starts at 1", Task: "day", Status: check.Pass},
		{Name: "takes one round trip", Task: "trip", Status: check.Pass, Note: "not all orders were judged: it was cut after 8s"},
		{Name: "leaves no key behind after a crash", Task: "crash", Status: check.Fail, Message: "The key outlived a crash: TTL is −1 after the process died between INCR and EXPIRE.", Code: "c.Explore(hitTwice)"},
	}}
}

// site is a workbench that serves, and a browser's client that opened it.
type site struct {
	*Server
	t         *testing.T
	client    *http.Client
	base      string
	engine    *fakeEngine
	exercises *fakeExercises
	store     *progress.Store
}

// serve starts a workbench over the demo's course.
func serve(t *testing.T, change ...func(*deps, *Options)) *site {
	t.Helper()
	store, err := progress.Open(filepath.Join(t.TempDir(), "progress.json"))
	if err != nil {
		t.Fatal(err)
	}
	engine := &fakeEngine{liveEngine: liveEngine{private}}
	learner := &fakeExercises{dir: t.TempDir(), began: make(chan struct{})}
	d := deps{course: demoCourse(), redis: private, engine: engine, exercises: learner, progress: store}
	o := Options{Version: "test"}
	for _, f := range change {
		f(&d, &o)
	}
	s, err := newServer(o, d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	out := &site{Server: s, t: t, client: client, base: "http://127.0.0.1:" + s.port, engine: engine, exercises: learner, store: store}
	r, err := client.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return out
}

// get asks for a page and returns its status and text.
func (s *site) get(path string) (int, string) {
	s.t.Helper()
	r, err := s.client.Get(s.base + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// post sends a form and returns the status and the text of the answer.
func (s *site) post(path string, fields ...string) (int, string) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := s.client.PostForm(s.base+path, form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// has fails the test unless text contains each of the parts.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("got no %q in:\n%s", p, clip(text, 3000))
		}
	}
}
