// Command cache measures kit/cache beside its peers, in one run on one Redis: values
// read from Redis, values read from memory, and a stampede. Ratios of one run travel;
// the figures hold for the machine that they were taken on.
//
//	go run ./cache                        128 callers, and one
//	go run ./cache -rounds 9 -slice 1s
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each peer is measured; the median counts")
	slice := flag.Duration("slice", 500*time.Millisecond, "how long each time")
	flag.Parse()
	if err := run(context.Background(), *rounds, *slice); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, slice time.Duration) error {
	server, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Printf("%s %s/%s, GOMAXPROCS %d, Redis %s; server and callers share this machine.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), server.Version())
	fmt.Printf("A value of %d bytes as CBOR. Medians of %d rounds of %v, the peers taking turns.\n", article.size(), rounds, slice)
	for _, table := range []func(context.Context, *redisproc.Server) ([]peer, string, func(), error){fromRedis, fromMemory} {
		peers, title, end, err := table(ctx, server)
		if err != nil {
			return err
		}
		for _, callers := range []int{128, 1} {
			figures, err := measure(ctx, peers, callers, rounds, slice)
			if err != nil {
				return err
			}
			show(title, callers, peers, figures)
		}
		end()
	}
	return stampede(ctx, server)
}

// peer is one way to read a value.
type peer struct {
	name string
	read func(ctx context.Context, i int) error
}

// figure is what a peer came to.
type figure struct {
	perSecond   float64
	microCPU    float64 // of this process, a call
	allocations float64 // a call
}

// measure has the peers take turns, and returns the median of each.
func measure(ctx context.Context, peers []peer, callers, rounds int, slice time.Duration) ([]figure, error) {
	all := make([][]figure, len(peers))
	for range rounds {
		for i, p := range peers {
			f, err := p.once(ctx, callers, slice)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			all[i] = append(all[i], f)
		}
	}
	medians := make([]figure, len(peers))
	for i, figures := range all {
		slices.SortFunc(figures, func(a, b figure) int { return int(a.perSecond - b.perSecond) })
		medians[i] = figures[len(figures)/2]
	}
	return medians, nil
}

// once reads in a closed loop for that long.
func (p peer) once(ctx context.Context, callers int, slice time.Duration) (figure, error) {
	var (
		calls  atomic.Int64
		failed atomic.Pointer[error]
		over   atomic.Bool
		all    sync.WaitGroup
		before runtime.MemStats
		after  runtime.MemStats
	)
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, begun := cpuTime(), time.Now()
	for c := range callers {
		all.Go(func() {
			n := 0
			for i := c; !over.Load(); i += 7 {
				if err := p.read(ctx, i); err != nil {
					failed.Store(&err)
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
	took, used := time.Since(begun), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	if err := failed.Load(); err != nil {
		return figure{}, *err
	}
	n := float64(calls.Load())
	return figure{n / took.Seconds(), float64(used.Nanoseconds()) / 1000 / n, float64(after.Mallocs-before.Mallocs) / n}, nil
}

// show prints a table; the first peer is ours.
func show(title string, callers int, peers []peer, figures []figure) {
	fmt.Printf("\n%s, callers=%d\n%-44s %12s %10s %10s %12s %10s\n", title, callers, "", "calls/s", "ns a call", "CPU µs", "allocations", "ours to it")
	for i, p := range peers {
		f := figures[i]
		fmt.Printf("%-44s %12.0f %10.0f %10.2f %12.1f %10.2f\n", p.name, f.perSecond, 1e9/f.perSecond*float64(min(callers, runtime.GOMAXPROCS(0))), f.microCPU, f.allocations, figures[0].perSecond/f.perSecond)
	}
}
