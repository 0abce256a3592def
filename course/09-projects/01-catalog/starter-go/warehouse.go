package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ErrNotFound says that there is no such product.
var ErrNotFound = errors.New("there is no such product")

// Warehouse is a client of the origin.
type Warehouse struct {
	url  string
	http *http.Client
}

// NewWarehouse returns a client of the warehouse at that address.
func NewWarehouse(url string) *Warehouse {
	// To do: how long may the warehouse be silent, and how many may ask it at once?
	return &Warehouse{url: url, http: &http.Client{Timeout: 30 * time.Second}}
}

// Query says which products to list; what is zero does not matter.
type Query struct {
	After    int    // only ids above this one
	Limit    int    // 1 to 100
	Text     string // part of the name
	Category string
}

// Product reads one product.
func (w *Warehouse) Product(ctx context.Context, id int) (Product, error) {
	var p Product
	err := w.ask(ctx, http.MethodGet, fmt.Sprintf("/products/%d", id), nil, &p)
	return p, err
}

// List lists products in order of their ids.
func (w *Warehouse) List(ctx context.Context, q Query) ([]Product, error) {
	query := url.Values{"after": {strconv.Itoa(q.After)}, "limit": {strconv.Itoa(q.Limit)}, "q": {q.Text}, "category": {q.Category}}
	var page struct{ Items []Product }
	err := w.ask(ctx, http.MethodGet, "/products?"+query.Encode(), nil, &page)
	return page.Items, err
}

// Change sets the price or the stock, and returns the product as it is then.
func (w *Warehouse) Change(ctx context.Context, id int, what string, body any) (Product, error) {
	var p Product
	err := w.ask(ctx, http.MethodPut, fmt.Sprintf("/products/%d/%s", id, what), body, &p)
	return p, err
}

func (w *Warehouse) ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, w.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := w.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(response.Body).Decode(into)
	case http.StatusNotFound:
		return ErrNotFound
	}
	return fmt.Errorf("%s %s: the warehouse answered %s", method, path, response.Status)
}
