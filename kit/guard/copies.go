package guard

import (
	"container/list"
	"fmt"
	"sync"
	"time"
)

// CopiesOptions of a Copies. The zero ones work.
type CopiesOptions struct {
	// MaxAge is how old a copy may be to be served. Zero is a minute; negative is
	// an error.
	MaxAge time.Duration
	// Entries is how many copies are kept; the one that was renewed the longest ago
	// goes first. Zero is 1,000; negative is an error.
	Entries int
}

// Copies keeps, in this process, what Redis last said, for Stale. It is safe for
// concurrent use. Copies are not deep: who changes a value that Do returned
// changes what others are served later.
type Copies[K comparable, T any] struct {
	o     CopiesOptions
	mu    sync.Mutex
	byKey map[K]*list.Element
	order *list.List // of copied[K, T]; the latest in front
}

type copied[K comparable, T any] struct {
	key K
	v   T
	at  time.Time
}

// NewCopies returns a Copies without any.
func NewCopies[K comparable, T any](o CopiesOptions) (*Copies[K, T], error) {
	if o.MaxAge < 0 {
		return nil, fmt.Errorf("guard: CopiesOptions.MaxAge must not be negative, got %v", o.MaxAge)
	}
	if o.Entries < 0 {
		return nil, fmt.Errorf("guard: CopiesOptions.Entries must not be negative, got %d", o.Entries)
	}
	orZero(&o.MaxAge, time.Minute)
	orZero(&o.Entries, 1000)
	return &Copies[K, T]{o: o, byKey: map[K]*list.Element{}, order: list.New()}, nil
}

// Forget drops the copy for a key, such as at a logout.
//
// Redis: none.
func (c *Copies[K, T]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.byKey[key])
}

func (c *Copies[K, T]) drop(e *list.Element) {
	if e != nil {
		delete(c.byKey, c.order.Remove(e).(copied[K, T]).key)
	}
}

func (c *Copies[K, T]) keep(key K, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.byKey[key])
	c.byKey[key] = c.order.PushFront(copied[K, T]{key, v, time.Now()})
	if c.order.Len() > c.o.Entries {
		c.drop(c.order.Back())
	}
}

// find returns a copy that is young enough, and its age.
func (c *Copies[K, T]) find(key K) (v T, age time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return v, 0, false
	}
	found := e.Value.(copied[K, T])
	if age = time.Since(found.at); age > c.o.MaxAge {
		c.drop(e)
		return v, 0, false
	}
	return found.v, age, true
}
