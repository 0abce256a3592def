package catalog

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxUntold bounds what waits to be told. When it is reached changes are refused:
// one that cannot be told must not be made.
const maxUntold = 10_000

// untold keeps the products that were changed when the caches could not be told,
// and tells them until it works. Until then this instance reads those products
// from the store, so whoever changed one reads it back; others read what Redis
// still holds once it answers again, which is until the next try.
//
// What it keeps is gone with the process. A database has the outbox for that (see
// SQL); an origin behind HTTP has no transaction that we could join, so there an
// old value may live until its time to live ends.
type untold struct {
	tell   func(ctx context.Context, ids ...int) error
	logger *slog.Logger
	count  atomic.Int64 // of ids, for readers
	wake   chan struct{}

	mu  sync.Mutex
	ids map[int]int // product to how often it was added
}

func newUntold(tell func(context.Context, ...int) error, logger *slog.Logger) *untold {
	return &untold{tell: tell, logger: logger, wake: make(chan struct{}, 1), ids: map[int]int{}}
}

// any reports whether there is anything; full, whether no more may come.
func (u *untold) any() bool  { return u.count.Load() > 0 }
func (u *untold) full() bool { return u.count.Load() >= maxUntold }

// has reports whether a product is to be told.
func (u *untold) has(id int) bool {
	if !u.any() {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ids[id] > 0
}

// add keeps products that were changed.
func (u *untold) add(ids ...int) {
	u.mu.Lock()
	for _, id := range ids {
		u.ids[id]++
	}
	u.count.Store(int64(len(u.ids)))
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// The bounds of telling.
const (
	tellAgain = 200 * time.Millisecond
	tellTime  = time.Second // for one try of a batch
	tellBatch = 20          // products at a time: what was told stays told
)

// run tells what there is until ctx ends, and then once more.
func (u *untold) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if u.tellAll(ctx) {
			select {
			case <-u.wake:
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-time.After(tellAgain):
		case <-ctx.Done():
		}
	}
	if !u.tellAll(context.WithoutCancel(ctx)) {
		u.logger.Error("changes were not told to the caches, which may answer with older values until these end",
			"products", u.count.Load(), "for", productTTL)
	}
	return nil
}

// tellAll reports whether nothing is left. A product that was changed again
// meanwhile stays.
func (u *untold) tellAll(ctx context.Context) bool {
	u.mu.Lock()
	taken := maps.Clone(u.ids)
	u.mu.Unlock()
	for ids := range slices.Chunk(slices.Collect(maps.Keys(taken)), tellBatch) {
		if !u.tellSome(ctx, ids, taken) {
			return false
		}
	}
	return !u.any()
}

// tellSome tells of some products, and reports whether that worked.
func (u *untold) tellSome(ctx context.Context, ids []int, taken map[int]int) bool {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	if err := u.tell(ctx, ids...); err != nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if u.ids[id] == taken[id] {
			delete(u.ids, id)
		}
	}
	u.count.Store(int64(len(u.ids)))
	return true
}
