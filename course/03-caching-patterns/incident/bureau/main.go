// The bureau is one window of a bureau de change. window.go holds what it keeps in
// Redis, office.go asks the head office, page.go is what it shows.
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
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// minute is how long a minute lasts here: what takes an hour elsewhere can be
// watched.
const minute = time.Second

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
	b, err := newBureau(os.Getenv("REDIS_ADDR"), os.Getenv("ORIGIN_URL"), os.Getenv("COPY"))
	if err != nil {
		log.Fatal(err)
	}
	go b.window.run(context.Background()) // it ends with the program
	fmt.Printf("the window is at http://%s\n", listener.Addr())
	server := &http.Server{Handler: b.routes(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}

// endWithParent ends the window when the program that started it has gone: the pipe
// from there is closed then, in whatever way it ended.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// lanes is how many requests a window serves at once; the others wait.
const lanes = 48

// bureau hands each request a Redis client that serves no other at that moment.
type bureau struct {
	name   string // of the window
	window *window
	free   chan *redis.Client
}

func newBureau(redisAddr, officeURL, name string) (*bureau, error) {
	b := &bureau{name: name, free: make(chan *redis.Client, lanes)}
	client := func(lane string) *redis.Client {
		return redis.NewClient(&redis.Options{
			Addr:                  redisAddr,
			ClientName:            fmt.Sprintf("%s-%d-%s", name, os.Getpid(), lane), // no other has it
			PoolSize:              8,
			MaxRetries:            -1,
			ContextTimeoutEnabled: true,
		})
	}
	for i := range lanes {
		b.free <- client(fmt.Sprint(i))
	}
	shared := client("shared")
	// What the shared client sends is told apart by its name alone.
	if err := shared.Do(context.Background(), "PING", "BACK /office|"+name).Err(); err != nil {
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	var err error
	b.window, err = newWindow(newOffice(officeURL), shared)
	return b, err
}

// request serves one request with a client of its own, and first says on the wire
// which request it is: a PING with its name. Redis repeats it and does nothing
// else, but whoever watches the wire, which sees no HTTP, can now tell which
// request a command was sent for.
func (b *bureau) request(r *http.Request, do func(ctx context.Context, rdb *redis.Client) error) error {
	ctx := r.Context()
	var rdb *redis.Client
	select {
	case rdb = <-b.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.free <- rdb }()
	if err := rdb.Do(ctx, "PING", r.Method+" "+r.URL.Path+"|"+b.name).Err(); err != nil {
		return err
	}
	err := do(ctx, rdb)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // the visitor has gone
	}
	return err
}
