package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/redis-grind/grind/bench/measure"
)

// profile measures one peer alone and writes where its time went.
func profile(ctx context.Context, file string, how measure.Run, p measure.Peer, callers int) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	figures, err := how.Closed(ctx, []measure.Peer{p}, callers)
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	measure.Show(os.Stdout, "Profiled", callers, []measure.Peer{p}, figures)
	heap, err := os.Create(file + ".allocs")
	if err != nil {
		return err
	}
	defer heap.Close()
	if err := pprof.Lookup("allocs").WriteTo(heap, 0); err != nil {
		return fmt.Errorf("write the profile of allocations: %w", err)
	}
	return nil
}
