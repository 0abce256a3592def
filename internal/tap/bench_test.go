package tap_test

import (
	"encoding/csv"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

// BenchmarkTap measures what a tap costs beside the direct way and beside a
// proxy that only copies bytes: redis-benchmark, alternating, medians of five.
//
//	go test -run '^$' -bench Tap -benchtime 1x ./internal/tap
func BenchmarkTap(b *testing.B) {
	recorded, _ := start(b, tap.Options{})
	silent := run(b, tap.Options{Upstream: redistest.Addr(b)})
	ways := []struct{ name, addr string }{
		{"direct", redistest.Addr(b)},
		{"copier", copier(b)},
		{"tap", recorded.Addr()},
		{"tap without sink", silent.Addr()},
	}
	for _, load := range []struct {
		name string
		args []string
	}{
		{"pipeline of 16", []string{"-n", "400000", "-c", "50", "-P", "16"}},
		{"one caller", []string{"-n", "20000", "-c", "1", "-P", "1"}},
	} {
		b.Run(load.name, func(b *testing.B) {
			for range b.N {
				rps, p50 := map[string][]float64{}, map[string][]float64{}
				for range 5 {
					for _, w := range ways {
						r, p := redisBenchmark(b, w.addr, load.args)
						rps[w.name] = append(rps[w.name], r)
						p50[w.name] = append(p50[w.name], p)
					}
				}
				direct, base := median(rps["direct"]), median(p50["direct"])
				for _, w := range ways {
					r, p := median(rps[w.name]), median(p50[w.name])
					b.Logf("%-17s %8.0f/s  %.2f of direct   p50 %4.0f µs  %+4.0f µs", w.name, r, r/direct, p*1000, (p-base)*1000)
				}
			}
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// redisBenchmark returns the requests per second and the median latency in
// milliseconds of GET.
func redisBenchmark(b *testing.B, addr string, args []string) (rps, p50 float64) {
	b.Helper()
	host, port, _ := net.SplitHostPort(addr)
	args = append([]string{"-h", host, "-p", port, "-t", "get", "--csv"}, args...)
	out, err := exec.CommandContext(b.Context(), "redis-benchmark", args...).Output()
	if err != nil {
		b.Fatalf("redis-benchmark: %v", err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 2 {
		b.Fatalf("redis-benchmark printed %q: %v", out, err)
	}
	number := func(column string) float64 {
		x, err := strconv.ParseFloat(rows[1][slices.Index(rows[0], column)], 64)
		if err != nil {
			b.Fatal(err)
		}
		return x
	}
	return number("rps"), number("p50_latency_ms")
}

// copier is the least a proxy can do.
func copier(b *testing.B) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	upstream := redistest.Addr(b)
	var running sync.WaitGroup
	b.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	carry := func(to, from net.Conn) {
		// Plain reads and writes: splicing in the kernel would be another thing.
		_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 32<<10))
		to.Close()
	}
	running.Go(func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", upstream)
			if err != nil {
				down.Close()
				continue
			}
			running.Go(func() { carry(up, down) })
			running.Go(func() { carry(down, up) })
		}
	})
	return l.Addr().String()
}

// BenchmarkRecorder is what an event costs where it is kept.
func BenchmarkRecorder(b *testing.B) {
	sink := trace.NewRecorder(1000).Sink()
	e := trace.Event{Kind: trace.Command, Name: "GET", Args: []string{"key"}}
	for b.Loop() {
		e.Trip++
		sink(e)
	}
}
