package cache

import "sync/atomic"

// Stats are what a Cache has counted in this process since it was made. They
// are read one after the other, so a sum may be off by what happened meanwhile.
type Stats struct {
	// Reads, by how they were answered.
	LocalHits    int64 // from memory
	Hits         int64 // by a value in Redis, fresh or stale
	NegativeHits int64 // by the note in Redis that there is no value
	StaleHits    int64 // of Hits: past its TTL, while a newer one is loaded
	StaleOnError int64 // by a stale value, because loading failed
	Misses       int64 // Redis had nothing that could be answered with
	Waited       int64 // of the misses: another process had loaded meanwhile

	// Loads.
	Loads      int64 // calls of a loader; one of FetchMany is one
	LoadErrors int64 // of these: an error other than ErrNotFound, a panic, too late
	Refreshes  int64 // of these: in the background

	// What became of what was loaded or written.
	Stored      int64
	Refused     int64 // an invalidation or another write came meanwhile
	Unstored    int64 // loaded without a lease: see Options.Wait, and outages
	Oversized   int64 // larger than Options.MaxBytes
	Unencodable int64 // the codec refused the value

	// Entries in Redis that could not be read.
	Undecodable int64 // damaged, sealed with an unknown key, or older: loaded anew
	Newer       int64 // written by a newer version of the program: left alone

	// Trouble with Redis.
	RedisErrors int64 // steps that failed, and were answered by the origin
	OutOfMemory int64 // values or leases that Redis had no room for
	Overloaded  int64 // reads that were refused: ErrOverloaded
	Outage      bool  // Redis is not asked at the moment

	Invalidations int64 // keys that were invalidated, by tag too
	LocalEntries  int   // values in memory, about; some may be over
	LocalResets   int64 // how often memory was emptied, because messages may be missing
	Pushed        bool  // Run is at work and hears of every invalidation
}

// counters are behind Stats.
type counters struct {
	hits, negativeHits, staleHits, staleOnError, misses, waited atomic.Int64
	loads, loadErrors, refreshes                                atomic.Int64
	stored, refused, unstored, oversized, unencodable           atomic.Int64
	undecodable, newer                                          atomic.Int64
	redisErrors, outOfMemory, overloaded                        atomic.Int64
	invalidations, localResets                                  atomic.Int64
}

// Stats returns what was counted so far. It asks nobody.
func (c *Cache[K, V]) Stats() Stats {
	n := &c.stats
	s := Stats{
		Hits: n.hits.Load(), NegativeHits: n.negativeHits.Load(), StaleHits: n.staleHits.Load(),
		StaleOnError: n.staleOnError.Load(), Misses: n.misses.Load(), Waited: n.waited.Load(),
		Loads: n.loads.Load(), LoadErrors: n.loadErrors.Load(), Refreshes: n.refreshes.Load(),
		Stored: n.stored.Load(), Refused: n.refused.Load(), Unstored: n.unstored.Load(),
		Oversized: n.oversized.Load(), Unencodable: n.unencodable.Load(),
		Undecodable: n.undecodable.Load(), Newer: n.newer.Load(),
		RedisErrors: n.redisErrors.Load(), OutOfMemory: n.outOfMemory.Load(), Overloaded: n.overloaded.Load(),
		Outage:        c.remote.breaker.open(),
		Invalidations: n.invalidations.Load(),
		LocalResets:   n.localResets.Load(),
	}
	s.LocalHits, s.LocalEntries = c.local.counts()
	if t := c.tracker.Load(); t != nil {
		s.Pushed = t.Live()
	}
	return s
}
