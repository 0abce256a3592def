package aside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// region: handler

// products is the API that the tills ask.
func products(ask func(ctx context.Context, code string) (string, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{code}", func(w http.ResponseWriter, r *http.Request) {
		text, err := ask(r.Context(), r.PathValue("code"))
		switch {
		case errors.Is(err, errUnknown):
			http.Error(w, "no such product", http.StatusNotFound)
		case err != nil:
			http.Error(w, "try again", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text) // a till that has gone needs no answer
		}
	})
	return mux
}

// endregion

// requests are what is sent for a trace: a product and a misread code, twice each.
var requests = []string{"4711", "4711", "47l1", "47l1"}

// tracing shows the commands behind requests, two ways.
func tracing(ctx context.Context, r *unit.Run) error {
	r.Step("Two scans of a product and two of a misread code, over HTTP, watched on the wire.")
	db := func(_ context.Context, code string) (string, error) {
		if code != requests[0] {
			return "", errUnknown
		}
		return `{"code":4711,"name":"eye drops","sell":true}`, nil
	}
	seen, err := r.Trace(ctx, unit.Sample{Title: "notes and a lease", Note: "The database is asked between SET NX and the script. The second scan of each is one GET, also of what does not exist."},
		func(ctx context.Context, c *redis.Client) error {
			if err := store.Load(ctx, r.Redis()).Err(); err != nil { // Redis keeps it from now on
				return err
			}
			return scanAll(ctx, func(ctx context.Context, code string) (string, error) {
				key := r.Key("http:" + code)
				r.Key("http:" + code + ":lease")
				return leased(ctx, c, key, func(ctx context.Context) (string, error) { return db(ctx, code) })
			})
		})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "trips_leased", Label: "two scans of a product and two of a misread code", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	kit := func(c *redis.Client) (func(context.Context, string) (string, error), error) {
		shop, err := cache.New(c, cache.Options[string, string]{Name: r.Space("http"), TTL: life})
		return func(ctx context.Context, code string) (string, error) {
			text, err := shop.Fetch(ctx, code, func(ctx context.Context, code string) (string, error) {
				text, err := db(ctx, code)
				return text, translate(err, errUnknown, cache.ErrNotFound)
			})
			return text, translate(err, cache.ErrNotFound, errUnknown)
		}, err
	}
	_, err = r.Trace(ctx, unit.Sample{Title: "kit/cache", Note: "As many commands: a script that takes the lease, if nobody has stored a value meanwhile, and a script that stores. In front of each value stand 26 bytes: among them when it was loaded, until when it is fresh, and how long the load took."},
		func(ctx context.Context, c *redis.Client) error {
			before, err := kit(r.Redis())
			if err != nil {
				return err
			}
			if _, err := before(ctx, "4710"); !errors.Is(err, errUnknown) { // Redis has the scripts from now on
				return err
			}
			ask, err := kit(c)
			if err != nil {
				return err
			}
			return scanAll(ctx, ask)
		})
	return err
}

// scanAll serves the API on a port of its own, and sends the requests.
func scanAll(ctx context.Context, ask func(context.Context, string) (string, error)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	scans := 0 // one after the other
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: products(func(ctx context.Context, code string) (string, error) {
		scans++
		return ask(trace.WithRequest(ctx, fmt.Sprintf("scan %d: GET /products/%s", scans, code)), code)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	for _, code := range requests {
		if err = get(ctx, "http://"+listener.Addr().String()+"/products/"+code); err != nil {
			break
		}
	}
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	<-ended //nolint:errcheck // it is http.ErrServerClosed
	return err
}

// get sends a request and waits for all of the answer.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
