package exercise

import (
	"context"

	"github.com/redis-grind/grind/internal/unit"
)

// WatchEvent is what a watch has to tell: first Checking, then a Report or an
// Err. A newer save ends a check that is under way; then neither comes.
type WatchEvent struct {
	Checking bool
	Report   *Report
	Err      error // what kept the check from running; the watch goes on
}

// Watch checks the learner's file now and at each save, until ctx ends, and then
// returns nil. emit is called for one event at a time. An error means that there
// is nothing to watch.
func (r *Runner) Watch(ctx context.Context, e unit.Entry, emit func(WatchEvent)) error {
	if _, err := r.source(e, ""); err != nil {
		return err
	}
	checking := startIdle()
	defer func() { checking.stop() }()
	WatchFile(ctx, r.File(e), func() { checking.stop() }, func() {
		checking.stop() // before the next begins, so that events do not mix
		checking = r.startCheck(ctx, e, emit)
	})
	return nil
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
