package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) {
	fmt.Fprintf(os.Stderr, "%s %s/%s, GOMAXPROCS %d; server and callers share this machine\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	redistest.Main(m)
}

// BenchmarkStart is the time from nothing to a server that answers PING, and
// back to nothing: what a test pays for a server of its own.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		server, err := redisproc.Start(b.Context(), redisproc.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := server.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet reads one key of 100 bytes in a closed loop. "pipelined" is the
// ceiling that a package of kit can reach with a command for each call.
func BenchmarkGet(b *testing.B) {
	client := redistest.Client(b)
	key := redistest.Prefix(b) + ":value"
	if err := client.Set(b.Context(), key, make([]byte, 100), 0).Err(); err != nil {
		b.Fatal(err)
	}
	pipeline, err := client.AsyncAutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := pipeline.Close(); err != nil {
			b.Error(err)
		}
	})
	plain := func(ctx context.Context) error { return client.Get(ctx, key).Err() }
	pipelined := func(ctx context.Context) error {
		return pipeline.Submit(ctx, redis.NewStringCmd(ctx, "get", key)).WaitContext(ctx)
	}
	for _, callers := range []int{1, 128} {
		b.Run(fmt.Sprintf("plain/callers=%d", callers), func(b *testing.B) { closedLoop(b, callers, plain) })
		b.Run(fmt.Sprintf("pipelined/callers=%d", callers), func(b *testing.B) { closedLoop(b, callers, pipelined) })
	}
}

// closedLoop lets callers call one after the other, each as fast as it is
// answered, and reports calls a second. RunParallel starts a multiple of
// GOMAXPROCS; where that does not divide the wish, it is rounded up.
func closedLoop(b *testing.B, callers int, call func(context.Context) error) {
	ctx := b.Context()
	if callers == 1 {
		for b.Loop() {
			if err := call(ctx); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		procs := runtime.GOMAXPROCS(0)
		b.SetParallelism((callers + procs - 1) / procs)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := call(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
