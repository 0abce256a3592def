package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// window gives steps that begin within a tenth of their time one end, and one
// timer.
type window struct{ last atomic.Pointer[end] }

// end is a moment, as contexts have it.
type end struct {
	joinable time.Time // until then
	at       time.Time
	reached  chan struct{}
}

// join returns a context that ends after timeout, or up to a tenth later.
func (w *window) join(ctx context.Context, timeout time.Duration) context.Context {
	now, e := time.Now(), w.last.Load()
	if e == nil || now.After(e.joinable) {
		next := &end{joinable: now.Add(timeout / 10), reached: make(chan struct{})}
		next.at = next.joinable.Add(timeout)
		time.AfterFunc(next.at.Sub(now), func() { close(next.reached) })
		w.last.CompareAndSwap(e, next)
		e = next
	}
	return windowed{ctx, e}
}

// windowed is a caller's context whose end is that of a window: what the caller
// cancels is noticed when the step has ended.
type windowed struct {
	context.Context // the caller's, for its values
	end             *end
}

// Deadline is that of the window.
func (s windowed) Deadline() (time.Time, bool) { return s.end.at, true }

// Done is closed with the window.
func (s windowed) Done() <-chan struct{} { return s.end.reached }

// Err says whether the window has closed.
func (s windowed) Err() error {
	select {
	case <-s.end.reached:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
