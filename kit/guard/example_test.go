package guard_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/guard"
	"github.com/redis-grind/grind/kit/redistest"
)

// gone returns a client of a Redis that nobody runs.
func gone() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
}

func ExampleDo() {
	client := redistest.ExampleClient()
	defer client.Close()
	ctx := context.Background()
	client.Set(ctx, "greeting", "hello", 0)

	g, err := guard.New(guard.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	greeting, err := guard.Do(ctx, g, func(ctx context.Context) (string, error) {
		return client.Get(ctx, "greeting").Result()
	}, guard.FailOpen("good day"), guard.Idempotent())
	fmt.Println(greeting, err)

	// A miss is an answer: no policy is asked, and no failure is counted.
	_, err = guard.Do(ctx, g, func(ctx context.Context) (string, error) {
		return client.Get(ctx, "missing").Result()
	}, guard.FailOpen("good day"), guard.Idempotent())
	fmt.Println(errors.Is(err, redis.Nil), g.Stats().Failed)
	// Output:
	// hello <nil>
	// true 0
}

func ExampleNew() {
	client := gone()
	defer client.Close()
	ctx := context.Background()

	g, err := guard.New(guard.Options{
		Attempts: 1,
		MinCalls: 3,
		OpenFor:  time.Minute,
		OnStateChange: func(c guard.Change) {
			fmt.Println("the circuit was", c.From, "and is", c.To)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 4 {
		_, err = guard.Do(ctx, g, func(ctx context.Context) (string, error) {
			return client.Get(ctx, "session").Result()
		}, guard.FailClosed[string]())
		fmt.Println(errors.Is(err, guard.ErrUnavailable), guard.Classify(ctx, err), errors.Is(err, guard.ErrOpen))
	}
	// Output:
	// true unreachable false
	// true unreachable false
	// the circuit was closed and is open
	// true unreachable false
	// true shed true
}

func ExampleStale() {
	ctx := context.Background()
	client := redistest.ExampleClient()
	defer client.Close()
	client.Set(ctx, "price:lamp", "39", 0)

	g, err := guard.New(guard.Options{Attempts: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	prices, err := guard.NewCopies[string, string](guard.CopiesOptions{MaxAge: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	price := func(client *redis.Client) (guard.Result[string], error) {
		return guard.DoResult(ctx, g, func(ctx context.Context) (string, error) {
			return client.Get(ctx, "price:lamp").Result()
		}, guard.Stale(prices, "price:lamp", guard.FailClosed[string]()))
	}
	r, err := price(client)
	fmt.Println(r.Value, r.Degraded != nil, err)

	down := gone()
	defer down.Close()
	r, err = price(down)
	fmt.Println(r.Value, r.Degraded != nil, err)
	// Output:
	// 39 false <nil>
	// 39 true <nil>
}

func ExampleFallback() {
	client := gone()
	defer client.Close()
	fromDatabase := func(context.Context) (string, error) { return "Ada", nil }

	g, err := guard.New(guard.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := guard.Do(context.Background(), g, func(ctx context.Context) (string, error) {
		return client.HGet(ctx, "user:7", "name").Result()
	}, guard.Fallback(fromDatabase), guard.Idempotent())
	fmt.Println(name, err)
	// Output: Ada <nil>
}

func ExampleNewCopies() {
	copies, err := guard.NewCopies[string, int](guard.CopiesOptions{MaxAge: -time.Second})
	fmt.Println(copies == nil, err)
	// Output: true guard: CopiesOptions.MaxAge must not be negative, got -1s
}
