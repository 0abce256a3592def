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

// A primary dies, and the Sentinels put a replica in its place. The client asks
// them who it is.
func ExampleStartSentinel() {
	ctx := context.Background()
	sentinel, err := redisproc.StartSentinel(ctx, redisproc.SentinelOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer sentinel.Stop()
	client := redis.NewFailoverClient(sentinel.Options())
	defer client.Close()

	client.Set(ctx, "order:7", "paid", 0)
	client.Wait(ctx, 2, 0) // for both replicas: else it might be lost
	primary, err := sentinel.Primary(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := primary.Kill(ctx); err != nil {
		log.Fatal(err)
	}
	promoted, err := sentinel.WaitFailover(ctx, primary)
	if err != nil {
		log.Fatal(err)
	}
	survivor := redis.NewClient(&redis.Options{Addr: promoted.Addr()})
	defer survivor.Close()
	fmt.Println("order:7 is", survivor.Get(ctx, "order:7").Val())
	// Output: order:7 is paid
}

// A slot moves to another node, and a client of the cluster follows.
func ExampleStartCluster() {
	ctx := context.Background()
	cluster, err := redisproc.StartCluster(ctx, redisproc.ClusterOptions{Replicas: -1}) // three primaries alone
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Stop()
	client := redis.NewClusterClient(cluster.Options())
	defer client.Close()

	client.Set(ctx, "{cart:7}:items", 3, 0)
	slot := int(client.ClusterKeySlot(ctx, "{cart:7}").Val())
	last := cluster.Servers()[2]
	if err := cluster.MigrateSlot(ctx, slot, last); err != nil {
		log.Fatal(err)
	}
	owner, err := cluster.Primary(ctx, slot)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("moved:", owner == last)
	fmt.Println("items:", client.Get(ctx, "{cart:7}:items").Val())
	// Output:
	// moved: true
	// items: 3
}
