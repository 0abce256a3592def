package redistest_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

// visit is what is under test.
func visit(t testing.TB, c *redis.Client, prefix, page string) int64 {
	n, err := c.Incr(t.Context(), prefix+":{"+page+"}:visits").Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A test as yours may look. Its package calls redistest.Main in TestMain.
func TestVisit(t *testing.T) {
	t.Parallel()
	client, prefix := redistest.Client(t), redistest.Prefix(t)
	trips := redistest.Count(client)

	visit(t, client, prefix, "home")
	if got := visit(t, client, prefix, "home"); got != 2 {
		t.Errorf("second visit: got %d, want 2", got)
	}
	if got := trips.RoundTrips(); got != 2 {
		t.Errorf("got %d round trips, want one for each visit", got)
	}
}

func ExampleClient() {
	client := redistest.ExampleClient() // in a test: redistest.Client(t)
	defer client.Close()

	fmt.Println(client.Ping(context.Background()).Val())
	// Output: PONG
}

func ExampleCount() {
	client := redistest.ExampleClient() // in a test: redistest.Client(t)
	defer client.Close()
	trips := redistest.Count(client)

	ctx := context.Background()
	client.Ping(ctx)
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Ping(ctx)
		p.Ping(ctx)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("three commands in", trips.RoundTrips(), "round trips")
	// Output: three commands in 2 round trips
}
