package lifts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// region: handler

// api is what operators and skiers ask.
func api(b board, d *database) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /lifts/{id}", func(rw http.ResponseWriter, r *http.Request) {
		lift, state := r.PathValue("id"), ""
		if err := json.NewDecoder(io.LimitReader(r.Body, 32)).Decode(&state); err != nil || state != opened && state != closed {
			http.Error(rw, `a lift is "open" or "closed"`, http.StatusUnprocessableEntity)
			return
		}
		err := b.write(r.Context(), lift, state, func(ctx context.Context) error { return d.save(ctx, lift, state) })
		switch {
		case errors.Is(err, cache.ErrNotTold): // it is done; only the board may need a moment
			rw.WriteHeader(http.StatusAccepted)
		case err != nil:
			http.Error(rw, "try again", http.StatusServiceUnavailable)
		default:
			rw.WriteHeader(http.StatusNoContent)
		}
	})
	mux.HandleFunc("GET /lifts/{id}", func(rw http.ResponseWriter, r *http.Request) {
		state, err := b.read(r.Context(), r.PathValue("id"), d.load)
		if err != nil {
			http.Error(rw, "try again", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(rw).Encode(state) // a skier who has gone needs no answer
	})
	return mux
}

// endregion

// requesting shows a write and two looks on the wire, two ways.
func requesting(ctx context.Context, r *unit.Run, d *database) error {
	r.Step("One lift closes over HTTP, and two skiers look, watched on the wire.")
	for _, shown := range []struct {
		way  way
		note string
	}{
		{ways[0], "The database is written before DEL, and asked between the first GET and SET."},
		{ways[3], "Before the database is written a script takes the old entry away and makes readers wait. After it another one stores the new entry, and lets them go on. Both looks are hits."},
	} {
		_, err := r.Trace(ctx, unit.Sample{Title: shown.way.label, Note: shown.note}, func(ctx context.Context, c *redis.Client) error {
			b, err := shown.way.open(r, c)
			if err != nil {
				return err
			}
			return serve(ctx, api(b, d))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// serve answers three requests on a port of its own.
func serve(ctx context.Context, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(rw, r.WithContext(trace.WithRequest(r.Context(), r.Method+" "+r.URL.Path)))
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String() + "/lifts/4"
	for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodGet} {
		if err = send(ctx, method, url, `"closed"`); err != nil {
			break
		}
	}
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	<-ended //nolint:errcheck // it is http.ErrServerClosed
	return err
}

func send(ctx context.Context, method, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
