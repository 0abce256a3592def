package redistest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/kit/redisproc"
)

// server is the one that Main started for the package under test.
var server *redisproc.Server

const noMain = "redistest: no server for this package: call redistest.Main(m) in TestMain"

// startWait bounds the start of a server, with room for a machine under load.
const startWait = time.Minute

// Runner is a *testing.M, or what NoLeaks made of one.
type Runner interface{ Run() int }

// Main starts a server, runs the tests of a package, stops the server and exits
// with the tests' code. Call it from TestMain. It takes at most one Options;
// without one the server is the plain one of redisproc.
//
// Where no server is installed it says what to install and exits with 1: tests
// that did not run are not tests that passed.
func Main(m Runner, o ...redisproc.Options) {
	os.Exit(run(m, o))
}

func run(m Runner, o []redisproc.Options) int {
	var options redisproc.Options
	switch len(o) {
	case 0:
	case 1:
		options = o[0]
	default:
		fmt.Fprintf(os.Stderr, "redistest: Main takes at most one Options, got %d\n", len(o))
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	s, err := redisproc.Start(ctx, options)
	if errors.Is(err, redisproc.ErrNotInstalled) {
		fmt.Fprintf(os.Stderr, "redistest: no redis-server or valkey-server on PATH; run make setup or apt-get install redis-server\n\t%v\n", err)
		return 1
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "redistest:", err)
		return 1
	}
	server = s
	code := m.Run()
	if err := errors.Join(stopShared(), s.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, "redistest:", err)
		return 1
	}
	return code
}

// NoLeaks adds a last test to those of m: no goroutine that they started is
// left. Use it as Main(NoLeaks(m)) where the package under test has goroutines.
func NoLeaks(m Runner) Runner { return leakCheck{m} }

type leakCheck struct{ tests Runner }

func (c leakCheck) Run() int {
	before := goleak.IgnoreCurrent()
	if code := c.tests.Run(); code != 0 {
		return code
	}
	// What the tests share was started after before, and is no leak of theirs.
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "redistest:", err)
		return 1
	}
	if err := goleak.Find(before); err != nil {
		fmt.Fprintln(os.Stderr, "redistest: goroutines are left:", err)
		return 1
	}
	return 0
}

// Server is the package's server. Tests share it: pausing or killing it is for
// those of Start.
func Server(t testing.TB) *redisproc.Server {
	t.Helper()
	if server == nil {
		t.Fatal(noMain)
	}
	return server
}

// Addr is the address of the package's server.
func Addr(t testing.TB) string {
	t.Helper()
	return Server(t).Addr()
}

// Client returns a client of the package's server, closed when the test ends.
// Its options are go-redis's defaults with address, password and TLS of the
// server, after change.
func Client(t testing.TB, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	return ClientOf(t, Server(t), change...)
}

// ClientOf is Client for a server of Start.
func ClientOf(t testing.TB, s *redisproc.Server, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	options := optionsOf(s)
	for _, f := range change {
		f(options)
	}
	c := redis.NewClient(options)
	closeAtEnd(t, c)
	return c
}

// exampleDB is the database of examples, away from that of tests.
const exampleDB = 15

// ExampleClient returns a client for an Example function, which has no
// testing.TB. Its database, 15 of the package's server, is emptied first:
// Examples run one after the other. Close it at the end.
func ExampleClient() *redis.Client {
	if server == nil {
		panic(noMain)
	}
	options := optionsOf(server)
	options.DB = exampleDB
	sweeper := redis.NewClient(options)
	defer sweeper.Close()
	if err := sweeper.FlushDB(context.Background()).Err(); err != nil { //nolint:forbidigo // a database of our own server
		panic(fmt.Sprintf("redistest: empty the database of examples: %v", err))
	}
	return redis.NewClient(options)
}

func optionsOf(s *redisproc.Server) *redis.Options {
	return &redis.Options{Addr: s.Addr(), Password: s.Password(), TLSConfig: s.TLSConfig()}
}

// Start starts a private server for this test and stops it at its end. The log
// is shown when the test failed.
func Start(t testing.TB, o redisproc.Options) *redisproc.Server {
	t.Helper()
	if o.Name == "" {
		o.Name = safe(t.Name())
	}
	ctx, cancel := context.WithTimeout(t.Context(), startWait)
	defer cancel()
	s, err := redisproc.Start(ctx, o)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("redistest: the log of %s ends with\n%s", o.Name, s.Log())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("redistest: %v", err)
		}
	})
	return s
}

// Prefix returns a prefix for the keys of this test that no other test has, made of
// its name and a random end; it holds letters, digits, '-' and '_' only. All
// keys that begin with it are removed when the test ends, from the package's
// server and from the topologies that its tests have started. Redis: one SCAN
// over each primary, and UNLINK.
func Prefix(t testing.TB) string {
	t.Helper()
	s := Server(t)
	prefix := fmt.Sprintf("%.48s-%s", safe(t.Name()), strings.ToLower(rand.Text()[:10]))
	t.Cleanup(func() {
		if err := removeAll(s, prefix+"*"); err != nil {
			t.Errorf("redistest: remove the keys of %s: %v", prefix, err)
		}
	})
	return prefix
}

// removeAll deletes what matches on all that the package's tests share, by
// clients of its own: those of the test may be closed, limited or lost by now.
func removeAll(s *redisproc.Server, pattern string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	single := redis.NewClient(optionsOf(s))
	defer single.Close()
	errs := []error{remove(ctx, single, pattern)}
	if s, ok := sentinels.running(); ok {
		c := redis.NewFailoverClient(s.Options())
		defer c.Close()
		errs = append(errs, remove(ctx, c, pattern))
	}
	if s, ok := clusters.running(); ok {
		c := redis.NewClusterClient(s.Options())
		defer c.Close()
		errs = append(errs, c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return remove(ctx, node, pattern)
		}))
	}
	return errors.Join(errs...)
}

// remove deletes what matches on one server. Keys go one by one, for in a
// cluster those of two slots do not go together.
func remove(ctx context.Context, c *redis.Client, pattern string) error {
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(ctx, cursor, pattern, 1000).Result()
		if err != nil {
			return err
		}
		_, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Unlink(ctx, key)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// safe leaves of a test's name what needs no escaping in a key, in a pattern of
// SCAN and in a file name.
func safe(name string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

// eventuallyWait is how long Eventually waits.
const eventuallyWait = 10 * time.Second

// Eventually calls cond until it is true, and fails the test with cause after
// ten seconds. It is for what another process or goroutine brings about; what
// the test itself did is true at once.
func Eventually(t testing.TB, cause string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(eventuallyWait)
	for wait := time.Millisecond; !cond(); wait = min(2*wait, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("redistest: not true within %v: %s", eventuallyWait, cause)
		}
		time.Sleep(wait)
	}
}
