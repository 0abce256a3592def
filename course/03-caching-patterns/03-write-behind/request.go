package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/writebehind"
)

// region: handler

// api takes page turns and tells where a reader is.
func api(w *writebehind.Writer[string, int], l *library) http.Handler {
	page := w.Loader(l.page) // what is pending, or else the database
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /readers/{id}/page", func(rw http.ResponseWriter, r *http.Request) {
		var n int
		if err := json.NewDecoder(io.LimitReader(r.Body, 32)).Decode(&n); err != nil || n < 1 {
			http.Error(rw, "a page is a number from 1", http.StatusUnprocessableEntity)
			return
		}
		switch err := w.Put(r.Context(), r.PathValue("id"), n); {
		case errors.Is(err, writebehind.ErrFull):
			http.Error(rw, "too many turns are waiting", http.StatusServiceUnavailable)
		case err != nil: // accepted or not, nobody knows: the device sends it again
			http.Error(rw, "try again", http.StatusServiceUnavailable)
		default:
			rw.WriteHeader(http.StatusAccepted) // 202: it will be done
		}
	})
	mux.HandleFunc("GET /readers/{id}/page", func(rw http.ResponseWriter, r *http.Request) {
		n, err := page(r.Context(), r.PathValue("id"))
		if err != nil {
			http.Error(rw, "try again", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(rw, n) // a device that has gone needs no answer
	})
	return mux
}

// endregion

// requesting shows two requests and a flush on the wire.
func requesting(ctx context.Context, r *unit.Run, dir string) error {
	r.Step("One turn over HTTP, a look at it, and its way to the database, watched on the wire.")
	l, err := openLibrary(ctx, dir, "http", guarded)
	if err != nil {
		return err
	}
	defer l.db.Close()
	open := func(c *redis.Client, name string) (*writebehind.Writer[string, int], error) {
		return writebehind.New(c, writebehind.Options[string, int]{Prefix: r.Space(name), Sink: l.save, Shards: 1})
	}
	_, err = r.Trace(ctx, unit.Sample{Title: "a turn, a look, a flush", Note: "The reader sees page 42 while the table knows nothing of it. The database is written between take.lua, which removes nothing, and ack.lua, which removes the version that was written."},
		func(ctx context.Context, c *redis.Client) error {
			w, err := open(c, "http")
			if err != nil {
				return err
			}
			if err := serve(ctx, api(w, l)); err != nil {
				return err
			}
			return w.Drain(trace.WithRequest(ctx, "a worker flushes"))
		})
	return err
}

// serve answers two requests on a port of its own.
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
	err = turnAndLook(ctx, "http://"+listener.Addr().String()+"/readers/ada/page")
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	<-ended //nolint:errcheck // it is http.ErrServerClosed
	return err
}

// turnAndLook turns to page 42 and asks where the reader is.
func turnAndLook(ctx context.Context, url string) error {
	const page = "42"
	if _, err := send(ctx, http.MethodPut, url, page, http.StatusAccepted); err != nil {
		return err
	}
	got, err := send(ctx, http.MethodGet, url, "", http.StatusOK)
	if err == nil && strings.TrimSpace(got) != page {
		err = fmt.Errorf("the reader turned to page %s and is on page %s", page, strconv.Quote(got))
	}
	return err
}

func send(ctx context.Context, method, url, body string, want int) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		return "", fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
