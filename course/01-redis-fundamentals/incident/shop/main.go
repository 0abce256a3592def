// The shop is a small web shop on Redis: a counter of views, a feed, and carts.
// shop.go holds what it does with Redis, page.go what it shows.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// dayLength is how long a day lasts in this shop: what takes weeks elsewhere can
// be watched here.
const dayLength = 2 * time.Second

// today is the name of the current day.
func today() string { return "day-" + strconv.FormatInt(time.Now().UnixNano()/int64(dayLength), 10) }

func main() {
	log.SetFlags(0)
	logging.Disable() // what goes wrong with Redis is answered to who asked
	if os.Getenv("GRIND_CHILD") != "" {
		go endWithParent()
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the shop is at http://%s\n", listener.Addr())
	server := &http.Server{Handler: newShop(os.Getenv("REDIS_ADDR")).routes(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}

// endWithParent ends the shop when the program that started it has gone: the pipe
// from there is closed then, in whatever way it ended.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// lanes is how many requests a shop serves at once; the others wait.
const lanes = 16

// shop hands each request a Redis client that serves no other at that moment.
type shop struct {
	free chan *redis.Client
}

func newShop(addr string) *shop {
	s := &shop{free: make(chan *redis.Client, lanes)}
	for i := range lanes {
		s.free <- redis.NewClient(&redis.Options{
			Addr:       addr,
			ClientName: fmt.Sprintf("shop-%d-%d", os.Getpid(), i), // no other lane has it
			PoolSize:   8,
			MaxRetries: -1,
		})
	}
	return s
}

// request serves one request with a client of its own, and first says on the wire
// which request it is: a PING with its name. Redis repeats it and does nothing
// else, but whoever watches the wire, which sees no HTTP, can now tell which
// request a command was sent for.
func (s *shop) request(r *http.Request, do func(ctx context.Context, rdb *redis.Client) error) error {
	ctx := r.Context()
	var rdb *redis.Client
	select {
	case rdb = <-s.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.free <- rdb }()
	name := r.Method + " " + r.URL.Path + "|" + r.Header.Get("X-Visitor")
	if err := rdb.Do(ctx, "PING", name).Err(); err != nil {
		return err
	}
	err := do(ctx, rdb)
	if errors.Is(err, context.Canceled) {
		return nil // the visitor has gone
	}
	return err
}
