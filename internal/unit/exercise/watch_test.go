package exercise

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
)

// TestWatch saves a file as editors do, in place and by a rename, and once while
// a check is under way.
func TestWatch(t *testing.T) {
	t.Parallel()
	loop := file("", "\tfor {\n\t}", "")
	r, path := started(t, file("", right, ""))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := make(chan WatchEvent)
	ended := make(chan error, 1)
	go func() {
		ended <- r.Watch(ctx, add, func(e WatchEvent) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	}()
	next := func() WatchEvent {
		select {
		case e := <-events:
			return e
		case <-time.After(time.Minute):
			t.Fatal("no event within a minute")
			return WatchEvent{}
		}
	}
	reports := func(want check.Status) {
		t.Helper()
		for {
			e := next()
			if e.Checking {
				continue // a save may be seen in two steps
			}
			if e.Err != nil || e.Report.Status != want {
				t.Errorf("event: got %+v, %v, want a report with %s", e.Report, e.Err, want)
			}
			return
		}
	}
	if e := next(); !e.Checking {
		t.Errorf("first event: got %+v, want Checking", e)
	}
	reports(check.Pass)

	write(t, path+".new", "package exercise\n")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	reports(check.Error) // does not compile

	write(t, path, loop)
	if e := next(); !e.Checking {
		t.Errorf("event after a save: got %+v, want Checking", e)
	}
	write(t, path, file("", right, ""))
	reports(check.Pass) // and nothing of the loop

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Watch: got %v at its end, want nil", err)
	}
}

func TestWatch_nothing(t *testing.T) {
	if err := newRunner(t).Watch(t.Context(), add, nil); !errors.Is(err, ErrNotStarted) {
		t.Errorf("Watch without a file: got %v, want ErrNotStarted", err)
	}
}
