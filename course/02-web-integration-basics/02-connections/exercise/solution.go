//go:build solution

// Package exercise is the life of a server: from its first connection to its last.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Life is what a server of gates is given.
type Life struct {
	// Redis are the options of its client. Set more of them as you need, in a copy.
	Redis *redis.Options
	// Key is the key of a gate's counter.
	Key func(gate string) string
	// Request is how long a request may wait for Redis.
	Request time.Duration
	// Header is how long a client may take to send the header of a request.
	Header time.Duration
	// Noticed returns when the balancer has noticed that /readyz says 503. It is to
	// be called once, when /readyz says so.
	Noticed func()
	// Grace is how long requests under way may take when the server ends.
	Grace time.Duration
}

// Serve serves the gates on l until ctx ends; then it says that it is not ready,
// waits until that is known, ends what is under way, and closes its client.
func Serve(ctx context.Context, l net.Listener, life Life) (err error) {
	o := *life.Redis
	o.ContextTimeoutEnabled = true // else a deadline does not end a read
	rdb := redis.NewClient(&o)
	defer func() { err = errors.Join(err, rdb.Close()) }() // after everything below

	var leaving atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if leaving.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /open/{gate}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), life.Request)
		defer cancel()
		n, err := rdb.Incr(ctx, life.Key(r.PathValue("gate"))).Result()
		if err != nil {
			http.Error(w, "the gate is out of order", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n)
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: life.Header}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed: // it was not asked to end
		return err
	case <-ctx.Done():
	}

	leaving.Store(true)
	life.Noticed()
	grace, cancel := context.WithTimeout(context.Background(), life.Grace)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}
