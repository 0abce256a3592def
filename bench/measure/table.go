package measure

import (
	"fmt"
	"io"
	"runtime"
)

// Show prints a table; the first peer is ours. Ratios are of calls a second, and of
// the processor time of caller and server together: on a machine that does something
// else besides, the second says more.
func Show(w io.Writer, title string, callers int, peers []Peer, figures []Figure) {
	fmt.Fprintf(w, "\n%s, callers=%d\n%-46s %10s %10s %8s %8s %9s %10s %8s %8s\n", title, callers, "",
		"calls/s", "ns a call", "CPU µs", "allocs", "commands", "server µs", "ours ÷", "by CPU")
	for i, p := range peers {
		f := figures[i]
		busy := float64(min(callers, runtime.GOMAXPROCS(0)))
		fmt.Fprintf(w, "%-46s %10.0f %10.0f %8.2f %8.1f %9.2f %10.2f %8.2f %8.2f\n", p.Name,
			f.PerSecond, 1e9/f.PerSecond*busy, f.CPU, f.Allocations, f.Commands, f.ServerCPU,
			figures[0].PerSecond/f.PerSecond, f.cpu()/figures[0].cpu())
	}
}

// ShowOpen prints a table of an open loop; the first peer is ours.
func ShowOpen(w io.Writer, title string, rate int, peers []Peer, figures []Figure) {
	fmt.Fprintf(w, "\n%s, %d calls a second\n%-46s %10s %10s %10s %8s %9s\n", title, rate, "", "calls/s", "p50 µs", "p99 µs", "CPU µs", "commands")
	for i, p := range peers {
		f := figures[i]
		fmt.Fprintf(w, "%-46s %10.0f %10d %10d %8.2f %9.2f\n", p.Name, f.PerSecond, f.P50.Microseconds(), f.P99.Microseconds(), f.CPU, f.Commands)
	}
}

// ShowServers prints a table of peers that are servers; the first is ours.
func ShowServers(w io.Writer, title string, callers int, peers []Peer, figures []Figure) {
	fmt.Fprintf(w, "\n%s, callers=%d\n%-46s %10s %14s %8s %8s\n", title, callers, "", "calls/s", "its CPU µs", "ours ÷", "by CPU")
	for i, p := range peers {
		f := figures[i]
		fmt.Fprintf(w, "%-46s %10.0f %14.1f %8.2f %8.2f\n", p.Name, f.PerSecond, f.PeerCPU,
			figures[0].PerSecond/f.PerSecond, f.PeerCPU/figures[0].PeerCPU)
	}
}

// cpu is what a call costs, wherever.
func (f Figure) cpu() float64 { return f.CPU + f.ServerCPU + f.PeerCPU }
