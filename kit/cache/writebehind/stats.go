package writebehind

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/kit/script"
)

// Stats is what a buffer holds and has done, over all processes.
type Stats struct {
	// Pending is how many keys wait for the database.
	Pending int
	// Dead is how many dead letters there are.
	Dead int
	// Lag is the age of the oldest write that has not reached the database, to the
	// millisecond; 0 when none is pending. Watch this one.
	Lag time.Duration
	// Flushed counts the writes that the sink took and that were still the newest
	// of their key then.
	Flushed int64
	// Coalesced counts the writes that took the place of one that was pending.
	Coalesced int64
	// Died counts the writes that became dead letters, requeued ones each time.
	Died int64
}

// Stats adds up all shards, each as it is at its own moment.
//
// Redis: 1 round trip, EVALSHA stats.lua for each shard (in a cluster 1 a node, at
// the same time); O(log n) for n pending keys of a shard.
func (w *Writer[K, V]) Stats(ctx context.Context) (Stats, error) {
	answers := make([]*script.Result, len(w.shards))
	err := script.Pipelined(ctx, w.client, func(b *script.Batch) error {
		for n, s := range w.shards {
			answers[n] = statsScript.Queue(ctx, b, []string{s.pending, s.since, s.dead, s.meta})
		}
		return nil
	})
	if err != nil {
		return Stats{}, fmt.Errorf("writebehind: stats: %w", err)
	}
	var total Stats
	for _, answer := range answers {
		var s Stats
		var lag script.Millis
		if _, err := answer.Scan(&s.Pending, &s.Dead, &lag, &s.Flushed, &s.Coalesced, &s.Died); err != nil {
			return Stats{}, fmt.Errorf("writebehind: stats: %w", err)
		}
		total.Pending += s.Pending
		total.Dead += s.Dead
		total.Lag = max(total.Lag, time.Duration(lag))
		total.Flushed += s.Flushed
		total.Coalesced += s.Coalesced
		total.Died += s.Died
	}
	return total, nil
}
