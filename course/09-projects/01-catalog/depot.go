package catalog

import (
	"context"
	"sync"
	"time"
)

// depot is the warehouse in miniature: prices, and who asks for them.
type depot struct {
	slow time.Duration

	mu      sync.Mutex
	price   map[int]int
	calls   map[int]int
	now     int // loads under way
	highest int // of now
}

func newDepot(slow time.Duration) *depot {
	return &depot{slow: slow, price: map[int]int{}, calls: map[int]int{}}
}

// load looks first and takes its time then: its answer is as old as the question.
func (d *depot) load(ctx context.Context, id int) (int, error) {
	d.mu.Lock()
	d.calls[id]++
	d.now++
	d.highest = max(d.highest, d.now)
	price := d.price[id]
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.now--
	}()
	select {
	case <-time.After(d.slow):
		return price, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (d *depot) set(id, price int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.price[id] = price
}

// asked is how often a price was asked for.
func (d *depot) asked(id int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[id]
}

// most is how many loads were under way at the same time.
func (d *depot) most() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.highest
}
