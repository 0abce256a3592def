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

// routes is what the shop answers.
func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serve(home))
	mux.HandleFunc("POST /views/{product}", s.serve(postViews))
	mux.HandleFunc("GET /views/{product}", s.serve(getViews))
	mux.HandleFunc("POST /feed", s.serve(postFeed))
	mux.HandleFunc("GET /feed", s.serve(getFeed))
	mux.HandleFunc("POST /carts/{cart}", s.serve(postCart))
	mux.HandleFunc("GET /carts/{cart}", s.serve(getCart))
	return mux
}

// handler answers one request with what to show.
type handler func(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error)

// serve answers as JSON, or as the page that it got; an error or a panic is
// answered by its text.
func (s *shop) serve(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				log.Printf("%s %q: panic: %v", r.Method, r.URL.Path, p) //nolint:gosec // quoted
				http.Error(w, fmt.Sprintf("panic: %v", p), http.StatusInternalServerError)
			}
		}()
		var shown any
		err := s.request(r, func(ctx context.Context, rdb *redis.Client) (err error) {
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

// number reads a whole number above zero; one when there is none.
func number(r *http.Request) int64 {
	if n, err := strconv.ParseInt(r.FormValue("n"), 10, 64); err == nil && n > 0 {
		return n
	}
	return 1
}

// dayOf is the day that a browser reports for, or today.
func dayOf(r *http.Request) string {
	if day := r.FormValue("day"); day != "" {
		return day
	}
	return today()
}

func postViews(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return countViews(ctx, rdb, dayOf(r), r.PathValue("product"), number(r))
}

func getViews(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return viewsOf(ctx, rdb, dayOf(r), r.PathValue("product"))
}

func postFeed(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return true, publish(ctx, rdb, r.FormValue("entry"))
}

func getFeed(ctx context.Context, rdb *redis.Client, _ *http.Request) (any, error) {
	return feed(ctx, rdb)
}

func postCart(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return true, addToCart(ctx, rdb, r.PathValue("cart"), r.FormValue("product"), number(r))
}

func getCart(ctx context.Context, rdb *redis.Client, r *http.Request) (any, error) {
	return cartOf(ctx, rdb, r.PathValue("cart"))
}

// pageView is the shop's home page.
type pageView struct {
	Products []productView
	Feed     []string
}

type productView struct {
	Name  string
	Views int64
}

func home(ctx context.Context, rdb *redis.Client, _ *http.Request) (any, error) {
	var page pageView
	for _, name := range []string{"mug", "lamp", "chair"} {
		views, err := viewsOf(ctx, rdb, today(), name)
		if err != nil {
			return nil, err
		}
		page.Products = append(page.Products, productView{name, views})
	}
	var err error
	page.Feed, err = feed(ctx, rdb)
	return page, err
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The shop</title>
<h1>The shop</h1>
<h2>Seen today</h2>
<ul>{{range .Products}}<li>{{.Name}}: {{.Views}} views</li>{{end}}</ul>
<h2>Just bought</h2>
<ol>{{range .Feed}}<li>{{.}}</li>{{else}}<li>Nothing yet.</li>{{end}}</ol>
</html>
`))
