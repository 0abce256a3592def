package catalog

import (
	"math"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets, each 2 % wider than the one before: from
// a microsecond to more than a minute. The zero value is ready and safe for
// concurrent use.
type histogram struct {
	buckets [buckets]atomic.Int64
}

const (
	buckets = 920
	width   = 1.02
)

// add counts a duration.
func (h *histogram) add(d time.Duration) {
	i := 0
	if us := float64(d) / float64(time.Microsecond); us > 1 {
		i = min(int(math.Log(us)/math.Log(width)), buckets-1)
	}
	h.buckets[i].Add(1)
}

// count is how many were counted.
func (h *histogram) count() (n int64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	return n
}

// quantile is the duration that this part of them does not exceed, up to 2 % too
// long; 0 if there is none.
func (h *histogram) quantile(part float64) time.Duration {
	rank := int64(math.Ceil(part * float64(h.count())))
	for i := range h.buckets {
		if rank -= h.buckets[i].Load(); rank <= 0 && h.buckets[i].Load() > 0 {
			return time.Duration(math.Pow(width, float64(i+1)) * float64(time.Microsecond))
		}
	}
	return 0
}
