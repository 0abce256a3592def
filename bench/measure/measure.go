package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Peer is one way to do what all peers of a table do.
type Peer struct {
	Name string
	// Do does it with item i, from 0 and below Run.Items.
	Do func(ctx context.Context, i int) error
	// CPU is what the processes have used so far that do it for this one. Nil: none.
	CPU func() time.Duration
}

// Run is how to measure.
type Run struct {
	Rounds int           // how often each peer has its turn
	Slice  time.Duration // how long a turn is
	Items  int           // callers choose one of so many, each as likely as the others
	// Server is asked for the commands that it has run, and for its own processor
	// time. Nil is nobody.
	Server *redis.Client
}

// Figure is what a peer came to. The means are over all calls of a turn.
type Figure struct {
	PerSecond   float64
	CPU         float64 // µs of this process, a call
	Allocations float64 // of this process, a call
	Commands    float64 // that the server ran, a call
	ServerCPU   float64 // µs of the server, a call
	PeerCPU     float64 // µs of the peer's own processes, a call
	P50, P99    time.Duration
}

// Closed measures the peers with so many callers, and returns a figure for each.
func (r Run) Closed(ctx context.Context, peers []Peer, callers int) ([]Figure, error) {
	return r.turns(ctx, peers, func(p Peer, end time.Duration) (int, []time.Duration, error) {
		n, err := p.closed(ctx, callers, r.Items, end)
		return n, nil, err
	})
}

// turns has the peers take turns, and returns the median of each by calls a second,
// or by the 99th percentile where that was measured.
func (r Run) turns(ctx context.Context, peers []Peer, turn func(Peer, time.Duration) (int, []time.Duration, error)) ([]Figure, error) {
	all := make([][]Figure, len(peers))
	for round := range r.Rounds + 1 {
		for i, p := range peers {
			slice := r.Slice
			if round == 0 { // connections are made, code and data get warm
				slice /= 4
			}
			f, err := r.figure(ctx, p, func() (int, []time.Duration, error) { return turn(p, slice) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			if round > 0 {
				all[i] = append(all[i], f)
			}
		}
	}
	medians := make([]Figure, len(peers))
	for i, figures := range all {
		slices.SortFunc(figures, func(a, b Figure) int {
			if a.P99 != b.P99 {
				return int(a.P99 - b.P99)
			}
			return int(a.PerSecond - b.PerSecond)
		})
		medians[i] = figures[len(figures)/2]
	}
	return medians, nil
}

// figure measures one turn.
func (r Run) figure(ctx context.Context, p Peer, turn func() (int, []time.Duration, error)) (Figure, error) {
	runtime.GC()
	var before, after runtime.MemStats
	server, err := r.serverNow(ctx)
	if err != nil {
		return Figure{}, err
	}
	runtime.ReadMemStats(&before)
	peer := p.cpuTime()
	cpu, begun := cpuTime(), time.Now()
	calls, times, err := turn()
	took, used := time.Since(begun), cpuTime()-cpu
	if err != nil {
		return Figure{}, err
	}
	runtime.ReadMemStats(&after)
	serverAfter, err := r.serverNow(ctx)
	if err != nil {
		return Figure{}, err
	}
	n := float64(max(calls, 1))
	f := Figure{
		PerSecond:   n / took.Seconds(),
		CPU:         float64(used.Nanoseconds()) / 1000 / n,
		Allocations: float64(after.Mallocs-before.Mallocs) / n,
		Commands:    max(serverAfter.commands-server.commands-1, 0) / n, // one of them asked
		ServerCPU:   (serverAfter.cpu - server.cpu) * 1e6 / n,
		PeerCPU:     float64((p.cpuTime() - peer).Microseconds()) / n,
	}
	if len(times) > 0 {
		slices.Sort(times)
		f.P50, f.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return f, nil
}

func (p Peer) cpuTime() time.Duration {
	if p.CPU == nil {
		return 0
	}
	return p.CPU()
}

// closed calls in a closed loop for that long, and returns how often.
func (p Peer) closed(ctx context.Context, callers, items int, slice time.Duration) (int, error) {
	var (
		calls  atomic.Int64
		failed atomic.Pointer[error]
		over   atomic.Bool
		all    sync.WaitGroup
	)
	for c := range callers {
		all.Go(func() {
			ctx, cancel := context.WithCancel(ctx) // one that can end, as requests have
			defer cancel()
			random := rand.New(rand.NewPCG(1, uint64(c)))
			n := 0
			for !over.Load() {
				err := p.Do(ctx, random.IntN(items))
				if err != nil {
					over.Store(true)
					problem := err // so that err itself costs nothing
					failed.Store(&problem)
					return
				}
				n++
			}
			calls.Add(int64(n))
		})
	}
	time.Sleep(slice)
	over.Store(true)
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return int(calls.Load()), nil
}
