// The catalog of unit 9.01, to begin with: every request is passed through to the
// warehouse. It is right, but for some mistakes that it does not refuse, and slow.
// contract.yaml says what it is to become.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Product is what the warehouse knows of one article, and what we answer.
type Product struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	Category   string `json:"category"`
	PriceCents int    `json:"price_cents"`
	Stock      int    `json:"stock"`
	Version    int    `json:"version"`
}

// App is one instance.
type App struct {
	warehouse *Warehouse
	rdb       *redis.Client // connects when it is used: nothing does yet
}

func main() {
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatalf("REDIS_URL: %v", err)
	}
	app := &App{warehouse: NewWarehouse(os.Getenv("ORIGIN_URL")), rdb: redis.NewClient(options)}
	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: app.Routes(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// Routes are the operations of the contract.
func (a *App) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "alive"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "ready"}) })
	mux.HandleFunc("GET /products", a.list)
	mux.HandleFunc("GET /products/{id}", a.read)
	mux.HandleFunc("PUT /products/{id}/price", a.setPrice)
	mux.HandleFunc("PUT /products/{id}/stock", a.setStock)
	mux.HandleFunc("GET /products/{id}/related", a.related)
	return mux
}

// Page is one page of a list.
type Page struct {
	Items []Product `json:"items"`
	Next  string    `json:"next,omitempty"`
}

func (a *App) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, after := 20, 0
	var err error
	if text := query.Get("limit"); text != "" {
		// To do: the contract has bounds for it.
		if limit, err = strconv.Atoi(text); err != nil {
			problem(w, http.StatusUnprocessableEntity, "limit must be a number")
			return
		}
	}
	if text := query.Get("cursor"); text != "" {
		if after, err = strconv.Atoi(text); err != nil {
			problem(w, http.StatusUnprocessableEntity, "that is no cursor of ours")
			return
		}
	}
	items, err := a.warehouse.List(r.Context(), Query{After: after, Limit: limit, Text: query.Get("q")})
	if err != nil {
		trouble(w, err)
		return
	}
	page := Page{Items: items}
	if len(items) == limit {
		page.Next = strconv.Itoa(items[len(items)-1].ID)
	}
	answer(w, page)
}

func (a *App) read(w http.ResponseWriter, r *http.Request) {
	id, err := productID(r)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, err := a.warehouse.Product(r.Context(), id)
	if err != nil {
		trouble(w, err)
		return
	}
	answer(w, p)
}

func (a *App) setPrice(w http.ResponseWriter, r *http.Request) {
	var body struct {
		PriceCents int `json:"price_cents"`
	}
	// To do: a price below zero is refused.
	a.change(w, r, "price", &body)
}

func (a *App) setStock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Stock int `json:"stock"`
	}
	// To do: so is a stock below zero.
	a.change(w, r, "stock", &body)
}

func (a *App) change(w http.ResponseWriter, r *http.Request, what string, body any) {
	id, err := productID(r)
	if err == nil {
		err = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(body)
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, err := a.warehouse.Change(r.Context(), id, what, body)
	if err != nil {
		trouble(w, err)
		return
	}
	answer(w, p)
}

func (a *App) related(w http.ResponseWriter, r *http.Request) {
	id, err := productID(r)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, err := a.warehouse.Product(r.Context(), id)
	if err != nil {
		trouble(w, err)
		return
	}
	same, err := a.warehouse.List(r.Context(), Query{Category: p.Category, Limit: 6})
	if err != nil {
		trouble(w, err)
		return
	}
	page := Page{Items: []Product{}}
	for _, other := range same {
		if other.ID != p.ID && len(page.Items) < 5 {
			page.Items = append(page.Items, other)
		}
	}
	answer(w, page)
}

func productID(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return 0, fmt.Errorf("the id must be a number, got %q", r.PathValue("id"))
	}
	return id, nil
}

// trouble answers an error of the warehouse.
func trouble(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrNotFound) {
		problem(w, http.StatusNotFound, "there is no such product")
		return
	}
	log.Print(err)
	problem(w, http.StatusBadGateway, "the warehouse cannot answer")
}

func answer(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // who hung up does not read it
}

// problem answers an error as RFC 9457 has it.
func problem(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": title, "status": status})
}
