package redistest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// helperEnv makes this test binary a package whose tests do as it says.
const helperEnv = "REDISTEST_HELPER"

// scenarios stand in for the tests of a package.
var scenarios = map[string]func() int{
	"pass":  func() int { return 0 },
	"fail":  func() int { return 3 },
	"panic": func() int { panic("a test panics") },
	"exit":  func() int { os.Exit(0); return 0 },
	"leak":  func() int { go func() { select {} }(); return 0 },
}

type runnerFunc func() int

func (f runnerFunc) Run() int { return f() }

func TestMain(m *testing.M) {
	switch scenario := os.Getenv(helperEnv); scenario {
	case "":
		redistest.Main(redistest.NoLeaks(m))
	case "two":
		redistest.Main(m, redisproc.Options{}, redisproc.Options{})
	case "bad":
		redistest.Main(m, redisproc.Options{Port: -1})
	default:
		redistest.Main(redistest.NoLeaks(runnerFunc(func() int {
			dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), "redisproc-*"))
			fmt.Println("directories:", len(dirs))
			return scenarios[scenario]()
		})))
	}
}

func TestMain_endings(t *testing.T) {
	for _, test := range []struct {
		scenario, path string
		ran            bool // the tests did run
		code           int
		says           string
	}{
		{"pass", "", true, 0, ""},
		{"fail", "", true, 3, ""},
		{"panic", "", true, 2, "a test panics"},
		{"exit", "", true, 0, ""},
		{"leak", "", true, 1, "redistest: goroutines are left"},
		{"two", "", false, 1, "redistest: Main takes at most one Options, got 2"},
		{"bad", "", false, 1, "redistest: redisproc: Options.Port"},
		{"pass", "/nowhere", false, 1, "redistest: no redis-server or valkey-server on PATH; run make setup or apt-get install redis-server"},
	} {
		t.Run(test.scenario+test.path, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), helperEnv+"="+test.scenario, "TMPDIR="+tmp)
			if test.path != "" {
				cmd.Env = append(cmd.Env, "PATH="+test.path)
			}
			out, err := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != test.code || !strings.Contains(string(out), test.says) {
				t.Errorf("got exit code %d (%v) and\n%s\nwant %d and %q", got, err, out, test.code, test.says)
			}
			if ran := strings.Contains(string(out), "directories: 1"); ran != test.ran {
				t.Errorf("tests ran with a server: got %v, want %v; output\n%s", ran, test.ran, out)
			}
			redistest.Eventually(t, "the server's directory is gone", func() bool {
				left, err := filepath.Glob(filepath.Join(tmp, "redisproc-*"))
				return err == nil && len(left) == 0
			})
		})
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, func(o *redis.Options) { o.ClientName = "tester" })
	if got, err := c.ClientGetName(t.Context()).Result(); got != "tester" || err != nil {
		t.Errorf("CLIENT GETNAME: got %q, %v, want tester", got, err)
	}
	if got, want := c.Options().Addr, redistest.Addr(t); got != want {
		t.Errorf("got address %s, want %s", got, want)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	var first, second string
	const n = 2500 // more than one turn of SCAN
	t.Run("naughty {*} [a-z]? name", func(t *testing.T) {
		first, second = redistest.Prefix(t), redistest.Prefix(t)
		if first == second || strings.ContainsAny(first, "{}*[]?: /") {
			t.Errorf("got %q and %q, want two plain ones", first, second)
		}
		if _, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range n {
				p.Set(t.Context(), fmt.Sprintf("%s:{%d}", first, i), 1, 0)
			}
			p.Set(t.Context(), "kept:"+first, 1, time.Minute)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
	if got, err := c.Keys(t.Context(), "*"+first+"*").Result(); err != nil || len(got) != 1 || got[0] != "kept:"+first {
		t.Errorf("after the test %d keys are left (%v), want the one that does not begin with the prefix", len(got), err)
	}
	if err := c.Del(t.Context(), "kept:"+first).Err(); err != nil {
		t.Error(err)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	var s *redisproc.Server
	t.Run("own", func(t *testing.T) {
		s = redistest.Start(t, redisproc.Options{Password: "secret"})
		if s.Addr() == redistest.Addr(t) {
			t.Error("got the package's server, want another one")
		}
		if !strings.Contains(s.Dir(), "TestStart-own") {
			t.Errorf("got directory %s, want the test's name in it", s.Dir())
		}
		if err := redistest.ClientOf(t, s).Ping(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	})
	if s.Running() {
		t.Error("the server outlives its test")
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	panic(r)
}

func TestEventually(t *testing.T) {
	for _, test := range []struct {
		name string
		at   time.Duration // when the condition becomes true
		want string
	}{
		{"at once", 0, ""},
		{"late", 9 * time.Second, ""},
		{"too late", 11 * time.Second, "redistest: not true within 10s: pigs fly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, begin := &recorder{TB: t}, time.Now()
				func() {
					defer func() { _ = recover() }() // of Fatalf
					redistest.Eventually(r, "pigs fly", func() bool { return time.Since(begin) >= test.at })
				}()
				if r.failure != test.want {
					t.Errorf("got failure %q, want %q", r.failure, test.want)
				}
				if took := time.Since(begin); took > 10*time.Second+100*time.Millisecond {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}
