package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/redis-grind/grind/internal/pgproc"
	"github.com/redis-grind/grind/kit/cache/outbox"
)

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		os.Exit(workerMain())
	}
	goleak.VerifyTestMain(m)
}

// postgres is the server of this package's tests. It ends with their process.
var postgres = sync.OnceValues(func() (*pgproc.Server, error) {
	return pgproc.Start(context.Background(), pgproc.Options{})
})

// source names a database that no other test uses.
type source struct {
	Dialect outbox.Dialect
	Driver  string
	URL     string
}

func (s source) open() (*sql.DB, error) { return sql.Open(s.Driver, s.URL) }

// eachDialect runs a test on both, each time on a new database with the table and
// one more, items.
func eachDialect(t *testing.T, test func(t *testing.T, s source, db *sql.DB)) {
	t.Parallel()
	for _, dialect := range []outbox.Dialect{outbox.SQLite, outbox.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			s := source{Dialect: dialect, Driver: "sqlite"}
			s.URL = "file:" + filepath.Join(t.TempDir(), "db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate"
			if dialect == outbox.Postgres {
				server, err := postgres()
				if err != nil {
					t.Fatal(err)
				}
				if s.URL, err = server.Database(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Driver = "pgx"
			}
			db, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			box := open(t, s, db, outbox.Options{})
			for range 2 { // the second time it is there
				if _, err := db.ExecContext(t.Context(), box.Schema()+"CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, value INTEGER)"); err != nil {
					t.Fatal(err)
				}
			}
			test(t, s, db)
		})
	}
}

func open(t *testing.T, s source, db *sql.DB, o outbox.Options) *outbox.Outbox {
	t.Helper()
	o.Dialect = s.Dialect
	box, err := outbox.New(db, o)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func bind(t *testing.T, box *outbox.Outbox, name string, c *cache) *outbox.Cache[int] {
	t.Helper()
	bound, err := outbox.Bind(box, name, c)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

// relay runs the relay until the test ends.
func relay(t *testing.T, box *outbox.Outbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil at the end of its context", err)
		}
	})
}

func backlog(t *testing.T, box *outbox.Outbox) int {
	t.Helper()
	rows, oldest, err := box.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rows == 0 && oldest != 0 || oldest > time.Hour {
		t.Errorf("%d rows, the oldest of %v", rows, oldest)
	}
	return rows
}

// cache notes what was invalidated, and can fail.
type cache struct {
	mu    sync.Mutex
	items []string
	err   error
	on    func() // called before each invalidation
}

func (c *cache) Invalidate(ctx context.Context, keys ...int) error {
	for _, key := range keys {
		if err := c.note(ctx, fmt.Sprint(key)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cache) InvalidateTag(ctx context.Context, tags ...string) error {
	for _, tag := range tags {
		if err := c.note(ctx, "#"+tag); err != nil {
			return err
		}
	}
	return nil
}

func (c *cache) note(ctx context.Context, item string) error {
	if c.on != nil {
		c.on()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.items = append(c.items, item)
	return ctx.Err()
}

func (c *cache) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// got is what was invalidated, sorted.
func (c *cache) got() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(c.items)), " ")
}
