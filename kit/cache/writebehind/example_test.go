package writebehind_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redistest"
)

func Example() {
	client := redistest.ExampleClient() // your own client
	defer client.Close()
	ctx := context.Background()

	var mu sync.Mutex
	table := map[string]writebehind.Write[string, int]{} // stands for a database

	w, err := writebehind.New(client, writebehind.Options[string, int]{
		Prefix: "stock-wb",
		Sink: func(_ context.Context, writes []writebehind.Write[string, int]) error {
			mu.Lock()
			defer mu.Unlock()
			for _, w := range writes {
				if table[w.Key].Version < w.Version {
					table[w.Key] = w
				}
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for left := range 10 {
		if err := w.Put(ctx, "lamp", 9-left); err != nil {
			log.Fatal(err)
		}
	}
	load := w.Loader(func(_ context.Context, key string) (int, error) {
		return table[key].Value, nil
	})
	seen, err := load(ctx, "lamp")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a reader sees", seen, "- rows in the table:", len(table))

	// A server calls Run, and Drain when it ends.
	if err := w.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	stats, err := w.Stats(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the table holds", table["lamp"].Value, "after", stats.Flushed, "write of 10")
	// Output:
	// a reader sees 0 - rows in the table: 0
	// the table holds 0 after 1 write of 10
}
