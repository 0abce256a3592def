package incident3

import (
	"sync"
	"time"
)

// recent keeps what was seen in the last window. It is safe for concurrent use.
type recent[T any] struct {
	mu   sync.Mutex
	seen []stamped[T]
}

type stamped[T any] struct {
	at    time.Time
	value T
}

func (r *recent[T]) add(value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prune()
	r.seen = append(r.seen, stamped[T]{time.Now(), value})
}

// all returns what is not older than the window, the oldest first.
func (r *recent[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prune()
	out := make([]T, len(r.seen))
	for i, s := range r.seen {
		out[i] = s.value
	}
	return out
}

func (r *recent[T]) prune() {
	from := time.Now().Add(-window)
	n := 0
	for n < len(r.seen) && r.seen[n].at.Before(from) {
		n++
	}
	r.seen = r.seen[n:]
}
