package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/redisproc"
)

// envChild makes the test binary one that runs the named tasks, for most of them
// fail, and some end the process.
const envChild = "CHECK_TEST_CHILD"

func TestMain(m *testing.M) {
	names := os.Getenv(envChild)
	if names == "" {
		os.Exit(m.Run())
	}
	var tests []testing.InternalTest
	for name := range strings.SplitSeq(names, ",") {
		tests = append(tests, testing.InternalTest{Name: name, F: func(t *testing.T) { Task(t, name, tasks[name]) }})
	}
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil) // exits
}

// child runs tasks in a process of their own and returns how each ended, and what
// the process printed.
func child(t *testing.T, names string, env ...string) (map[string]Event, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "events")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), envChild+"="+names, EnvOut+"="+out), env...)
	printed, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("child: %v %v", err, exit)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	ends := map[string]Event{}
	started := 0
	for line := range bytes.Lines(text) {
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("event %q: %v", line, err)
		}
		switch e.Event {
		case "start":
			started++
		case "end":
			ends[e.Task] = e
		}
	}
	if want := len(strings.Split(names, ",")); started != want {
		t.Errorf("tasks started: got %d, want %d\n%s", started, want, printed)
	}
	return ends, string(printed)
}

// server starts a server for a test and returns its URL and a client.
func startServer(t *testing.T) (string, *redis.Client) {
	t.Helper()
	s, err := redisproc.Start(t.Context(), redisproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: s.Addr()})
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), s.Stop()); err != nil {
			t.Error(err)
		}
	})
	return s.URL(), client
}

var errUnwritten = fmt.Errorf("Like: %w", errors.New("not written yet")) //nolint:staticcheck // Like is a function, named as it is written

// set is what a learner's function may be: one command, or two.
func set(c *C, rdb redis.Cmdable, twice bool) {
	c.NoError(rdb.Set(c.Context(), c.Key("a"), "v", 0).Err(), "Set")
	if twice {
		c.NoError(rdb.Set(c.Context(), c.Key("a")+":made-up", "v", 0).Err(), "Set")
	}
}

// twoAdd is a race of two people who each run add.
func twoAdd(add func(ctx context.Context, client race.Client, key string) error) race.Scenario {
	do := func(ctx context.Context, client race.Client, k race.Keys) error { return add(ctx, client, k("n")) }
	return race.Scenario{
		Name: "two", Title: "two add 1",
		Actors: []race.Actor{{Name: "alice", Do: do}, {Name: "bob", Do: do}},
		Check: func(ctx context.Context, client race.Client, k race.Keys, _ []race.End) error {
			if n, err := client.Get(ctx, k("n")).Int(); err != nil || n != 2 {
				return &race.Violation{Message: fmt.Sprintf("n is %d, want 2.", n)}
			}
			return nil
		},
	}
}

func addInOne(ctx context.Context, client race.Client, key string) error {
	return client.Incr(ctx, key).Err()
}

func addInTwo(ctx context.Context, client race.Client, key string) error {
	n, err := client.Get(ctx, key).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	return client.Set(ctx, key, n+1, 0).Err()
}

// tasks are what children run.
var tasks = map[string]func(c *C){
	"pass": func(c *C) {
		set(c, c.Redis(), false)
		one := c.RoundTrips(func() { set(c, c.Redis(), false) })
		two := c.RoundTrips(func() { set(c, c.Redis(), true) })
		seen := c.Commands(func() { _, _ = c.Redis().Get(c.Context(), c.Key("a")).Result() })
		pipe := c.RoundTrips(func() {
			_, _ = c.Redis().Pipelined(c.Context(), func(p redis.Pipeliner) error { set(c, p, true); return nil })
		})
		direct := c.RoundTrips(func() { set(c, c.Direct(), true) })
		var inner []int
		outer := c.Commands(func() {
			set(c, c.Redis(), false)
			inner = append(inner, c.RoundTrips(func() { set(c, c.Redis(), false) }), len(c.Commands(func() { set(c, c.Redis(), false) })))
			set(c, c.Redis(), false)
		})
		if len(outer) != 4 || inner[0] != 1 || inner[1] != 1 {
			c.Fail("nested: got %d commands, of them %v, want 4, of them [1 1]", len(outer), inner)
		}
		if one != 1 || two != 2 || pipe != 1 || direct != 0 || len(seen) != 1 {
			c.Fail("round trips: %d, %d, %d, %d; seen: %v", one, two, pipe, direct, seen)
		}
		if got, want := c.Line(seen[0]), `GET a → "v"`; got != want {
			c.Fail("line: got %s, want %s", got, want)
		}
	},
	"fail":          func(c *C) { c.Fail("%s is %d.", c.Key("likes"), 3) },
	"unwritten":     func(c *C) { c.Fail("Like: %v", errUnwritten) },
	"unwritten 2":   func(c *C) { c.NoError(errUnwritten, "Like") },
	"unwritten 3":   func(c *C) { c.Written(nil); c.Written(ErrNotImplemented); c.Fail("went on") },
	"no error":      func(c *C) { c.NoError(nil, "Like"); c.NoError(errors.New("ERR no "+c.Key("k")), "Like") },
	"nil":           func(c *C) { c.NoError(c.Redis().Get(c.Context(), c.Key("k")).Err(), "Likes") },
	"panic":         func(*C) { var m map[string]int; m["a"]++ }, //nolint:staticcheck // it panics, as it must
	"goexit":        func(*C) { runtime.Goexit() },
	"client fails":  func(c *C) { c.Clients(3, func(int, *redis.Client) { c.Fail("someone failed") }); c.Fail("went on") },
	"client panics": func(c *C) { c.Clients(2, func(int, *redis.Client) { panic("no") }) },
	"foreign": func(c *C) {
		never := make(chan bool)
		go func() { c.Fail("from another goroutine"); close(never) }()
		<-never
	},
	"clients": func(c *C) {
		c.Clients(20, func(i int, rdb *redis.Client) {
			c.NoError(rdb.SAdd(c.Context(), c.Key("all"), i, fmt.Sprint("connection ", rdb.ClientID(c.Context()).Val())).Err(), "SADD")
		})
		if n := c.Direct().SCard(c.Context(), c.Key("all")).Val(); n != 40 {
			c.Fail("20 numbers and 20 connections give %d members", n)
		}
	},
	"seed":   func(c *C) { c.Fail("numbers %d %d", c.Rand().Int(), c.Rand().Int()) },
	"seed 2": func(c *C) { c.Fail("numbers %d %d", c.Rand().Int(), c.Rand().Int()) },
	"loses": func(c *C) {
		clear := c.Throw(tap.Fault{Kind: tap.LoseReply, Command: "INCR"})
		err := c.Redis().Incr(c.Context(), c.Key("n")).Err()
		clear()
		n := c.Redis().Incr(c.Context(), c.Key("n")).Val()
		c.Fail("first: %v, then: %d", err != nil, n)
	},
	"bad fault":    func(c *C) { c.Throw(tap.Fault{}) },
	"race holds":   func(c *C) { c.ExploreOrders(twoAdd(addInOne)) },
	"race loses":   func(c *C) { c.ExploreOrders(twoAdd(addInTwo)) },
	"race crashes": func(c *C) { c.Explore(twoAdd(addInOne)) },
	"race unwritten": func(c *C) {
		c.ExploreOrders(twoAdd(func(context.Context, race.Client, string) error { return errUnwritten }))
	},
	"race panics": func(c *C) { c.ExploreOrders(twoAdd(func(context.Context, race.Client, string) error { panic("no") })) },
	"race outside tx": func(c *C) {
		c.Explore(twoAdd(func(ctx context.Context, client race.Client, key string) error {
			return client.Watch(ctx, func(*redis.Tx) error { return addInTwo(ctx, client, key) }, key)
		}))
	},
	"race breaks": func(c *C) {
		sc := twoAdd(addInOne)
		sc.Check = func(context.Context, race.Client, race.Keys, []race.End) error { return errors.New("lost the thread") }
		c.ExploreOrders(sc)
	},
	"race too long": func(c *C) {
		sc := twoAdd(func(ctx context.Context, client race.Client, key string) error {
			for range race.DefaultMaxSteps + 1 {
				if err := client.Incr(ctx, key).Err(); err != nil {
					return err
				}
			}
			return nil
		})
		sc.Actors = sc.Actors[:1]
		c.ExploreOrders(sc)
	},
	"race hurried": func(c *C) { c.cut("two add 1", &race.Report{Played: 40, Left: 100, Cut: "it was cut after 8s"}) },
	"race cut": func(c *C) {
		c.cut("two add 1", &race.Report{Played: 150, GivenUp: 50, Left: 100, Cut: "it was cut after 8s"})
	},
	"race nearly": func(c *C) {
		c.cut("two add 1", &race.Report{Played: 40, GivenUp: 2, Cut: "2 of those played were given up"})
	},
	"hangs":  func(c *C) { c.Redis().BLPop(c.Context(), 0, c.Key("queue")) },
	"after":  func(*C) {},
	"exits":  func(*C) { os.Exit(7) },
	"leaves": func(c *C) { set(c, c.Redis(), true); c.Fail("now") },
}

// TestTask runs tasks of every sort in one process.
func TestTask(t *testing.T) {
	url, client := startServer(t)
	client.Set(t.Context(), "mine", "stays", 0)
	want := []struct {
		task    string
		status  Status
		message string // the whole, unless it ends in …
	}{
		{"pass", Pass, ""},
		{"fail", Fail, "likes is 3."},
		{"unwritten", Fail, "not written yet"},
		{"unwritten 2", Fail, "not written yet"},
		{"unwritten 3", Fail, "not written yet"},
		{"no error", Fail, "Like returned an error: ERR no k"},
		{"nil", Fail, "Likes returned redis.Nil: …"},
		{"panic", Error, "panic panicked at check_test.go:…"},
		{"goexit", Error, "goexit ended its goroutine: …"},
		{"client fails", Fail, "someone failed"},
		{"client panics", Error, "client panics panicked at check_test.go:…"},
		{"foreign", Fail, "from another goroutine"},
		{"clients", Pass, ""},
		{"seed", Fail, "numbers …"},
		{"seed 2", Fail, "numbers …"},
		{"loses", Fail, "first: true, then: 2"},
		{"bad fault", Error, "tap: …"},
		{"race holds", Pass, ""},
		{"race loses", Fail, "n is 1, want 2.\nThe shortest order that does it:\n  alice GET n → …"},
		{"race crashes", Fail, "n is 1, want 2.\nThe shortest order that does it:\n…"},
		{"race unwritten", Fail, "not written yet"},
		{"race panics", Error, "race panics panicked at check_test.go:…"},
		{"race outside tx", Fail, "alice sends GET n by its client while its Watch runs: inside Watch use tx, not the client. …"},
		{"race breaks", Error, `the race "two add 1" could not be played: …`},
		{"race too long", Fail, `The race "two add 1" could not be judged: in 1 of 1 orders somebody sent 20 commands and was not done. …`},
		{"race hurried", Error, `Of the race "two add 1" only 40 orders could be played, too few to say that it is right: it was cut after 8s. …`},
		{"race cut", Pass, ""},
		{"race nearly", Pass, ""},
		{"leaves", Fail, "now"},
	}
	var names []string
	for _, w := range want {
		names = append(names, w.task)
	}
	got, _ := child(t, strings.Join(names, ","), EnvRedis+"="+url, EnvSeed+"=42")
	for _, w := range want {
		e := got[w.task]
		begin, cut := strings.CutSuffix(w.message, "…")
		if e.Status != w.status || !strings.HasPrefix(e.Message, begin) || !cut && e.Message != begin {
			t.Errorf("task %s: got %s, %q, want %s, %q", w.task, e.Status, e.Message, w.status, w.message)
		}
		note := map[string]string{
			"race cut":    `no order of the race "two add 1" is wrong, though not all were judged: it was cut after 8s`,
			"race nearly": `no order of the race "two add 1" is wrong, though not all were judged: 2 of those played were given up`,
		}[w.task]
		if e.Note != note {
			t.Errorf("task %s: got the note %q, want %q", w.task, e.Note, note)
		}
		if e.Seed != 42 {
			t.Errorf("task %s: got seed %d, want 42", w.task, e.Seed)
		}
	}
	if got["pass"].RoundTrips != 4 {
		t.Errorf("round trips: got %d, want 4, of the dearest call", got["pass"].RoundTrips)
	}
	if got["seed"].Message == got["seed 2"].Message {
		t.Errorf("two tasks drew the same numbers: %s", got["seed"].Message)
	}
	if again, _ := child(t, "seed", EnvRedis+"="+url, EnvSeed+"=42"); again["seed"].Message != got["seed"].Message {
		t.Errorf("the same seed: got %q and then %q", got["seed"].Message, again["seed"].Message)
	}
	if keys := client.Keys(t.Context(), "*").Val(); len(keys) != 1 || keys[0] != "mine" {
		t.Errorf("keys left: got %q, want only the one that was there", keys)
	}
}

// TestTask_hangs: a task that does not end is told of, and the process goes.
func TestTask_hangs(t *testing.T) {
	url, _ := startServer(t)
	begun := time.Now()
	out := filepath.Join(t.TempDir(), "events")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"=hangs,after", EnvOut+"="+out, EnvRedis+"="+url, EnvTimeout+"=300ms")
	printed, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("child: got exit code 0, want a failure")
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if !strings.Contains(string(text), `"status":"error","message":"hangs did not end within 0.3 s: a loop without an end, or a command that waits for ever`) ||
		strings.Contains(string(text), "after") {
		t.Errorf("events: got\n%s\nwant hangs with its error, and nothing after it", text)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestTask_exits: a task that ends the process has begun, and has no end.
func TestTask_exits(t *testing.T) {
	url, _ := startServer(t)
	if got, _ := child(t, "exits", EnvRedis+"="+url); len(got) != 0 {
		t.Errorf("ends: got %v, want none", got)
	}
}

// TestTask_goroutines: a task leaves none behind. It runs in this process, for it
// passes.
func TestTask_goroutines(t *testing.T) {
	url, _ := startServer(t)
	t.Setenv(EnvRedis, url)
	before := goleak.IgnoreCurrent()
	for _, name := range []string{"pass", "clients", "race holds"} {
		Task(t, name, tasks[name])
	}
	goleak.VerifyNone(t, before)
}

// TestTask_private: without an address the process starts a server of its own.
func TestTask_private(t *testing.T) {
	got, printed := child(t, "pass,fail")
	if got["pass"].Status != Pass || got["fail"].Message != "likes is 3." {
		t.Errorf("got %v, want the tasks to run\n%s", got, printed)
	}
	if strings.Contains(printed, "likes is 3.") {
		t.Errorf("output: got\n%s\nwant what the tasks say in the events only", printed)
	}
	if a, b := got["pass"].Seed, got["fail"].Seed; a == 0 || a != b {
		t.Errorf("seeds: got %d and %d, want the same one", a, b)
	}
}

// TestTask_plain: under a plain go test the output tells what is wrong, and how to
// see it again.
func TestTask_plain(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"=fail", EnvSeed+"=42")
	printed, err := cmd.CombinedOutput()
	if want := "fail: likes is 3. (GRIND_CHECK_SEED=42 repeats this run)"; err == nil || !strings.Contains(string(printed), want) {
		t.Errorf("go test: got %v and\n%s\nwant a failure with %q", err, printed, want)
	}
}

func TestTask_refused(t *testing.T) {
	for env, want := range map[string]string{
		EnvRedis + "=http://x":            "GRIND_CHECK_REDIS is no Redis URL",
		EnvRedis + "=redis://127.0.0.1:1": "check: ",
		EnvTimeout + "=soon":              "GRIND_CHECK_TIMEOUT must be a positive duration",
		EnvTimeout + "=-1s":               "GRIND_CHECK_TIMEOUT must be a positive duration",
		EnvSeed + "=many":                 "GRIND_CHECK_SEED must be a whole number",
	} {
		if got, printed := child(t, "after", env); got["after"].Status != Error || !strings.Contains(got["after"].Message, want) {
			t.Errorf("with %s: got %+v, want an error with %q\n%s", env, got["after"], want, printed)
		}
	}
}

func TestNotImplemented(t *testing.T) {
	for _, err := range []error{ErrNotImplemented, errUnwritten, errors.New("not written yet")} {
		if !NotImplemented(err) {
			t.Errorf("NotImplemented(%v): got false, want true", err)
		}
	}
	for _, err := range []error{nil, errors.New("ERR not written yet, said the server")} {
		if NotImplemented(err) {
			t.Errorf("NotImplemented(%v): got true, want false", err)
		}
	}
}
