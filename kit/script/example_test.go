package script_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/script"
)

// takeSource would be embedded from take.lua in a program.
const takeSource = `-- take.lua: takes one from the stock, if there is any.
--
-- KEYS[1] stock   string: the count
-- ARGV[1] ttl_ms  how long the stock lives without a sale, milliseconds, > 0
-- Returns {1, left} when taken, {0, 0} when sold out
-- Complexity O(1)
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left < 1 then
	return {0, 0}
end
left = redis.call('DECR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1, left}
`

var take = script.Must(takeSource)

func Example() {
	client, stop := startRedis()
	defer stop()
	ctx := context.Background()
	client.Set(ctx, "{shoe}:stock", 2, 0)

	for range 3 {
		var taken bool
		var left int
		_, err := take.Run(ctx, client, []string{"{shoe}:stock"}, script.Millis(time.Hour)).Scan(&taken, &left)
		if errors.Is(err, script.ErrUnknown) {
			fmt.Println("taken or not: look before you take again")
		}
		fmt.Println(taken, left, err)
	}
	// Output:
	// true 1 <nil>
	// true 0 <nil>
	// false 0 <nil>
}

func ExampleScript_Run_refused() {
	client, stop := startRedis()
	defer stop()
	ctx := context.Background()

	fmt.Println(take.Run(ctx, client, []string{"{shoe}:stock"}).Err())
	fmt.Println(take.Run(ctx, client, []string{"{shoe}:stock"}, time.Hour).Err())
	fmt.Println(take.Run(ctx, client, []string{"{shoe}:stock", "{hat}:stock"}, script.Millis(time.Hour)).Err())
	// Output:
	// script: run take.lua on "{shoe}:stock": bad argument: got 0 ARGV, want 1 (ttl_ms)
	// script: run take.lua on "{shoe}:stock": bad argument: ARGV[1]: a time.Duration has no unit on the wire: use script.Millis(d)
	// script: run take.lua on "{shoe}:stock": bad argument: got 2 KEYS, want 1 (stock)
}

func ExamplePipelined() {
	client, stop := startRedis()
	defer stop()
	ctx := context.Background()
	client.MSet(ctx, "{shoe}:stock", 5, "{hat}:stock", 0)

	var shoe, hat *script.Result
	err := script.Pipelined(ctx, client, func(b *script.Batch) error {
		shoe = take.Queue(ctx, b, []string{"{shoe}:stock"}, script.Millis(time.Hour))
		hat = take.Queue(ctx, b, []string{"{hat}:stock"}, script.Millis(time.Hour))
		b.Incr(ctx, "orders")
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shoe.Int64s())
	fmt.Println(hat.Int64s())
	// Output:
	// [1 4] true <nil>
	// [0 0] true <nil>
}

func ExampleLibrary() {
	client, stop := startRedis()
	defer stop()
	ctx := context.Background()

	visits := script.MustLibrary(`#!lua name=visits
redis.register_function('visit', function(keys, args)
	return redis.call('PFADD', keys[1], args[1])
end)
`)
	visit := visits.Function("visit", script.Idempotent()) // the same visitor counts once

	for _, who := range []string{"alice", "bob", "alice"} {
		fresh, _, err := visit.Run(ctx, client, []string{"visitors"}, who).Bool()
		fmt.Println(who, fresh, err)
	}
	// Output:
	// alice true <nil>
	// bob true <nil>
	// alice false <nil>
}

// startRedis starts a server for an example.
func startRedis() (client *redis.Client, stop func()) {
	server, err := redisproc.Start(context.Background(), redisproc.Options{Name: "example"})
	if err != nil {
		panic(err)
	}
	client = redis.NewClient(&redis.Options{Addr: server.Addr()})
	return client, func() {
		client.Close()
		server.Stop()
	}
}
