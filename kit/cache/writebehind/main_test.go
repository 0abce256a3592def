package writebehind_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		os.Exit(workerMain())
	}
	redistest.Main(redistest.NoLeaks(m))
}

type (
	writer  = writebehind.Writer[string, int]
	write   = writebehind.Write[string, int]
	options = writebehind.Options[string, int]
)

// quick has no delay and short waits, for tests that wait for the outcome.
func quick(o options) options {
	o.Delay = -1
	if o.Backoff == 0 {
		o.Backoff, o.MaxBackoff = time.Millisecond, 4*time.Millisecond
	}
	return o
}

func open(t testing.TB, c redis.UniversalClient, o options) *writer {
	t.Helper()
	if o.Prefix == "" {
		o.Prefix = redistest.Prefix(t)
	}
	w, err := writebehind.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs the writer until the test ends.
func run(t testing.TB, w *writer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil at the end of its context", err)
		}
	})
}

func put(t testing.TB, w *writer, key string, value int) {
	t.Helper()
	if err := w.Put(t.Context(), key, value); err != nil {
		t.Fatal(err)
	}
}

func drain(t testing.TB, w *writer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func stats(t testing.TB, w *writer) writebehind.Stats {
	t.Helper()
	s, err := w.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database is a sink that refuses versions that are not newer, as a table with a
// version column does, and can be told to fail.
type database struct {
	mu    sync.Mutex
	rows  map[string]write
	calls [][]write
	fail  func([]write) error
}

func (d *database) sink(_ context.Context, writes []write) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, writes)
	if d.fail != nil {
		if err := d.fail(writes); err != nil {
			return err
		}
	}
	for _, w := range writes {
		d.apply(w)
	}
	return nil
}

func (d *database) apply(w write) {
	if d.rows == nil {
		d.rows = map[string]write{}
	}
	if w.Version > d.rows[w.Key].Version {
		d.rows[w.Key] = w
	}
}

// read is what a repository does, with the lock that a database has.
func (d *database) read(_ context.Context, key string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	row, ok := d.rows[key]
	if !ok || row.Deleted {
		return 0, errNoRow
	}
	return row.Value, nil
}

var errNoRow = errors.New("no such row")

func (d *database) set(fail func([]write) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *database) sinkCalls() [][]write {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// invalidated notes what was invalidated.
type invalidated struct {
	mu   sync.Mutex
	keys []string
	err  error
}

func (i *invalidated) Invalidate(_ context.Context, keys ...string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, keys...)
	return i.err
}

func (i *invalidated) take() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	defer func() { i.keys = nil }()
	return i.keys
}
