package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// window gives steps that begin within a tenth of their time one end, and one
// timer.
type window struct {
	start time.Time // of the times below
	last  atomic.Pointer[end]
}

// end is a moment, as contexts have it.
type end struct {
	joinable time.Duration // until then, since start
	at       time.Time
	reached  chan struct{}
}

// join returns a moment after timeout, or up to a tenth later.
func (w *window) join(timeout time.Duration) *end {
	now, e := time.Since(w.start), w.last.Load()
	if e != nil && now <= e.joinable {
		return e
	}
	next := &end{joinable: now + timeout/10, reached: make(chan struct{})}
	after := timeout + timeout/10
	next.at = w.start.Add(now + after)
	time.AfterFunc(after, func() { close(next.reached) })
	w.last.CompareAndSwap(e, next)
	return next
}

// windowed is a caller's context whose end is that of a window: what the caller
// cancels is noticed when the step has ended.
type windowed struct {
	context.Context // the caller's, for its values
	end             *end
}

// Deadline is that of the window.
func (s *windowed) Deadline() (time.Time, bool) { return s.end.at, true }

// Done is closed with the window.
func (s *windowed) Done() <-chan struct{} { return s.end.reached }

// Err says whether the window has closed.
func (s *windowed) Err() error {
	select {
	case <-s.end.reached:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
