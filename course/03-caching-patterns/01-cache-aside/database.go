package aside

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// database is the pharmacy's: always right, slow, and counted.
type database struct {
	products int           // their codes are 0 … products-1
	delay    time.Duration // of a read

	known, unknown atomic.Int64 // reads, by whether there was such a product

	mu       sync.Mutex
	recalled map[int]bool
}

func newDatabase(products int, delay time.Duration) *database {
	return &database{products: products, delay: delay, recalled: map[int]bool{}}
}

// load returns a loader for one product.
func (d *database) load(code int) loader {
	return func(ctx context.Context) (string, error) {
		if asked, ok := ctx.Value(askedKey{}).(*bool); ok {
			*asked = true
		}
		select {
		case <-time.After(d.delay):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		return d.row(code)
	}
}

// askedKey is the place in a context where a request learns that the database was
// asked for it. Who waits for another's load learns nothing: that is a hit.
type askedKey struct{}

// row is what the database says of a product at this moment.
func (d *database) row(code int) (string, error) {
	if code < 0 || code >= d.products {
		d.unknown.Add(1)
		return "", errUnknown
	}
	d.known.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf(`{"code":%d,"name":"eye drops %d","sell":%t}`, code, code, !d.recalled[code]), nil
}

// recall says that a product may not be sold any more.
func (d *database) recall(code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recalled[code] = true
}
