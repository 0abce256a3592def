package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/cache/outbox"
	"github.com/redis-grind/grind/kit/redistest"
)

var errTest = errors.New("an error of the test")

// What a committed transaction noted is invalidated at once, after the commit, and
// its rows are gone.
func TestInTx(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		box := open(t, s, db, outbox.Options{})
		users := &cache{on: func() {
			var value int
			if err := db.QueryRowContext(t.Context(), "SELECT value FROM items").Scan(&value); value != 7 {
				t.Errorf("while it invalidates others see %d, %v; want that it is committed", value, err)
			}
		}}
		orders := &cache{}
		u, o := bind(t, box, "users", users), bind(t, box, "orders", orders)
		ctx, cancel := context.WithCancel(t.Context())
		err := box.InTx(ctx, nil, func(tx *sql.Tx, b *outbox.Batch) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO items VALUES (1, 7)")
			return errors.Join(err,
				u.Invalidate(ctx, b, 1, 2),
				u.InvalidateTag(ctx, b, "tenant:7"),
				o.Invalidate(ctx, b, 3),
				o.Invalidate(ctx, b))
		})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if users.got() != "#tenant:7 1 2" || orders.got() != "3" {
			t.Errorf("invalidated %s and %s", users.got(), orders.got())
		}
		if n := backlog(t, box); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

// A transaction that is rolled back, by an error or a panic, invalidates nothing,
// then or later.
func TestInTx_rolledBack(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		box := open(t, s, db, outbox.Options{Grace: -1, Every: 10 * time.Millisecond})
		c := &cache{}
		items := bind(t, box, "items", c)
		relay(t, box)
		try := func(f func(b *outbox.Batch) error) (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = p.(error)
				}
			}()
			return box.InTx(t.Context(), nil, func(_ *sql.Tx, b *outbox.Batch) error {
				if err := items.Invalidate(t.Context(), b, 1); err != nil {
					t.Error(err)
				}
				return f(b)
			})
		}
		for _, f := range []func(*outbox.Batch) error{
			func(*outbox.Batch) error { return errTest },
			func(*outbox.Batch) error { panic(errTest) },
		} {
			if err := try(f); !errors.Is(err, errTest) {
				t.Errorf("InTx = %v, want the error of the function", err)
			}
		}
		// A commit later on proves that the relay has looked.
		if err := box.InTx(t.Context(), nil, func(_ *sql.Tx, b *outbox.Batch) error { return items.Invalidate(t.Context(), b, 2) }); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "the committed one is done", func() bool { return backlog(t, box) == 0 })
		if got := strings.ReplaceAll(c.got(), "2", ""); strings.TrimSpace(got) != "" {
			t.Errorf("invalidated %s, want nothing of what was rolled back", got)
		}
	})
}

// If the cache cannot be reached after the commit, the transaction is done all the
// same and the relay invalidates when it can.
func TestInTx_deferred(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		box := open(t, s, db, outbox.Options{Grace: -1, Every: 10 * time.Millisecond})
		broken, fine := &cache{err: errTest}, &cache{}
		b, f := bind(t, box, "broken", broken), bind(t, box, "fine", fine)
		err := box.InTx(t.Context(), nil, func(_ *sql.Tx, batch *outbox.Batch) error {
			return errors.Join(b.Invalidate(t.Context(), batch, 1), b.InvalidateTag(t.Context(), batch, "x"), f.Invalidate(t.Context(), batch, 2))
		})
		if err != nil {
			t.Errorf("InTx = %v, want nil: it is committed", err)
		}
		relay(t, box)
		redistest.Eventually(t, "the other cache is served", func() bool { return fine.got() == "2" && backlog(t, box) == 2 })
		if broken.got() != "" {
			t.Errorf("invalidated %s", broken.got())
		}
		broken.fail(nil)
		redistest.Eventually(t, "the relay delivers", func() bool { return broken.got() == "#x 1" && backlog(t, box) == 0 })
	})
}

// With a transaction of one's own: nothing before AfterCommit, which says when it
// leaves work to the relay.
func TestBatch_AfterCommit(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		box := open(t, s, db, outbox.Options{})
		c := &cache{}
		items := bind(t, box, "items", c)
		for _, cause := range []error{nil, errTest} {
			c.fail(cause)
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			b := box.On(tx)
			if err := items.Invalidate(t.Context(), b, 1); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if cause == nil && c.got() != "" {
				t.Errorf("invalidated %s before AfterCommit", c.got())
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the request is over
			if err := b.AfterCommit(ctx); !errors.Is(err, cause) || cause != nil && !errors.Is(err, outbox.ErrDeferred) {
				t.Errorf("AfterCommit = %v, want %v", err, cause)
			}
		}
		if n := backlog(t, box); n != 1 || c.got() != "1" {
			t.Errorf("%d rows are left and %q invalidated, want one of each", n, c.got())
		}
	})
}

// Two relays on many rows: all are delivered, on PostgreSQL each by one of them.
func TestRun_twoRelays(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		const rows = 1000
		staging := open(t, s, db, outbox.Options{})
		note(t, db, staging, bind(t, staging, "items", &cache{}), rows)
		both := make(chan struct{})
		var arrived sync.WaitGroup
		arrived.Add(2)
		go func() { arrived.Wait(); close(both) }()
		var caches [2]*cache
		for i := range caches {
			arrive := sync.OnceFunc(arrived.Done)
			caches[i] = &cache{on: func() { // neither goes on before both have rows
				arrive()
				select {
				case <-both:
				case <-t.Context().Done():
				}
			}}
			box := open(t, s, db, outbox.Options{Grace: -1, Every: 5 * time.Millisecond, Batch: 100, Timeout: 10 * time.Second})
			bind(t, box, "items", caches[i])
			relay(t, box)
		}
		redistest.Eventually(t, "all are delivered", func() bool { return backlog(t, staging) == 0 })
		seen := map[string]int{}
		for _, c := range caches {
			for item := range strings.FieldsSeq(c.got()) {
				seen[item]++
			}
		}
		if len(seen) != rows {
			t.Errorf("%d of %d keys were invalidated", len(seen), rows)
		}
		for item, n := range seen {
			if n > 1 && s.Dialect == outbox.Postgres {
				t.Errorf("%s was invalidated by both relays", item)
			}
		}
	})
}

// note leaves rows of a committed transaction for the relay.
func note(t *testing.T, db *sql.DB, box *outbox.Outbox, c *outbox.Cache[int], n int) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]int, n)
	for i := range keys {
		keys[i] = i
	}
	if err := c.Invalidate(t.Context(), box.On(tx), keys...); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// The relay leaves alone: rows that are younger than Grace, and rows of caches that
// are not its own. Rows that are too old go undelivered.
func TestRun_leaves(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		theirs := open(t, s, db, outbox.Options{})
		note(t, db, theirs, bind(t, theirs, "theirs", &cache{}), 3)
		ours := open(t, s, db, outbox.Options{Every: 5 * time.Millisecond, Grace: 300 * time.Millisecond})
		c := &cache{}
		items := bind(t, ours, "ours", c)
		begin := time.Now()
		note(t, db, ours, items, 2)
		relay(t, ours)
		redistest.Eventually(t, "ours are delivered", func() bool { return c.got() == "0 1" && backlog(t, ours) == 3 })
		if took := time.Since(begin); took < 300*time.Millisecond {
			t.Errorf("they were delivered after %v, before the end of Grace", took)
		}
		old := open(t, s, db, outbox.Options{Every: 5 * time.Millisecond, KeepFor: time.Millisecond})
		relay(t, old)
		redistest.Eventually(t, "what is too old is gone", func() bool { return backlog(t, old) == 0 })
	})
}

// A key that cannot be read back holds up nobody.
func TestRun_badKey(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		box := open(t, s, db, outbox.Options{Grace: -1, Every: 5 * time.Millisecond})
		c := &cache{}
		note(t, db, box, bind(t, box, "items", c), 2)
		if _, err := db.ExecContext(t.Context(), `UPDATE cache_outbox SET item = '"a word"' WHERE item = '0'`); err != nil {
			t.Fatal(err)
		}
		relay(t, box)
		redistest.Eventually(t, "the table is empty", func() bool { return backlog(t, box) == 0 })
		if c.got() != "1" {
			t.Errorf("invalidated %q, want the key that can be read", c.got())
		}
	})
}

// A table in a schema of its own.
func TestSchema(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		create, table := "CREATE SCHEMA app", "app.outbox_rows"
		if s.Dialect == outbox.SQLite {
			create, table = "SELECT 1", "main.outbox_rows"
		}
		box := open(t, s, db, outbox.Options{Table: table})
		if _, err := db.ExecContext(t.Context(), create); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), box.Schema()); err != nil {
			t.Fatal(err)
		}
		note(t, db, box, bind(t, box, "items", &cache{}), 250)
		if n := backlog(t, box); n != 250 {
			t.Errorf("%d rows, want 250", n)
		}
	})
}

func TestNew_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    outbox.Options
		want string
	}{
		{outbox.Options{Dialect: "oracle"}, "Options.Dialect"},
		{outbox.Options{Table: "a; DROP TABLE b"}, "Options.Table"},
		{outbox.Options{Every: -1}, "Options.Every"},
		{outbox.Options{Timeout: -1}, "Options.Timeout"},
		{outbox.Options{Batch: -1}, "Options.Batch"},
		{outbox.Options{Batch: 10_001}, "Options.Batch"},
	} {
		if _, err := outbox.New(nil, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want an error that names %s", tt.o, err, tt.want)
		}
	}
	box, err := outbox.New(nil, outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bind(t, box, "items", &cache{})
	for _, name := range []string{"", "items"} {
		if _, err := outbox.Bind(box, name, &cache{}); err == nil {
			t.Errorf("bind %q: got no error", name)
		}
	}
	unmarshallable, err := outbox.Bind(box, "channels", channels{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unmarshallable.Invalidate(t.Context(), box.On(nil), make(chan int)); err == nil {
		t.Error("a key that is no JSON: got no error")
	}
}

type channels struct{}

func (channels) Invalidate(context.Context, ...chan int) error  { return nil }
func (channels) InvalidateTag(context.Context, ...string) error { return nil }
