package snippets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// region: lifespan

// Run serves until ctx ends, lets running requests finish, then closes what it
// opened.
func Run(ctx context.Context, listener net.Listener, redisURL string) error {
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /greeting", NewAPI(client).Greeting)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served: // it never began, or broke
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(drain), ignoreClosed(<-served))
}

// endregion

// ignoreClosed is nil for the error that Serve returns after every Shutdown.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
