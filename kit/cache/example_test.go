package cache_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/redistest"
)

type User struct {
	ID     int64
	Name   string
	Tenant int
}

// load stands for a query.
func load(_ context.Context, id int64) (User, error) {
	fmt.Println("loading", id)
	if id == 404 {
		return User{}, cache.ErrNotFound
	}
	return User{ID: id, Name: "ann", Tenant: 7}, nil
}

func ExampleNew() {
	client := redistest.ExampleClient() // in a program: a client of kit/connect
	defer client.Close()
	ctx := context.Background()

	users, err := cache.New(client, cache.Options[int64, User]{Name: "users", TTL: 10 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		u, err := users.Fetch(ctx, 42, load)
		fmt.Println(u.Name, err)
	}
	// After the database has changed:
	if err := users.Invalidate(ctx, 42); err != nil {
		log.Fatal(err)
	}
	u, err := users.Fetch(ctx, 42, load)
	fmt.Println(u.Name, err)
	// Output:
	// loading 42
	// ann <nil>
	// ann <nil>
	// loading 42
	// ann <nil>
}

func ExampleCache_FetchMany() {
	client := redistest.ExampleClient()
	defer client.Close()
	ctx := context.Background()
	users, err := cache.New(client, cache.Options[int64, User]{Name: "users"})
	if err != nil {
		log.Fatal(err)
	}
	loadMany := func(_ context.Context, ids []int64) (map[int64]User, error) {
		fmt.Println("loading", ids)
		return map[int64]User{1: {Name: "ann"}, 2: {Name: "ben"}}, nil // 3 does not exist
	}
	for range 2 {
		found, err := users.FetchMany(ctx, []int64{1, 2, 3}, loadMany)
		fmt.Println(len(found), found[2].Name, err)
	}
	// Output:
	// loading [1 2 3]
	// 2 ben <nil>
	// 2 ben <nil>
}

func ExampleCache_InvalidateTag() {
	client := redistest.ExampleClient()
	defer client.Close()
	ctx := context.Background()
	users, err := cache.New(client, cache.Options[int64, User]{
		Name:    "users",
		TagFunc: func(_ int64, u User) []string { return []string{fmt.Sprint("tenant:", u.Tenant)} },
	})
	if err != nil {
		log.Fatal(err)
	}
	_, _ = users.Fetch(ctx, 42, load)
	if err := users.InvalidateTag(ctx, "tenant:7"); err != nil {
		log.Fatal(err)
	}
	_, _ = users.Fetch(ctx, 42, load)
	// Output:
	// loading 42
	// loading 42
}
