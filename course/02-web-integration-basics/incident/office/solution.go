//go:build solution

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
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// attempts is how often a booking is tried: the network drops a packet now and
	// then.
	attempts = 3
	// notice is how long the balancer may take until it sends nothing more.
	notice = 2 * time.Second
	// grace is how long requests may take to end.
	grace = 4 * time.Second
	// keep is how long a sailing and its bookings are wanted.
	keep = 24 * time.Hour
)

// leaving is set as soon as this copy has been told to leave.
var leaving atomic.Bool

// live is the whole life of a copy: it serves until it is told to leave, and returns
// when it has left. First it says so, and serves on until the balancer has heard it.
func live(leave <-chan struct{}, listener net.Listener, o *office) error {
	server := &http.Server{Handler: o.routes(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-leave:
	}
	leaving.Store(true)
	time.Sleep(notice)
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx) // takes no more requests, and waits for those under way
	return errors.Join(err, o.close())
}

// alive answers GET /livez: nil is yes. The orchestrator restarts a copy that says no,
// and no restart of ours mends Redis.
func alive(context.Context, *redis.Client) error { return nil }

// ready answers GET /readyz: nil is yes. The balancer sends no requests to a copy that
// says no.
func ready(ctx context.Context, rdb *redis.Client) error {
	if leaving.Load() {
		return errors.New("leaving")
	}
	return rdb.Ping(ctx).Err()
}

// booking is a place on a ferry. It is kept as JSON in booking:<number>, where the
// passengers' app, which is another team's, reads and writes it as well.
type booking struct {
	Sailing   string `json:"sailing"`
	Name      string `json:"name"`
	CheckedIn bool   `json:"checked_in"`
}

var errNoBooking = errors.New("there is no such booking")

// book books a place for somebody. The number is the booking's own, so however often
// it arrives, it is one member of the sailing's set and one value.
func book(ctx context.Context, rdb *redis.Client, sailing, number, name string) error {
	text, err := json.Marshal(booking{Sailing: sailing, Name: name})
	if err != nil {
		return err
	}
	for range attempts {
		_, err = rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.SAdd(ctx, "sailing:"+sailing, number)
			p.Expire(ctx, "sailing:"+sailing, keep)
			p.SetNX(ctx, "booking:"+number, text, keep)
			return nil
		})
		if err == nil {
			return nil
		}
	}
	return err
}

// expected returns how many passengers the crew of a sailing waits for.
func expected(ctx context.Context, rdb *redis.Client, sailing string) (int64, error) {
	return rdb.SCard(ctx, "sailing:"+sailing).Result()
}

// checkIn notes that a passenger is there. What others have written into the booking
// stays as they wrote it.
func checkIn(ctx context.Context, rdb *redis.Client, number string) error {
	text, err := load(ctx, rdb, number)
	if err != nil {
		return err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	fields["checked_in"] = json.RawMessage("true")
	if text, err = json.Marshal(fields); err != nil {
		return err
	}
	return rdb.Set(ctx, "booking:"+number, text, keep).Err()
}

// bookingOf returns a booking, or errNoBooking.
func bookingOf(ctx context.Context, rdb *redis.Client, number string) (booking, error) {
	var b booking
	text, err := load(ctx, rdb, number)
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(text, &b)
}

// load returns a booking as it is kept, or errNoBooking.
func load(ctx context.Context, rdb *redis.Client, number string) ([]byte, error) {
	text, err := rdb.Get(ctx, "booking:"+number).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, errNoBooking
	}
	return text, err
}
