package httpcache

import (
	"sync/atomic"

	"github.com/redis-grind/grind/kit/cache"
)

// Stats are what happened in this process since New. Each is a number of
// requests, but for the last three.
type Stats struct {
	Hits        int64 // answered with what was stored
	Stale       int64 // of these, with what was stale
	Collapsed   int64 // answered with the response to another request of this process
	Misses      int64 // answered by the handler, for the cache
	Unstored    int64 // the same, and the response turned out not to be one that is stored
	Passed      int64 // answered by the handler itself: see detail in Cache-Status
	NotModified int64 // of those above, with 304
	Overloaded  int64 // 503 by Options.OriginLimit

	Invalidations      int64 // tried, after requests that change something
	InvalidationErrors int64 // of these, failed: what is stored stays old until it ends
	Cache              cache.Stats
}

// counters are Stats while they are counted.
type counters struct {
	hits, stale, collapsed, misses, unstored, passed, notModified, overloaded, invalidations, invalidationErrors atomic.Int64
}

// Stats returns the numbers.
func (c *Cache) Stats() Stats {
	return Stats{
		Hits:               c.stats.hits.Load(),
		Stale:              c.stats.stale.Load(),
		Collapsed:          c.stats.collapsed.Load(),
		Misses:             c.stats.misses.Load(),
		Unstored:           c.stats.unstored.Load(),
		Passed:             c.stats.passed.Load(),
		NotModified:        c.stats.notModified.Load(),
		Overloaded:         c.stats.overloaded.Load(),
		Invalidations:      c.stats.invalidations.Load(),
		InvalidationErrors: c.stats.invalidationErrors.Load(),
		Cache:              c.entries.Stats(),
	}
}
