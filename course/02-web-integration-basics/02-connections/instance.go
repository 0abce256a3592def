package carpark

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/web"
)

// motor is how long a barrier takes to rise.
const motor = 50 * time.Millisecond

// gate serves POST /open: it takes the money and opens the barrier.
type gate struct {
	redis        *redis.Client
	paid, opened string        // keys
	rising       *atomic.Int32 // barriers that are just going up
}

// region: handler

func (g gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := g.redis.Incr(r.Context(), g.paid).Err(); err != nil {
		http.Error(w, "the gate is out of order", http.StatusServiceUnavailable)
		return
	}
	g.rise()
	if err := g.redis.Incr(r.Context(), g.opened).Err(); err != nil {
		http.Error(w, "the gate is out of order", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "have a good day")
}

// endregion

// rise takes its time.
func (g gate) rise() {
	g.rising.Add(1)
	defer g.rising.Add(-1)
	time.Sleep(motor)
}

// instance is one server process of the car park.
type instance struct {
	url  string
	stop func() // returns when it has ended, in its own way
}

// plain is a server of net/http with an end of its own.
func plain(g gate, end func(*http.Server, *redis.Client)) (*instance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /open", g)
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }() // it says that it was closed
	return &instance{"http://" + l.Addr().String(), func() { end(s, g.redis); <-served }}, nil
}

// region: ends

// killed is what os.Exit, log.Fatal and kill -9 do.
func killed(s *http.Server, rdb *redis.Client) {
	_ = s.Close()
	_ = rdb.Close()
}

// redisFirst is `defer s.Shutdown(ctx)` followed by `defer rdb.Close()`: the last
// that was deferred is done first.
func redisFirst(s *http.Server, rdb *redis.Client) {
	_ = rdb.Close()
	_ = s.Shutdown(context.Background())
}

// shutdown is the right order.
func shutdown(s *http.Server, rdb *redis.Client) {
	_ = s.Shutdown(context.Background()) // waits for requests under way
	_ = rdb.Close()
}

// endregion

// region: drained

// drained says for a while that it is not ready, before it does all that.
func drained(g gate) (*instance, error) {
	s, err := web.New(web.Options{DrainDelay: drainDelay, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	s.Handle("POST /open", g)
	s.OnClose("redis", g.redis.Close)
	// endregion
	if err := s.Listen(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Run(ctx) }() // what goes wrong is seen at the gates
	return &instance{s.URL(), func() { cancel(); <-ended }}, nil
}

// shortened is an error without the addresses of this run.
func shortened(text string) string {
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
