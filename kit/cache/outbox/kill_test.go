package outbox_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/cache/outbox"
	"github.com/redis-grind/grind/kit/redistest"
)

// workerEnv makes this test binary a process that dies by kill -9 on its way. It
// holds a job as JSON.
const workerEnv = "OUTBOX_TEST_WORKER"

// job is what it does: one transaction, and its death at a point.
type job struct {
	Source source
	Die    string
}

func dieHere() {
	self, _ := os.FindProcess(os.Getpid())
	_ = self.Kill()
	select {} // until it works
}

// mortal is a cache that dies before or after it has done its work.
type mortal struct{ die string }

func (m mortal) Invalidate(_ context.Context, keys ...int) error {
	if m.die == "before the invalidation" {
		dieHere()
	}
	for _, key := range keys {
		fmt.Println("invalidated", key)
	}
	if m.die == "before the delete" {
		dieHere()
	}
	return nil
}

func (mortal) InvalidateTag(context.Context, ...string) error { return nil }

func workerMain() int {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &j); err != nil {
		return 2
	}
	db, err := j.Source.open()
	if err != nil {
		return 2
	}
	box, err := outbox.New(db, outbox.Options{Dialect: j.Source.Dialect})
	if err != nil {
		return 2
	}
	items, err := outbox.Bind(box, "items", mortal{j.Die})
	if err != nil {
		return 2
	}
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO items VALUES (1, 7)"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	batch := box.On(tx)
	if err := items.Invalidate(ctx, batch, 42); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if j.Die == "before the commit" {
		dieHere()
	}
	if err := tx.Commit(); err != nil {
		return 2
	}
	if j.Die == "after the commit" {
		dieHere()
	}
	if err := batch.AfterCommit(ctx); err != nil {
		return 2
	}
	return 0
}

// A process dies by kill -9 before the commit, and at each point between it and the
// end of the invalidation. The relay invalidates what was committed, and nothing
// else.
func TestKill(t *testing.T) {
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		for _, tt := range []struct {
			die       string
			committed bool
			byRelay   string
		}{
			{"before the commit", false, ""},
			{"after the commit", true, "42"},
			{"before the invalidation", true, "42"},
			{"before the delete", true, "42"}, // once more, which is harmless
			{"", true, ""},
		} {
			give, err := json.Marshal(job{s, tt.die})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), workerEnv+"="+string(give))
			cmd.Stderr = os.Stderr
			_ = cmd.Run() // its state says how it ended
			if killed := !cmd.ProcessState.Exited(); killed != (tt.die != "") {
				t.Fatalf("%q: the worker ended with %v", tt.die, cmd.ProcessState)
			}
			c := &cache{}
			box := open(t, s, db, outbox.Options{Grace: -1, Every: 5 * time.Millisecond})
			bind(t, box, "items", c)
			marker := &cache{}
			m := bind(t, box, "marker", marker) // after items: when it is served, they were
			note(t, db, box, m, 1)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- box.Run(ctx) }()
			redistest.Eventually(t, "the relay has done all", func() bool { return marker.got() == "0" && backlog(t, box) == 0 })
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if got := c.got(); got != tt.byRelay {
				t.Errorf("killed %s: the relay invalidated %q, want %q", tt.die, got, tt.byRelay)
			}
			result, err := db.ExecContext(t.Context(), "DELETE FROM items")
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := result.RowsAffected(); (n == 1) != tt.committed {
				t.Errorf("killed %s: %d rows were committed", tt.die, n)
			}
		}
	})
}
