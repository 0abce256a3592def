package pipe

import (
	"fmt"
	"sync"
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

// One GET by 1, 8 and 256 callers: through the client, and through a Pipe.
//
//	go test -run '^$' -bench Do ./kit/internal/pipe
func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 8, 256} {
		for _, off := range []bool{true, false} {
			name := map[bool]string{true: "plain", false: "pipe"}[off]
			b.Run(fmt.Sprintf("callers=%d/%s", callers, name), func(b *testing.B) {
				c := redistest.Client(b)
				p := New(c, Options{Off: off})
				key := redistest.Prefix(b)
				if err := c.Set(b.Context(), key, "value", 0).Err(); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for i := range callers {
					wg.Go(func() {
						for n := i; n < b.N; n += callers {
							if _, err := get(b.Context(), p, key); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// 256 callers of which some may not be repeated, as when a cache and a limiter
// share a client: the mixture must not cost what batches save.
func BenchmarkDo_mixed(b *testing.B) {
	for _, once := range []int{0, 10, 50, 100} {
		b.Run(fmt.Sprintf("once=%d%%", once), func(b *testing.B) {
			p := New(redistest.Client(b), Options{})
			key := redistest.Prefix(b)
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range 256 {
				wg.Go(func() {
					for n := i; n < b.N; n += 256 {
						var err error
						if i%100 < once {
							_, err = Do(b.Context(), p, NewOnce(b.Context(), "incr", key), Once.Int64)
						} else {
							_, err = incr(b.Context(), p, key)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
