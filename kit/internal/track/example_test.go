package track_test

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/kit/internal/track"
	"github.com/redis-grind/grind/kit/redistest"
)

func ExampleNew() {
	client := redistest.ExampleClient()
	defer client.Close()
	changed, ready := make(chan []string, 1), make(chan struct{}, 10)
	t, err := track.New(client, track.Options{
		Prefix:  "users:",
		OnKeys:  func(keys []string) { changed <- keys },
		OnReset: func() { ready <- struct{}{} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- t.Run(ctx) }()

	<-ready // subscribed: what was known before may have changed
	client.Set(ctx, "users:7", "Ada", 0)
	fmt.Println("changed:", <-changed)

	cancel()
	fmt.Println("run:", <-done)
	// Output:
	// changed: [users:7]
	// run: <nil>
}
