// The office sells places on a ferry and checks passengers in. office.go holds what
// it does with Redis and how it lives and ends, page.go what it answers.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

func main() {
	log.SetFlags(0)
	logging.Disable() // what goes wrong with Redis is answered to who asked
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the office is at http://%s\n", listener.Addr())
	if err := live(told(), listener, newOffice(os.Getenv("REDIS_ADDR"))); err != nil {
		log.Fatal(err)
	}
}

// told returns what is closed when the office is told to leave: by SIGTERM, as
// everywhere, or by a line on standard input, where whoever started it may have no
// signals. When that input ends, who started it is gone, and the office goes too.
func told() <-chan struct{} {
	leave := make(chan struct{})
	say := sync.OnceFunc(func() { close(leave) })
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		say()
	}()
	if os.Getenv("GRIND_CHILD") != "" {
		go func() {
			lines := bufio.NewScanner(os.Stdin)
			for lines.Scan() {
				if lines.Text() == "leave" {
					say()
				}
			}
			os.Exit(0)
		}()
	}
	return leave
}

// lanes is how many requests an office serves at once; the others wait.
const lanes = 16

// office hands each request a Redis client that serves no other at that moment.
type office struct {
	free  chan *redis.Client
	all   []*redis.Client
	probe *redis.Client // for the probes, which wait for no lane
	began time.Time
}

func newOffice(addr string) *office {
	o := &office{free: make(chan *redis.Client, lanes), began: time.Now()}
	for i := range lanes + 1 {
		o.all = append(o.all, redis.NewClient(&redis.Options{
			Addr:                  addr,
			ClientName:            fmt.Sprintf("office-%d-%d", os.Getpid(), i), // no other has it
			PoolSize:              128,                                         // after as many dials in vain go-redis repeats the error for a second
			DialTimeout:           time.Second,
			DialerRetries:         1,
			ReadTimeout:           time.Second,
			WriteTimeout:          time.Second,
			MaxRetries:            -1, // office.go says what is tried again
			ContextTimeoutEnabled: true,
		}))
	}
	for _, c := range o.all[:lanes] {
		o.free <- c
	}
	o.probe = o.all[lanes]
	return o
}

// close closes all connections to Redis. Commands that are sent afterwards fail.
func (o *office) close() error {
	var errs []error
	for _, c := range o.all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// request serves one request with a client of its own, and first says on the wire
// which request it is: a PING with its name. Redis repeats it and does nothing
// else, but whoever watches the wire, which sees no HTTP, can now tell which
// request a command was sent for.
func (o *office) request(r *http.Request, do func(ctx context.Context, rdb *redis.Client) error) error {
	ctx := r.Context()
	var rdb *redis.Client
	select {
	case rdb = <-o.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { o.free <- rdb }()
	if err := name(ctx, rdb, r); err != nil {
		return err
	}
	return do(ctx, rdb)
}

func name(ctx context.Context, rdb *redis.Client, r *http.Request) error {
	return rdb.Do(ctx, "PING", r.Method+" "+r.URL.Path+"|"+r.Header.Get("X-Visitor")).Err()
}
