package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// routes is what a window answers.
func (b *bureau) routes() http.Handler {
	w := b.window
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.serve(b.home))
	mux.HandleFunc("GET /rates/{pair}", b.serve(func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
		return w.rate(ctx, rdb, r.PathValue("pair"))
	}))
	mux.HandleFunc("PUT /rates/{pair}", b.serve(func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
		rate, err := strconv.ParseInt(r.FormValue("rate"), 10, 64)
		if err != nil {
			return nil, err
		}
		return true, w.setRate(ctx, rdb, r.PathValue("pair"), rate)
	}))
	mux.HandleFunc("GET /quotes/{pair}/{amount}", b.serve(func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
		amount, err := strconv.ParseInt(r.PathValue("amount"), 10, 64)
		if err != nil {
			return nil, err
		}
		return w.quote(ctx, rdb, r.Header.Get("X-Account"), r.PathValue("pair"), amount)
	}))
	mux.HandleFunc("GET /sheet", b.serve(func(ctx context.Context, rdb *redis.Client, _ *http.Request) (any, error) {
		return w.sheet(ctx, rdb)
	}))
	mux.HandleFunc("GET /notices/{desk}", b.serve(func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
		return w.notice(ctx, rdb, r.PathValue("desk"))
	}))
	mux.HandleFunc("PUT /notices/{desk}", b.serve(func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
		return true, w.setNotice(ctx, rdb, r.PathValue("desk"), r.FormValue("text"))
	}))
	return mux
}

// handler answers one request with what to show.
type handler func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error)

// serve answers as JSON, or as the page that it got; an error or a panic is
// answered by its text.
func (b *bureau) serve(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				log.Printf("%s %q: panic: %v", r.Method, r.URL.Path, p) //nolint:gosec // quoted
				http.Error(w, fmt.Sprintf("panic: %v", p), http.StatusInternalServerError)
			}
		}()
		var shown any
		err := b.request(r, func(ctx context.Context, rdb *redis.Client) (err error) {
			shown, err = handle(ctx, rdb, r)
			return err
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if page, ok := shown.(pageView); ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = homePage.Execute(w, page) // the visitor may be gone
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(shown) // likewise
	}
}

// pageView is what hangs at a window.
type pageView struct {
	Name    string
	Sheet   sheet
	Notices map[string]string
}

// Money writes a rate as people read it.
func (pageView) Money(rate int64) string { return fmt.Sprintf("%.4f", float64(rate)/10_000) }

func (b *bureau) home(ctx context.Context, rdb *redis.Client, _ *http.Request) (any, error) {
	page := pageView{Name: b.name, Notices: map[string]string{}}
	var err error
	if page.Sheet, err = b.window.sheet(ctx, rdb); err != nil {
		return nil, err
	}
	for _, desk := range []string{"notes", "coins", "cheques"} {
		if page.Notices[desk], err = b.window.notice(ctx, rdb, desk); err != nil {
			return nil, err
		}
	}
	return page, nil
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="1">
<title>{{.Name}}</title>
<h1>{{.Name}}</h1>
<h2>At the desks</h2>
<ul>{{range $desk, $text := .Notices}}<li>{{$desk}}: {{$text}}</li>{{end}}</ul>
<h2>Sheet {{.Sheet.Number}}</h2>
<ul>{{range $pair, $rate := .Sheet.Rates}}<li>{{$pair}}: {{$.Money $rate}}</li>{{end}}</ul>
</html>
`))
