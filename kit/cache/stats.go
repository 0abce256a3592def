package cache

import "sync/atomic"

// counters are what a cache counts, without what its first layer does.
type counters struct {
	hits, negativeHits, staleHits, staleOnError, misses, waited atomic.Int64
	loads, loadErrors, refreshes                                atomic.Int64
	stored, refused, unstored, oversized, unencodable           atomic.Int64
	undecodable, newer                                          atomic.Int64
	redisErrors, outOfMemory, overloaded                        atomic.Int64
	invalidations                                               atomic.Int64
}
