package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// window gives steps that begin within a tenth of their time one deadline, and
// one timer.
type window struct{ last atomic.Pointer[deadline] }

// deadline is a context that ends by time alone.
type deadline struct {
	context.Context
	cancel context.CancelFunc // not called: its steps may still be under way
	until  time.Time          // steps may join
}

// shared is a caller's context whose end is that of a window: the caller's own
// cancel is noticed when the step has ended.
type shared struct {
	context.Context // the caller's, for its values
	deadline        *deadline
}

// join returns a context that ends after timeout, or up to a tenth later.
func (w *window) join(ctx context.Context, timeout time.Duration) context.Context {
	now, d := time.Now(), w.last.Load()
	if d == nil || now.After(d.until) {
		next := &deadline{until: now.Add(timeout / 10)}
		next.Context, next.cancel = context.WithDeadline(context.Background(), next.until.Add(timeout))
		w.last.CompareAndSwap(d, next)
		d = next
	}
	return shared{ctx, d}
}

func (s shared) Deadline() (time.Time, bool) { return s.deadline.Deadline() }
func (s shared) Done() <-chan struct{}       { return s.deadline.Done() }
func (s shared) Err() error                  { return s.deadline.Err() }
