package warming

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// archive is the origin: the newspaper's database, with as many connections as it
// has. It counts.
type archive struct {
	connections chan struct{}

	mu       sync.Mutex
	texts    map[int]string
	queries  int
	waiting  int // queries under way or in the queue
	peak     int // of waiting
	answered func(ids []int)
}

func newArchive(articles int) *archive {
	a := &archive{connections: make(chan struct{}, 8), texts: map[int]string{}}
	for id := range articles {
		a.texts[id] = text(id, 1)
	}
	return a
}

// text is an article, in its n-th version.
func text(id, version int) string { return fmt.Sprintf("article %d, version %d", id, version) }

// load answers a query for articles. It takes a moment, on one of the connections.
func (a *archive) load(ctx context.Context, ids []int) (map[int]string, error) {
	a.enter(1)
	defer a.enter(-1)
	select {
	case a.connections <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.connections }()
	a.mu.Lock()
	a.queries++
	found := map[int]string{}
	for _, id := range ids {
		found[id] = a.texts[id]
	}
	answered := a.answered
	a.mu.Unlock()
	time.Sleep(500 * time.Microsecond) // the work of a query
	if answered != nil {
		answered(ids)
	}
	return found, nil
}

// one is a query for one article.
func (a *archive) one(ctx context.Context, id int) (string, error) {
	found, err := a.load(ctx, []int{id})
	return found[id], err
}

func (a *archive) enter(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting += n
	a.peak = max(a.peak, a.waiting)
}

// edit writes the second version of an article.
func (a *archive) edit(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.texts[id] = text(id, 2)
}

// reset begins to count anew.
func (a *archive) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries, a.peak = 0, 0
}

func (a *archive) counts() (queries, peak int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.queries, a.peak
}
