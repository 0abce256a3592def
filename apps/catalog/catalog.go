package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// Product is one article.
type Product struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	Category   string `json:"category"`
	PriceCents int    `json:"price_cents"`
	Stock      int    `json:"stock"`
	// Version grows by one with each change.
	Version int `json:"version"`
}

// Query is a question for a list: the products after After, in order of id, at
// most Limit, with Text in their names and of Category if those are not empty.
type Query struct {
	After, Limit   int
	Text, Category string
}

// text is the query as a key of the cache. The text comes last, for it may hold
// anything.
func (q Query) text() string {
	return fmt.Sprintf("%d:%d:%s:%s", q.After, q.Limit, q.Category, q.Text)
}

// The decisions a caller can make.
var (
	// ErrNoProduct: there is no product of this id. The cache remembers it.
	ErrNoProduct = fmt.Errorf("catalog: no such product: %w", cache.ErrNotFound)
	// ErrUnavailable: neither a cache nor the store can answer now, or a change
	// was not made, or it is not known to be.
	ErrUnavailable = errors.New("catalog: the store does not answer")
)

// Store holds the truth about products. Its methods end with their contexts, and
// bound by themselves how many questions they ask at a time: when the caches are
// gone, all readers come here.
type Store interface {
	// Product reads one, or answers ErrNoProduct.
	Product(ctx context.Context, id int) (Product, error)
	// List reads those of a query.
	List(ctx context.Context, q Query) ([]Product, error)
	// SetPrice and SetStock change one and return it as it is then. After an error
	// other than ErrNoProduct it may have been changed or not.
	SetPrice(ctx context.Context, id, cents int) (Product, error)
	SetStock(ctx context.Context, id, stock int) (Product, error)
	// Ping asks whether it answers.
	Ping(ctx context.Context) error
	Close() error
}

// The times of the caches. Changes invalidate at once, so these bound what an
// invalidation that was lost can do, not how old an answer usually is.
const (
	productTTL  = time.Minute
	listTTL     = 30 * time.Second
	memoryTTL   = 2 * time.Second // also how far an instance can lag that hears no pushes
	staleTTL    = 30 * time.Second
	lastResort  = 10 * time.Minute // what is kept for a store that does not answer
	loadTimeout = 3 * time.Second

	memoryProducts = 20_000
	memoryLists    = 1_000

	// originLimit bounds the queue in front of the store while Redis is gone; how
	// many are in the store at a time it bounds itself.
	originLimit = 1_000
)

// everything is the tag of all lists: any change of a product may concern any.
const everything = "products"

// Catalog answers questions about products through its caches, and changes them.
// It is safe for concurrent use.
type Catalog struct {
	store    Store
	layers   Layers
	products *layered[int, Product]
	lists    *layered[Query, []Product]
	untold   *untold
	hot      hot
	asked    atomic.Int64 // calls of the store, to read
}

// NewCatalog returns one. Every key in Redis begins with prefix.
func NewCatalog(client redis.UniversalClient, store Store, prefix string, logger *slog.Logger) (*Catalog, error) {
	c := &Catalog{store: store}
	c.layers.All(true)
	var err error
	c.products, err = newLayered(client, &c.layers, cache.Options[int, Product]{
		Name: prefix + "product", TTL: productTTL, Local: cache.Local{Entries: memoryProducts}, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	c.lists, err = newLayered(client, &c.layers, cache.Options[Query, []Product]{
		Name: prefix + "list", TTL: listTTL, Local: cache.Local{Entries: memoryLists}, Logger: logger,
		KeyFunc: Query.text,
		TagFunc: func(Query, []Product) []string { return []string{everything} },
	})
	if err != nil {
		return nil, err
	}
	c.untold = newUntold(c.invalidate, logger)
	return c, nil
}

// Product reads a product.
func (c *Catalog) Product(ctx context.Context, id int) (Answer[Product], error) {
	c.hot.seen(id)
	a, err := c.products.fetch(ctx, id, !c.untold.has(id), c.load)
	return a, c.outcome(err)
}

// load reads a product from the store.
func (c *Catalog) load(ctx context.Context, id int) (Product, error) {
	c.asked.Add(1)
	c.hot.loaded(id)
	return c.store.Product(ctx, id)
}

// List reads the products of a query. Lists are switched off by Layers.Lists.
func (c *Catalog) List(ctx context.Context, q Query) (Answer[[]Product], error) {
	trust := c.layers.Lists.Load() && !c.untold.any()
	a, err := c.lists.fetch(ctx, q, trust, func(ctx context.Context, q Query) ([]Product, error) {
		c.asked.Add(1)
		return c.store.List(ctx, q)
	})
	return a, c.outcome(err)
}

// maxRelated is how many products are related to one.
const maxRelated = 5

// Related reads others of a product's category: those that follow it, and from
// the beginning if these are too few.
func (c *Catalog) Related(ctx context.Context, id int) (Answer[[]Product], error) {
	p, err := c.Product(ctx, id)
	if err != nil {
		return Answer[[]Product]{}, err
	}
	q := Query{After: id, Limit: maxRelated, Category: p.Value.Category}
	a, err := c.List(ctx, q)
	if err != nil || len(a.Value) == maxRelated {
		return a, err
	}
	q.After, q.Limit = 0, maxRelated+1 // it may be among the first itself
	first, err := c.List(ctx, q)
	if err != nil {
		return first, err
	}
	related := append([]Product(nil), a.Value...) // what a cache holds is not ours to change
	for _, other := range first.Value {
		if other.ID < id && len(related) < maxRelated {
			related = append(related, other)
		}
	}
	first.Value = related
	return first, nil
}

// SetPrice changes the price of a product; see change.
func (c *Catalog) SetPrice(ctx context.Context, id, cents int) (Product, error) {
	return c.change(ctx, id, func(ctx context.Context) (Product, error) { return c.store.SetPrice(ctx, id, cents) })
}

// SetStock changes the stock of a product; see change.
func (c *Catalog) SetStock(ctx context.Context, id, stock int) (Product, error) {
	return c.change(ctx, id, func(ctx context.Context) (Product, error) { return c.store.SetStock(ctx, id, stock) })
}

// tellTimeout is how long a change waits for Redis to be told of it.
const tellTimeout = 500 * time.Millisecond

// change writes to the store and then invalidates. It is not cache.Write, for two
// reasons: what the product is after the change, its version above all, only the
// store knows; and without Redis cache.Write refuses, while a shop must be able to
// take a product's stock down. The price is a window between the two steps: see
// untold.
//
// A change that may have been made is told to the caches too.
func (c *Catalog) change(ctx context.Context, id int, apply func(context.Context) (Product, error)) (Product, error) {
	if c.untold.full() {
		return Product{}, fmt.Errorf("%w: too many changes wait to be told to the caches", ErrUnavailable)
	}
	p, err := apply(ctx)
	if errors.Is(err, ErrNoProduct) {
		return p, err
	}
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	if c.invalidate(telling, id) != nil {
		c.untold.add(id)
	}
	return p, c.outcome(err)
}

// invalidate tells the caches that products have changed.
func (c *Catalog) invalidate(ctx context.Context, ids ...int) error {
	return errors.Join(c.products.full.Invalidate(ctx, ids...), c.lists.full.InvalidateTag(ctx, everything))
}

// outcome is the error of this package for one of the layers below.
func (c *Catalog) outcome(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNoProduct):
		return err
	case errors.Is(err, cache.ErrNotFound): // as a cache remembers it
		return ErrNoProduct
	case errors.Is(err, cache.ErrOverloaded):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
