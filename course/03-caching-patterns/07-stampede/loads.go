package stampede

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// processes is how many of them serve the pages.
const processes = 4

// crowd is the processes of one way under one load.
type crowd struct {
	way
	origin *origin
	all    []fetcher
	keys   []string
}

// seen is what the readers of a crowd saw, and what its origin was asked.
type seen struct {
	p99              float64 // milliseconds
	waited           float64 // of a hundred readers
	loads, refreshes int
	peak             int
}

// clients opens one for each process.
func clients(r *unit.Run) []*redis.Client {
	out := make([]*redis.Client, processes)
	for i := range out {
		out[i] = r.Client(fmt.Sprintf("process-%d", i+1), func(o *redis.Options) {
			o.PoolSize, o.PoolTimeout, o.ContextTimeoutEnabled = 20, time.Minute, true
		})
	}
	return out
}

// open starts the processes of a way for a load with so many pages.
func (w way) open(r *unit.Run, rdb []*redis.Client, load string, pages int, o *origin, ttl time.Duration) (*crowd, error) {
	c := &crowd{way: w, origin: o}
	for i := range pages {
		name := fmt.Sprintf("%s:%s:%d", load, w.name, i)
		if w.kit {
			c.keys = append(c.keys, name)
			continue
		}
		c.keys = append(c.keys, r.Key(name))
		r.Key(lease(name))
	}
	for _, client := range rdb {
		if !w.kit {
			c.all = append(c.all, &reader{way: w, rdb: client, origin: o, ttl: ttl})
			continue
		}
		k, err := newKit(client, r.Space(load), o, ttl)
		if err != nil {
			return nil, err
		}
		c.all = append(c.all, k)
	}
	return c, nil
}

// read sends n requests, request i after at(i), each when it is due and whether or not
// the others are answered: an open loop. A request's time is counted from when it was
// due.
func (c *crowd) read(ctx context.Context, n int, at func(i int) time.Duration) (seen, error) {
	took, errs := make([]time.Duration, n), make([]error, n)
	var waited atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for i := range n {
		due := begun.Add(at(i))
		time.Sleep(time.Until(due))
		key := c.keys[rand.IntN(len(c.keys))]
		all.Go(func() {
			slow, err := c.all[i%len(c.all)].fetch(ctx, key)
			took[i], errs[i] = time.Since(due), err
			if slow {
				waited.Add(1)
			}
		})
	}
	all.Wait()
	for _, f := range c.all {
		f.settle()
	}
	if err := errors.Join(errs...); err != nil {
		return seen{}, err
	}
	slices.Sort(took)
	s := seen{p99: float64(took[(n-1)*99/100]) / 1e6, waited: 100 * float64(waited.Load()) / float64(n)}
	s.loads, s.refreshes, s.peak = c.origin.counts()
	return s, nil
}

// cold is the first load: everybody wants a page that nobody has made.
func cold(ctx context.Context, r *unit.Run, rdb []*redis.Client) (map[string]seen, error) {
	readers := r.Int("readers")
	r.Step("Noon: %d pupils ask %d processes for a page that is not there. It takes %v to make, %d at a time.", readers, processes, r.Duration("load"), places)
	out := map[string]seen{}
	for _, w := range ways {
		c, err := w.open(r, rdb, "cold", 1, newOrigin(r.Duration("load"), places), time.Minute)
		if err != nil {
			return nil, err
		}
		if out[w.name], err = c.read(ctx, readers, func(int) time.Duration { return 0 }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// places is how many pages the origin makes at a time.
const places = 8

// hot is the second: a page that is always wanted ends, again and again.
func hot(ctx context.Context, r *unit.Run, rdb []*redis.Client) (map[string]seen, error) {
	const ends, enough = 8, 1000 // this page is cheap: nobody waits in line
	ttl, rate := r.Duration("ttl"), r.Int("rate")
	r.Step("Afternoon: the page is kept for %v, and asked for %d times a second, by each way.", ttl, rate)
	return together(r, "a hot page", ways, func(w way) (seen, error) {
		c, err := w.open(r, rdb, "hot", 1, newOrigin(r.Duration("load"), enough), ttl)
		if err != nil {
			return seen{}, err
		}
		if _, err := c.all[0].fetch(ctx, c.keys[0]); err != nil {
			return seen{}, err
		}
		c.origin.reset()
		return c.read(ctx, int(ends*ttl.Seconds()*float64(rate)), func(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(rate) })
	})
}

// many is the third: pages that were stored in the same second, and end in the same.
func many(ctx context.Context, r *unit.Run, rdb []*redis.Client) (map[string]seen, error) {
	schools, ttl := r.Int("schools"), 5*r.Duration("ttl")
	rate := max(200, schools*2/5)
	// Seldom do two readers want the same page at the same time. Of the ways that keep
	// those apart the lease will do, and early refresh is shown with it.
	apart := slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return w.name == "single" || w.name == "xfetch" })
	r.Step("The pages of %s schools were stored together, for %v each. Any of them is asked for, %d times a second, by each way.", unit.Figure(float64(schools), ""), ttl, rate)
	return together(r, "many pages", apart, func(w way) (seen, error) {
		c, err := w.open(r, rdb, "many", schools, newOrigin(r.Duration("load")/2, max(1, schools/250)), ttl)
		if err != nil {
			return seen{}, err
		}
		if err := c.all[0].fill(ctx, c.keys); err != nil {
			return seen{}, err
		}
		c.origin.reset()
		from := ttl / 2 // nothing ends before
		return c.read(ctx, int(1.7*ttl.Seconds()*float64(rate)), func(i int) time.Duration {
			return from + time.Duration(i)*time.Second/time.Duration(rate)
		})
	})
}

// together runs some ways at the same time, on the same Redis, each with an origin of
// its own.
func together(r *unit.Run, label string, some []way, run func(w way) (seen, error)) (map[string]seen, error) {
	out, errs := make([]seen, len(some)), make([]error, len(some))
	err := r.Waiting(label, func() error {
		var all sync.WaitGroup
		for i, w := range some {
			all.Go(func() { out[i], errs[i] = run(w) })
		}
		all.Wait()
		return errors.Join(errs...)
	})
	byName := map[string]seen{}
	for i, w := range some {
		byName[w.name] = out[i]
	}
	return byName, err
}
