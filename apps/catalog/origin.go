package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// The bounds of what is asked of an origin. One that says nothing holds at most
// originCalls requests of this instance, and each for originTimeout.
const (
	originTimeout = 2 * time.Second
	originCalls   = 32
	originBody    = 1 << 20 // bytes of an answer
)

// origin is a Store behind HTTP: a service that holds the products.
type origin struct {
	base   *url.URL
	client *http.Client
}

// NewOrigin returns the Store at an address such as http://127.0.0.1:7380. It
// sends nothing yet.
func NewOrigin(address string) (Store, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("catalog: ORIGIN_URL must be such as http://127.0.0.1:7380")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Requests beyond these wait for a connection, within their timeout: the
	// origin is not buried when the caches are gone.
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = originCalls, originCalls
	return &origin{base, &http.Client{Transport: transport, Timeout: originTimeout}}, nil
}

func (o *origin) Product(ctx context.Context, id int) (p Product, err error) {
	err = o.do(ctx, http.MethodGet, nil, nil, &p, "products", strconv.Itoa(id))
	return p, err
}

// Products asks for each, for an origin answers about one at a time.
func (o *origin) Products(ctx context.Context, ids []int) (map[int]Product, error) {
	var mu sync.Mutex
	found := make(map[int]Product, len(ids))
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(originCalls / 4) // readers come first
	for _, id := range ids {
		calls.Go(func() error {
			p, err := o.Product(ctx, id)
			if errors.Is(err, ErrNoProduct) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			found[id] = p
			return err
		})
	}
	return found, calls.Wait()
}

func (o *origin) List(ctx context.Context, q Query) ([]Product, error) {
	query := url.Values{"after": {strconv.Itoa(q.After)}, "limit": {strconv.Itoa(q.Limit)}}
	if q.Text != "" {
		query.Set("q", q.Text)
	}
	if q.Category != "" {
		query.Set("category", q.Category)
	}
	var found struct{ Items []Product }
	err := o.do(ctx, http.MethodGet, query, nil, &found, "products")
	return found.Items, err
}

func (o *origin) SetPrice(ctx context.Context, id, cents int) (p Product, err error) {
	err = o.do(ctx, http.MethodPut, nil, map[string]int{"price_cents": cents}, &p, "products", strconv.Itoa(id), "price")
	return p, err
}

func (o *origin) SetStock(ctx context.Context, id, stock int) (p Product, err error) {
	err = o.do(ctx, http.MethodPut, nil, map[string]int{"stock": stock}, &p, "products", strconv.Itoa(id), "stock")
	return p, err
}

// Ping asks for one product of the list: the contract of an origin has no probe.
func (o *origin) Ping(ctx context.Context) error {
	_, err := o.List(ctx, Query{Limit: 1})
	return err
}

func (o *origin) Close() error {
	o.client.CloseIdleConnections()
	return nil
}

// do sends a request and reads the JSON of its answer. Whatever hinders that is
// ErrUnavailable, but for 404.
func (o *origin) do(ctx context.Context, method string, query url.Values, send, receive any, path ...string) error {
	address := o.base.JoinPath(path...)
	address.RawQuery = query.Encode()
	var body io.Reader
	if send != nil {
		text, err := json.Marshal(send)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return err
	}
	if send != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := o.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, originBody))
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return ErrNoProduct
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: %s %s answered %d", ErrUnavailable, method, address.Path, answer.StatusCode)
	case err == nil:
		err = json.Unmarshal(text, receive)
	}
	if err != nil {
		return fmt.Errorf("%w: %s %s: %w", ErrUnavailable, method, address.Path, err)
	}
	return nil
}
