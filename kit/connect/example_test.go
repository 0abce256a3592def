package connect_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
)

func ExampleOpen() {
	server, err := redisproc.Start(context.Background(), redisproc.Options{Password: "hunter2"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	ctx := context.Background()

	client, err := connect.Open(ctx, connect.Options{URL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	client.Set(ctx, "greeting", "hello", 0)
	fmt.Println(client.Get(ctx, "greeting").Val())
	// Output: hello
}

func ExampleFromEnv() {
	ctx := context.Background()
	client, err := connect.Open(ctx, connect.FromEnv())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Println("ready; nothing was sent yet")
	// Output: ready; nothing was sent yet
}

func ExampleCheck() {
	ctx := context.Background()
	client, err := connect.Open(ctx, connect.Options{URL: "redis://:hunter2@127.0.0.1:1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	_, err = connect.Check(ctx, client)
	fmt.Println(errors.Is(err, connect.ErrUnreachable))
	if e, ok := errors.AsType[*connect.Error](err); ok {
		fmt.Printf("%s: %v\n%s\n", e.Addr, e.Kind, e.Advice)
	}
	// Output:
	// true
	// 127.0.0.1:1: nobody answers there
	// start Redis there, or check host and port
}

func ExampleOptions() {
	o := connect.Options{URL: "rediss://app:hunter2@redis.example:6380/2"}
	fmt.Println(o)
	_, err := connect.Open(context.Background(), connect.Options{URL: "redis://app:hunter/2@redis.example"})
	fmt.Println(err)
	// Output:
	// rediss://app:***@redis.example:6380/2
	// connect: bad options: URL: what stands before the last "@" is user and password: "/", "?" and "#" in them are written %2F, %3F and %23
}
