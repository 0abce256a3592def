package unit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// progressEvery is how often a long step is told of.
const progressEvery = 200 * time.Millisecond

// Load runs do clients × each times, every client in a goroutine of its own and
// one call after the other (a closed loop), and returns how long that took. It
// reports progress under label. The first error ends it.
func (r *Run) Load(ctx context.Context, label string, clients, each int, do func(ctx context.Context, client, i int) error) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		done  atomic.Int64
		wg    sync.WaitGroup
		total = clients * each
		start = time.Now()
	)
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				if ctx.Err() != nil {
					return
				}
				if err := do(ctx, c, i); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			took := time.Since(start)
			r.Progress(label, int(done.Load()), total)
			return took, context.Cause(ctx)
		case <-tick.C:
			r.Progress(label, int(done.Load()), total)
		}
	}
}

// Waiting calls f and tells meanwhile, as Progress, for how many seconds it has
// been: for one command that takes long.
func (r *Run) Waiting(label string, f func() error) error {
	done := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		begun, tick := time.Now(), time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.Progress(label+", seconds", int(time.Since(begun).Seconds()), 0)
			case <-done:
				return
			}
		}
	})
	defer teller.Wait()
	defer close(done)
	return f()
}
