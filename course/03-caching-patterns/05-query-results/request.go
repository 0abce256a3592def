package seeds

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/outbox"
)

// region: handler

// api serves the pages and gives out packets.
func (c *counter) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sow/{month}", func(rw http.ResponseWriter, r *http.Request) {
		month, err := strconv.Atoi(r.PathValue("month"))
		if err != nil || month < 1 || month > months {
			http.Error(rw, "a month is a number from 1 to 12", http.StatusNotFound)
			return
		}
		page, err := joined(r.Context(), c.ask, month)
		if err != nil {
			http.Error(rw, "try again", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(rw).Encode(page) // a visitor who has gone needs no answer
	})
	mux.HandleFunc("DELETE /packets/{id}", func(rw http.ResponseWriter, r *http.Request) {
		err := c.box.InTx(r.Context(), nil, func(tx *sql.Tx, b *outbox.Batch) error {
			_, err := tx.ExecContext(r.Context(), giveOut, r.PathValue("id"))
			return errors.Join(err, c.note.InvalidateTag(r.Context(), b, "packets"))
		})
		if err != nil {
			http.Error(rw, "try again", http.StatusServiceUnavailable)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// endregion

// requesting shows requests on the wire.
func requesting(ctx context.Context, r *unit.Run, all []*library) error {
	r.Step("Two visits, a packet that is given out, and a visit, over HTTP, watched on the wire.")
	seen, err := r.Trace(ctx, unit.Sample{Title: "one query, cached, with tags and an outbox", Note: "The first visit takes a lease, asks the database, and stores; each tag has an index of its keys. The second is one GET. After the commit the index of the tag packets leads to the entry. The database was asked twice for the page."},
		func(ctx context.Context, c *redis.Client) error {
			a, err := newAnswers(c, r.Space("http"), all[0])
			if err != nil {
				return err
			}
			desk, err := all[0].desk(a, false)
			if err != nil {
				return err
			}
			all[0].asked.Store(0)
			return serve(ctx, desk.api())
		})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "page_queries", Label: "queries for the page in three visits", Value: float64(all[0].asked.Load()), Minor: true})
	r.Metric(unit.Metric{Name: "http_trips", Label: "for three visits and a packet given out", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	return nil
}

// serve answers four requests on a port of its own.
func serve(ctx context.Context, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n := 0 // one after the other
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n++
		handler.ServeHTTP(rw, r.WithContext(trace.WithRequest(r.Context(), fmt.Sprintf("%d: %s %s", n, r.Method, r.URL.Path))))
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	for _, what := range [][2]string{{http.MethodGet, "/sow/6"}, {http.MethodGet, "/sow/6"}, {http.MethodDelete, "/packets/17"}, {http.MethodGet, "/sow/6"}} {
		if err = send(ctx, what[0], url+what[1]); err != nil {
			break
		}
	}
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	<-ended //nolint:errcheck // it is http.ErrServerClosed
	return err
}

func send(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
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
