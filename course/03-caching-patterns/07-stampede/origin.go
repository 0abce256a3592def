package stampede

import (
	"context"
	"sync"
	"time"
)

// origin makes pages: each takes a while, and only so many are made at a time, as by
// a database with so many connections. The others wait in line.
type origin struct {
	delay  time.Duration
	places chan struct{}

	mu        sync.Mutex
	loads     int // in all
	refreshes int // of these, begun when no other was under way
	inside    int // made or waited for now
	peak      int // the most of that
}

func newOrigin(delay time.Duration, places int) *origin {
	return &origin{delay: delay, places: make(chan struct{}, places)}
}

// load makes a page and returns how long that took.
func (o *origin) load(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	o.mu.Lock()
	o.loads++
	if o.inside == 0 {
		o.refreshes++
	}
	o.inside++
	o.peak = max(o.peak, o.inside)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.inside--
		o.mu.Unlock()
	}()
	select {
	case o.places <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-o.places }()
	select {
	case <-time.After(o.delay):
		return time.Since(begun), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// reset forgets what was counted so far.
func (o *origin) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loads, o.refreshes, o.peak = 0, 0, 0
}

// counts returns what was counted.
func (o *origin) counts() (loads, refreshes, peak int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.loads, o.refreshes, o.peak
}
