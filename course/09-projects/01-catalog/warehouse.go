package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Product is what the warehouse knows of one article, and what the application
// answers.
type Product struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	Category   string `json:"category"`
	PriceCents int    `json:"price_cents"`
	Stock      int    `json:"stock"`
	// Version grows by one with each change of the product.
	Version int `json:"version"`
}

// Warehouse is the origin that the application reads from and writes to: it holds
// the truth, counts who asks for it, and can be slow, failing or silent. It is
// safe for concurrent use.
type Warehouse struct {
	mux *http.ServeMux
	lot string // in the name of every product

	mu       sync.Mutex
	products map[int]*Product
	ids      []int // ascending
	reads    map[int]int
	inFlight int
	highest  int // of inFlight, since the last Watch
	delay    time.Duration
	failing  bool
	silent   chan struct{} // closed when it speaks again; nil while it speaks
}

// NewWarehouse returns one with n products. Its ids begin somewhere else each time,
// so that an instance that ran through an earlier check remembers none of them.
func NewWarehouse(n int) *Warehouse {
	w := &Warehouse{mux: http.NewServeMux(), products: map[int]*Product{}, reads: map[int]int{}}
	number := 1 + rand.IntN(100_000)
	first := 10_000 * number
	w.lot = fmt.Sprintf("lot %d", number)
	categories := []string{"kitchen", "garden", "office", "travel"}
	for i := range n {
		id := first + i
		category := categories[i%len(categories)]
		w.products[id] = &Product{
			ID: id, Name: fmt.Sprintf("%s article %d, %s.", category, i, w.lot), Category: category,
			PriceCents: 100 + rand.IntN(50_000), Stock: rand.IntN(100), Version: 1,
		}
		w.ids = append(w.ids, id)
	}
	w.mux.HandleFunc("GET /products/{id}", w.read)
	w.mux.HandleFunc("GET /products", w.list)
	w.mux.HandleFunc("PUT /products/{id}/price", w.setPrice)
	w.mux.HandleFunc("PUT /products/{id}/stock", w.setStock)
	return w
}

// ServeHTTP answers as the contract of the warehouse says.
func (w *Warehouse) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.enter()
	defer w.leave()
	w.mux.ServeHTTP(rw, r)
}

func (w *Warehouse) enter() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight++
	w.highest = max(w.highest, w.inFlight)
}

func (w *Warehouse) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight--
}

// trouble waits as long as the warehouse is slow or silent, and reports whether
// the request may be answered.
func (w *Warehouse) trouble(rw http.ResponseWriter, r *http.Request) (answered bool) {
	w.mu.Lock()
	delay, failing, silent := w.delay, w.failing, w.silent
	w.mu.Unlock()
	if silent != nil {
		select {
		case <-silent:
		case <-r.Context().Done():
			return true
		}
	}
	pause(r.Context(), delay)
	if failing {
		http.Error(rw, "the warehouse is closed", http.StatusInternalServerError)
	}
	return failing
}

func pause(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// read looks first and waits then: what a slow warehouse answers is as old as the
// question.
func (w *Warehouse) read(rw http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	w.mu.Lock()
	w.reads[id]++
	found, ok := w.products[id]
	var p Product
	if ok {
		p = *found
	}
	w.mu.Unlock()
	if w.trouble(rw, r) {
		return
	}
	if err != nil || !ok {
		http.Error(rw, "no such product", http.StatusNotFound)
		return
	}
	answer(rw, p)
}

// list answers products in order of id, those after ?after, at most ?limit, with
// ?q in their names and of ?category.
func (w *Warehouse) list(rw http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, _ := strconv.Atoi(query.Get("after"))
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		limit = 100
	}
	items := []Product{}
	w.mu.Lock()
	from, _ := slices.BinarySearch(w.ids, after+1)
	for _, id := range w.ids[from:] {
		p := w.products[id]
		if len(items) < limit && strings.Contains(p.Name, query.Get("q")) && (query.Get("category") == "" || p.Category == query.Get("category")) {
			items = append(items, *p)
		}
	}
	w.mu.Unlock()
	if !w.trouble(rw, r) {
		answer(rw, map[string]any{"items": items})
	}
}

func (w *Warehouse) setPrice(rw http.ResponseWriter, r *http.Request) {
	var body struct {
		PriceCents int `json:"price_cents"`
	}
	w.change(rw, r, &body, func(p *Product) { p.PriceCents = body.PriceCents })
}

func (w *Warehouse) setStock(rw http.ResponseWriter, r *http.Request) {
	var body struct {
		Stock int `json:"stock"`
	}
	w.change(rw, r, &body, func(p *Product) { p.Stock = body.Stock })
}

// change decides and then waits, as read does. What it answers is the product as
// it was changed.
func (w *Warehouse) change(rw http.ResponseWriter, r *http.Request, body any, apply func(*Product)) {
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16)).Decode(body); err != nil {
		http.Error(rw, "not the JSON that was asked for", http.StatusBadRequest)
		return
	}
	if w.trouble(rw, r) {
		return
	}
	id, _ := strconv.Atoi(r.PathValue("id"))
	w.mu.Lock()
	found, ok := w.products[id]
	var p Product
	if ok {
		apply(found)
		found.Version++
		p = *found
	}
	w.mu.Unlock()
	if !ok {
		http.Error(rw, "no such product", http.StatusNotFound)
		return
	}
	answer(rw, p)
}

func answer(rw http.ResponseWriter, document any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(document) // who hung up does not read it
}

// Product returns the truth about the n-th product.
func (w *Warehouse) Product(n int) Product {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.products[w.ids[n]]
}

// Lot is a text in the name of every product, another one in each warehouse.
func (w *Warehouse) Lot() string { return w.lot + "." }

// Unknown returns ids that no product has.
func (w *Warehouse) Unknown(n int) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.ids[len(w.ids)-1]
	ids := make([]int, n)
	for i := range ids {
		ids[i] = last + 1 + i
	}
	return ids
}

// Reads is how often a product was asked for.
func (w *Warehouse) Reads(id int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads[id]
}

// Watch begins to look for the highest number of requests at a time; highest tells
// it.
func (w *Warehouse) Watch() (highest func() int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.highest = w.inFlight
	return func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.highest
	}
}

// Slow makes each answer take that long; zero ends it.
func (w *Warehouse) Slow(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Fail makes every answer a 500, or ends that.
func (w *Warehouse) Fail(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing = on
}

// Silence makes it accept requests and say nothing, or ends that.
func (w *Warehouse) Silence(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case on && w.silent == nil:
		w.silent = make(chan struct{})
	case !on && w.silent != nil:
		close(w.silent)
		w.silent = nil
	}
}

// byID returns the truth about a product.
func (w *Warehouse) byID(id int) Product {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.products[id]
}
