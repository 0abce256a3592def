package cache

import (
	"sync/atomic"
	"time"
)

// clockAge is after how long what is known of Redis's clock is replaced: two
// clocks drift apart by a few milliseconds in that time.
const clockAge = time.Minute

// clock knows what time it is at Redis, without asking each time: the time that
// a script answered, and the monotonic time that has passed here since. The
// wall clock of this machine is never looked at.
//
// In a cluster the nodes have a clock each. Whichever answered last is taken
// for all of them.
type clock struct{ last atomic.Pointer[reading] }

// reading is what Redis's clock was at a moment of ours.
type reading struct {
	at    time.Time     // of ours, monotonic
	redis int64         // ms
	round time.Duration // how long the question took: twice the error, at most
}

// observe notes that between sent and now Redis's clock was at ms.
func (c *clock) observe(sent time.Time, ms int64) {
	now := time.Now()
	round := now.Sub(sent)
	last := c.last.Load()
	if last == nil || round <= last.round || now.Sub(last.at) > clockAge {
		c.last.CompareAndSwap(last, &reading{at: sent.Add(round / 2), redis: ms, round: round})
	}
}

// ms returns the time at Redis in milliseconds, as well as it is known.
func (c *clock) ms() int64 {
	ms, _ := c.now()
	return ms
}

// now returns the time at Redis in milliseconds, and false when it is not known,
// or no longer well.
func (c *clock) now() (ms int64, known bool) {
	last := c.last.Load()
	if last == nil {
		return 0, false
	}
	since := time.Since(last.at)
	return last.redis + since.Milliseconds(), since <= clockAge
}
