package measure

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// maxWaiting bounds how many calls of an open loop are under way: beyond it a peer
// is so far behind that more would only take the machine's memory.
const maxWaiting = 20_000

// Open measures the peers at a rate of calls a second. One that cannot keep up has
// a rate below it, and times that grow with the length of the turn.
func (r Run) Open(ctx context.Context, peers []Peer, rate int) ([]Figure, error) {
	return r.turns(ctx, peers, func(p Peer, slice time.Duration) (int, []time.Duration, error) {
		times, err := p.open(ctx, rate, r.Items, slice)
		return len(times), times, err
	})
}

// open begins calls at a rate for that long, and returns how long each took from
// the moment at which it was due.
func (p Peer) open(ctx context.Context, rate, items int, slice time.Duration) ([]time.Duration, error) {
	var (
		failed atomic.Pointer[error]
		all    sync.WaitGroup
		random = rand.New(rand.NewPCG(1, 0))
		places = make(chan struct{}, maxWaiting)
		times  = make([]time.Duration, int(float64(rate)*slice.Seconds()))
		begun  = time.Now()
	)
	for n := range times {
		due := time.Duration(n) * time.Second / time.Duration(rate)
		if early := due - time.Since(begun); early > 0 {
			time.Sleep(early) // the runtime wakes late; those that are due meanwhile begin together
		}
		i := random.IntN(items)
		places <- struct{}{}
		all.Go(func() {
			if err := p.Do(ctx, i); err != nil {
				failed.Store(&err)
			}
			times[n] = time.Since(begun) - due
			<-places
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return times, nil
}
