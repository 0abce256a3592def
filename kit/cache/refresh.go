package cache

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// freshness is what may be done with an entry, by its times.
type freshness int

const (
	gone       freshness = iota // nothing
	fresh                       // answer with it
	early                       // answer with it, and load a newer one in time
	revalidate                  // answer with it, and load a newer one now
	lastResort                  // load a newer one, and answer with it only if that fails
)

// ageOf judges an entry at a time at Redis.
func (c *Cache[K, V]) ageOf(f *found[V], now int64) freshness {
	if !f.ok {
		return gone
	}
	left := f.header.left(now)
	switch {
	case left > 0 && c.dueEarly(left, f.header.took):
		return early
	case left > 0:
		return fresh
	case f.header.negative:
		return gone
	case -left < c.options.StaleWhileRevalidate:
		return revalidate
	case -left < c.options.StaleIfError:
		return lastResort
	}
	return gone
}

// dueEarly decides by lot whether an entry is to be loaded anew before its
// time: the nearer its end and the longer its load, the likelier. It is XFetch,
// δ·β·−ln(random) ≥ time left (Vattani, Chierichetti, Lowenstein: Optimal
// Probabilistic Cache Stampede Prevention, VLDB 2015), where the lease sees to
// it that of those who draw the lot one loads.
func (c *Cache[K, V]) dueEarly(left, took time.Duration) bool {
	reach := float64(took) * c.options.EarlyRefresh
	const never = 40 // −ln of the least that Float64 returns is below it
	if float64(left) > never*reach {
		return false
	}
	return -math.Log(1-rand.Float64())*reach >= float64(left)
}

// refresh loads an entry anew in the background, unless somebody does already.
// The goroutine ends with the load, within Options.LoadTimeout and the steps in
// Redis before and after it.
func (c *Cache[K, V]) refresh(ctx context.Context, key K, n name, seen string, load loader[V]) {
	if c.flights.busy(n.text) {
		return
	}
	detached := context.WithoutCancel(ctx)
	c.flights.join(n.text, func() outcome[V] {
		out := c.lead(detached, key, n, seen, load, true)
		if !out.again && out.result.Source == Origin {
			c.stats.refreshes.Add(1)
		}
		if out.err != nil {
			c.options.Logger.Warn("cache: a refresh in the background failed", "key", n.value, "error", out.err)
		}
		return out
	})
}
