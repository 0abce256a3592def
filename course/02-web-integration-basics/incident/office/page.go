package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"
)

// routes is what the office answers.
func (o *office) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", o.home)
	mux.HandleFunc("GET /livez", o.probed(alive))
	mux.HandleFunc("GET /readyz", o.probed(ready))
	mux.HandleFunc("POST /sailings/{sailing}/bookings/{number}", o.serve(postBooking))
	mux.HandleFunc("GET /sailings/{sailing}", o.serve(getSailing))
	mux.HandleFunc("POST /check-in/{number}", o.serve(postCheckIn))
	mux.HandleFunc("GET /check-in/{number}", o.serve(getBooking))
	return mux
}

// probed answers a probe: 200, or 503 with what is wrong. The client is its own, and
// its name on the wire may get lost: a probe has to be answered without Redis too.
func (o *office) probed(ask func(ctx context.Context, rdb *redis.Client) error) http.HandlerFunc {
	var one sync.Mutex // of two probes at once the wire could not tell whose a command is
	return func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		_ = name(r.Context(), o.probe, r)
		if err := ask(r.Context(), o.probe); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// handler answers one request with what to show.
type handler func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error)

// serve answers as JSON; an error or a panic is answered by its text.
func (o *office) serve(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				log.Printf("%s %q: panic: %v", r.Method, r.URL.Path, p) //nolint:gosec // quoted
				http.Error(w, fmt.Sprintf("panic: %v", p), http.StatusInternalServerError)
			}
		}()
		var shown any
		err := o.request(r, func(ctx context.Context, rdb *redis.Client) (err error) {
			shown, err = handle(ctx, rdb, r)
			return err
		})
		switch {
		case errors.Is(err, errNoBooking):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(shown) // the visitor may be gone
		}
	}
}

func postBooking(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return true, book(ctx, rdb, r.PathValue("sailing"), r.PathValue("number"), r.FormValue("name"))
}

func getSailing(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return expected(ctx, rdb, r.PathValue("sailing"))
}

func postCheckIn(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return true, checkIn(ctx, rdb, r.PathValue("number"))
}

func getBooking(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return bookingOf(ctx, rdb, r.PathValue("number"))
}

// home is a page for people, who meet another copy each time that they reload it.
func (o *office) home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = homePage.Execute(w, map[string]any{"Pid": os.Getpid(), "Began": o.began.Format("15:04:05")}) // likewise
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The office of the ferry</title>
<h1>The office of the ferry</h1>
<p>Process {{.Pid}}, here since {{.Began}}. Reload, and the balancer may hand you to another copy.</p>
<p><a href="/livez">/livez</a> · <a href="/readyz">/readyz</a></p>
</html>
`))
