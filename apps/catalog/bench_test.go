package catalog_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redistest"
)

// BenchmarkGet reads one product over HTTP, 128 readers for each processor, from a
// whole response or from the product; server, readers and Redis share the machine.
func BenchmarkGet(b *testing.B) {
	for _, layer := range []struct {
		name              string
		memory, responses bool
	}{{"product_in_memory", true, false}, {"product_in_redis", false, false}, {"response_in_memory", true, true}, {"response_in_redis", false, true}} {
		b.Run(layer.name, func(b *testing.B) {
			redis, err := connect.Open(b.Context(), connect.Options{URL: redistest.Server(b).URL()})
			if err != nil {
				b.Fatal(err)
			}
			a, err := catalog.New(catalog.Deps{
				Redis: redis, Store: newShelf(100), Prefix: redistest.Prefix(b) + ":", Logger: quiet,
			})
			if err != nil {
				b.Fatal(err)
			}
			a.Layers().Memory.Store(layer.memory)
			a.Layers().Responses.Store(layer.responses)
			start(b, a)
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.MaxIdleConnsPerHost = 1024
			readers := &http.Client{Transport: transport}
			defer readers.CloseIdleConnections()
			b.SetParallelism(128)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					answer, err := readers.Get(a.URL() + "/products/7")
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					if answer.StatusCode != http.StatusOK {
						b.Errorf("got %d", answer.StatusCode)
					}
				}
			})
		})
	}
}
