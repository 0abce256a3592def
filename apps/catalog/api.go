package catalog

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/cache"
)

// notNow is what a button of the page answers that cannot do its work.
var notNow = web.Kind{Name: "not-now", Status: http.StatusConflict, Title: "That cannot be done now", Help: "The detail says why."}

// problems are what clients can tell apart.
func problems() []web.Kind {
	return []web.Kind{
		notNow,
		{Name: "no-such-product", Status: http.StatusNotFound, Title: "There is no such product", Of: ErrNoProduct,
			Help: "Look at /products for those that are there."},
		{Name: "store-unavailable", Status: http.StatusServiceUnavailable, Title: "The store does not answer", Of: ErrUnavailable,
			Help: "What is cached is still answered; this was not. A change may have been made or not: read the product, and repeat the change if it is still to be made. It is safe to repeat."},
	}
}

// api are the operations.
type api struct {
	catalog *Catalog
	cursors web.Cursors[int]
	before  func(huma.Context, func(huma.Context)) // of reading operations
}

func (a *api) register(s *web.Server) {
	add := func(method, path, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, Summary: summary, Tags: []string{"products"}, Errors: []int{404, 422, 503}}
	}
	read := func(path, summary string) huma.Operation {
		o := add(http.MethodGet, path, summary)
		o.Middlewares = huma.Middlewares{a.before}
		return o
	}
	web.Register(s, read("/products", "List or search products"), a.list)
	web.Register(s, read("/products/{id}", "Read a product"), a.read)
	web.Register(s, read("/products/{id}/related", "Read others of the same category"), a.related)
	web.Register(s, add(http.MethodPut, "/products/{id}/price", "Change the price of a product"), a.setPrice)
	web.Register(s, add(http.MethodPut, "/products/{id}/stock", "Change the stock of a product"), a.setStock)
}

// Provenance is how an answer came about, in its headers.
type Provenance struct {
	CacheStatus  string `header:"Cache-Status" doc:"The layers that were asked, as in RFC 9211, the one nearest to the store first: redis; hit; ttl=41, memory; fwd=uri-miss"`
	Age          int    `header:"Age" doc:"Seconds since the answer was read from the store"`
	CacheControl string `header:"Cache-Control" doc:"no-cache: keep it, and ask by its ETag whether it still stands"`
	SurrogateKey string `header:"Surrogate-Key" hidden:"true"`
}

// tell puts into headers where an answer came from, and for the response cache what
// it shows.
func tell[V any](ctx context.Context, a Answer[V], shown ...Product) Provenance {
	hit := fmt.Sprintf("hit; ttl=%d", int(a.Fresh/time.Second)) // negative for a stale one, as the RFC has it
	var status string
	switch {
	case a.From == cache.Memory:
		status = "memory; " + hit
	case !a.Redis:
		status = "redis; fwd=bypass"
	case a.From == cache.Redis:
		status = "redis; " + hit
	default:
		status = "redis; fwd=uri-miss"
	}
	if a.Memory && a.From != cache.Memory {
		status += ", memory; fwd=uri-miss"
	}
	p := Provenance{CacheStatus: status, Age: int(a.Age / time.Second)}
	p.CacheControl, p.SurrogateKey = keepFor(ctx, a, shown...)
	return p
}

// ProductID is the path of a product. It is exported for huma, which fills no field of
// an embedded type that is not.
type ProductID struct {
	ID int `path:"id" minimum:"1" maximum:"2147483647" example:"17"`
}

type productOut struct {
	Provenance
	Body Product
}

func (a *api) read(ctx context.Context, in *ProductID) (*productOut, error) {
	p, err := a.catalog.Product(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &productOut{tell(ctx, p, p.Value), p.Value}, nil
}

type listOut struct {
	Provenance
	Body struct {
		Items []Product `json:"items"`
		Next  string    `json:"next,omitempty" doc:"Pass it as cursor for the next page, which may be empty; without it there is none"`
	}
}

func (a *api) list(ctx context.Context, in *struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" doc:"The next of the page before"`
	Text   string `query:"q" maxLength:"100" doc:"A part of the name"`
}) (*listOut, error) {
	after, err := a.cursors.Decode(in.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := a.catalog.List(ctx, Query{After: after, Limit: in.Limit, Text: in.Text})
	if err != nil {
		return nil, err
	}
	out := &listOut{Provenance: tell(ctx, found, found.Value...)}
	out.Body.Items = found.Value
	if len(found.Value) == in.Limit {
		out.Body.Next, err = a.cursors.Encode(found.Value[in.Limit-1].ID)
	}
	return out, err
}

func (a *api) related(ctx context.Context, in *ProductID) (*listOut, error) {
	found, err := a.catalog.Related(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &listOut{Provenance: tell(ctx, found, found.Value...)}
	out.Body.Items = found.Value
	return out, nil
}

type changedOut struct{ Body Product }

func (a *api) setPrice(ctx context.Context, in *struct {
	ProductID
	Body struct {
		PriceCents int `json:"price_cents" minimum:"0" maximum:"1000000000"`
	}
}) (*changedOut, error) {
	return changed(a.catalog.SetPrice(ctx, in.ID, in.Body.PriceCents))
}

func (a *api) setStock(ctx context.Context, in *struct {
	ProductID
	Body struct {
		Stock int `json:"stock" minimum:"0" maximum:"1000000000"`
	}
}) (*changedOut, error) {
	return changed(a.catalog.SetStock(ctx, in.ID, in.Body.Stock))
}

func changed(p Product, err error) (*changedOut, error) {
	if err != nil {
		return nil, err
	}
	return &changedOut{p}, nil
}

// productPath is where a product is.
func productPath(id int) string { return "/products/" + strconv.Itoa(id) }
