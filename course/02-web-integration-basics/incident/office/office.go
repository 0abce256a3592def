//go:build !solution

// The office's life, and its Redis. This is the file to mend. main.go and page.go
// call these functions: keep their names and parameters; change what is inside, add
// functions and variables as you like.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// attempts is how often a command is tried: the network drops a packet now and
	// then.
	attempts = 3
	// grace is how long requests may take to end.
	grace = 4 * time.Second
	// keep is how long a sailing and its bookings are wanted.
	keep = 24 * time.Hour
)

// live is the whole life of a copy: it serves until it is told to leave, and returns
// when it has left.
func live(leave <-chan struct{}, listener net.Listener, o *office) error {
	server := &http.Server{Handler: o.routes(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-leave:
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx) // takes no more requests, and waits for those under way
	return errors.Join(err, o.close())
}

// alive answers GET /livez: nil is yes. The orchestrator restarts a copy that says no.
func alive(ctx context.Context, rdb *redis.Client) error { return ready(ctx, rdb) }

// ready answers GET /readyz: nil is yes. The balancer sends no requests to a copy that
// says no.
func ready(ctx context.Context, rdb *redis.Client) error { return rdb.Ping(ctx).Err() }

// booking is a place on a ferry. It is kept as JSON in booking:<number>, where the
// passengers' app, which is another team's, reads and writes it as well.
type booking struct {
	Sailing   string `json:"sailing"`
	Name      string `json:"name"`
	CheckedIn bool   `json:"checked_in"`
}

var errNoBooking = errors.New("there is no such booking")

// book books a place for somebody. The number is the booking's own: the browser has
// made it up, and shows it to the passenger.
func book(ctx context.Context, rdb *redis.Client, sailing, number, name string) error {
	var err error
	for range attempts {
		if err = rdb.Incr(ctx, "sailing:"+sailing).Err(); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := rdb.Expire(ctx, "sailing:"+sailing, keep).Err(); err != nil {
		return err
	}
	return save(ctx, rdb, number, booking{Sailing: sailing, Name: name})
}

// expected returns how many passengers the crew of a sailing waits for.
func expected(ctx context.Context, rdb *redis.Client, sailing string) (int64, error) {
	n, err := rdb.Get(ctx, "sailing:"+sailing).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, err
}

// checkIn notes that a passenger is there.
func checkIn(ctx context.Context, rdb *redis.Client, number string) error {
	b, err := bookingOf(ctx, rdb, number)
	if err != nil {
		return err
	}
	b.CheckedIn = true
	return save(ctx, rdb, number, b)
}

// bookingOf returns a booking, or errNoBooking.
func bookingOf(ctx context.Context, rdb *redis.Client, number string) (booking, error) {
	var b booking
	text, err := rdb.Get(ctx, "booking:"+number).Bytes()
	if errors.Is(err, redis.Nil) {
		return b, errNoBooking
	}
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(text, &b)
}

func save(ctx context.Context, rdb *redis.Client, number string, b booking) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return rdb.Set(ctx, "booking:"+number, text, keep).Err()
}
