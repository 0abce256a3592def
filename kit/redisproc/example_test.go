//go:build unix

package redisproc_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

func ExampleStart() {
	ctx := context.Background()
	server, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	fmt.Println(client.Ping(ctx).Val())
	// Output: PONG
}

// What an append-only file is for: the process is killed, and the data are there.
func ExampleServer_Restart() {
	ctx := context.Background()
	server, err := redisproc.Start(ctx, redisproc.Options{AppendOnly: true, AppendFsync: "always"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()

	client.Set(ctx, "order:7", "paid", 0)
	if err := server.Kill(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("running:", server.Running())
	if err := server.Restart(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("order:7 is", client.Get(ctx, "order:7").Val())
	// Output:
	// running: false
	// order:7 is paid
}

func ExampleOptions_acl() {
	ctx := context.Background()
	server, err := redisproc.Start(ctx, redisproc.Options{
		ACL: []string{"user alice on >secret ~app:* +@read +@connection"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	alice := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "alice", Password: "secret"})
	defer alice.Close()

	for _, key := range []string{"app:1", "other"} {
		err := alice.Get(ctx, key).Err()
		fmt.Println(key, "allowed:", errors.Is(err, redis.Nil))
	}
	// Output:
	// app:1 allowed: true
	// other allowed: false
}
