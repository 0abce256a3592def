package exercise

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	// settle is how long a file must stay as it is before it is checked: editors
	// save in several steps.
	settle = 200 * time.Millisecond
	// look is how often the file is looked at beside the notifications, which do
	// not come from every file system (WSL, shared folders).
	look = time.Second
)

// WatchEvent is what a watch has to tell: first Checking, then a Report or an
// Err. A newer save ends a check that is under way; then neither comes.
type WatchEvent struct {
	Checking bool
	Report   *Report
	Err      error // what kept the check from running; the watch goes on
}

// stamp tells one save of a file from the next.
type stamp struct {
	at   time.Time
	size int64
}

// Watch checks the learner's file now and at each save, until ctx ends, and then
// returns nil. emit is called for one event at a time. An error means that there
// is nothing to watch.
func (r *Runner) Watch(ctx context.Context, e unit.Entry, emit func(WatchEvent)) error {
	if _, err := r.source(e, ""); err != nil {
		return err
	}
	file := r.File(e)
	var changes <-chan fsnotify.Event // nil, and so silent, if there are no notifications
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		// The folder, since editors replace the file.
		if w.Add(filepath.Dir(file)) == nil {
			changes = w.Events
		}
	}
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	quiet := time.NewTimer(0) // the first check is due now
	defer quiet.Stop()
	checking := startIdle()
	defer func() { checking.stop() }()
	last := stampOf(file)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-ticks.C:
		case <-quiet.C:
			checking.stop() // before the next begins, so that events do not mix
			checking = r.startCheck(ctx, e, emit)
			continue
		}
		if now := stampOf(file); now != last {
			last = now
			checking.stop()
			quiet.Reset(settle)
		}
	}
}

// running is a check that may be ended early.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func startIdle() running {
	done := make(chan struct{})
	close(done)
	return running{cancel: func() {}, done: done}
}

func (r *Runner) startCheck(ctx context.Context, e unit.Entry, emit func(WatchEvent)) running {
	ctx, cancel := context.WithCancel(ctx)
	c := running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		defer cancel()
		emit(WatchEvent{Checking: true})
		report, err := r.Check(ctx, e, CheckOptions{})
		if ctx.Err() == nil || report != nil {
			emit(WatchEvent{Report: report, Err: err})
		}
	}()
	return c
}

// stop ends the check and waits for its end.
func (c running) stop() {
	c.cancel()
	<-c.done
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
