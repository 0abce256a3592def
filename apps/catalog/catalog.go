package catalog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

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
	// Products reads several; who is missing does not exist.
	Products(ctx context.Context, ids []int) (map[int]Product, error)
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

// teller is a Store that sees to it by itself that the caches are told of its
// changes, even if this process dies.
type teller interface {
	TellTo(tell func(ctx context.Context, ids ...int) error) error
	Relay(ctx context.Context) error
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

// listsOf is the tag of the lists that show a product. One tag for all lists would
// be a single key, and would empty them all with each change: at ten changes a
// second nothing would ever be answered from them. Names and categories do not
// change, so the lists that show a product are all that a change concerns.
func listsOf(id int) string { return strconv.Itoa(id) }

// Catalog answers questions about products through its caches, and changes them.
// It is safe for concurrent use.
type Catalog struct {
	store    Store
	layers   Layers
	products *layered[int, Product]
	lists    *layered[Query, []Product]
	untold   *untold
	teller   teller // the store, if it is one; else nil
	// follower is told of changed products after the caches here; nil for nobody.
	follower func(ctx context.Context, tags ...string) error
	hot      hot
	counts   counts
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
		TagFunc: func(_ Query, shown []Product) []string {
			tags := make([]string, len(shown))
			for i, p := range shown {
				tags[i] = listsOf(p.ID)
			}
			return tags
		},
	})
	if err != nil {
		return nil, err
	}
	c.untold = newUntold(c.invalidate, logger)
	if t, ok := store.(teller); ok {
		c.teller = t
		err = t.TellTo(c.tell)
	}
	return c, err
}

// Run keeps the caches true until ctx ends: what is in memory, and what is still to
// be told.
func (c *Catalog) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{c.products.full.Run, c.lists.full.Run, c.untold.run} {
		parts.Go(func() error { return run(ctx) })
	}
	if c.teller != nil {
		parts.Go(func() error { return c.teller.Relay(ctx) })
	}
	return parts.Wait()
}

// Product reads a product.
func (c *Catalog) Product(ctx context.Context, id int) (Answer[Product], error) {
	c.hot.seen(id)
	a, err := c.look(ctx, id)
	c.counts.note(a.From, err)
	return a, err
}

// look is Product for who must not be counted as a reader.
func (c *Catalog) look(ctx context.Context, id int) (Answer[Product], error) {
	a, err := c.products.fetch(ctx, id, !c.untold.has(id), func(ctx context.Context, id int) (Product, error) {
		c.counts.asked.Add(1)
		c.hot.loaded(id)
		return c.store.Product(ctx, id)
	})
	return a, c.outcome(err)
}

// List reads the products of a query. Lists are switched off by Layers.Lists.
func (c *Catalog) List(ctx context.Context, q Query) (Answer[[]Product], error) {
	trust := c.layers.Lists.Load() && !c.untold.any()
	a, err := c.lists.fetch(ctx, q, trust, func(ctx context.Context, q Query) ([]Product, error) {
		c.counts.asked.Add(1)
		return c.store.List(ctx, q)
	})
	err = c.outcome(err)
	c.counts.note(a.From, err)
	return a, err
}

// ids yields the ids of the first products, as the store lists them.
func (c *Catalog) ids(ctx context.Context, n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		q := Query{Limit: 100}
		for range n / q.Limit {
			found, err := c.store.List(ctx, q)
			if err != nil {
				yield(0, err)
				return
			}
			for _, p := range found {
				if !yield(p.ID, nil) {
					return
				}
				q.After = p.ID
			}
			if len(found) < q.Limit {
				return
			}
		}
	}
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
	return first.and(a), nil
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
// take a product's stock down. The price is a window between the two steps; untold
// and the store's outbox see to it that it closes.
func (c *Catalog) change(ctx context.Context, id int, apply func(context.Context) (Product, error)) (Product, error) {
	c.hot.changed(id)
	if c.untold.full() {
		return Product{}, fmt.Errorf("%w: too many changes wait to be told to the caches", ErrUnavailable)
	}
	p, err := apply(ctx)
	if c.teller == nil && !errors.Is(err, ErrNoProduct) { // after another error too: it may have been made
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
		defer cancel()
		_ = c.tell(telling, id) // untold has it
	}
	return p, c.outcome(err)
}

// tell tells the caches that products have changed, now or, after an error, later.
func (c *Catalog) tell(ctx context.Context, ids ...int) error {
	err := c.invalidate(ctx, ids...)
	if err != nil {
		c.untold.add(ids...)
	}
	return err
}

// followedBy names a cache of what is made of products, to be told of those that
// have changed, by their tags. Call it once, before Run.
func (c *Catalog) followedBy(invalidateTag func(ctx context.Context, tags ...string) error) {
	c.follower = invalidateTag
}

// invalidate removes products, and what shows them, from the caches of all
// instances. What is made of others goes after them: what is made anew meanwhile
// must find nothing old.
func (c *Catalog) invalidate(ctx context.Context, ids ...int) error {
	tags := make([]string, len(ids))
	for i, id := range ids {
		tags[i] = listsOf(id)
	}
	var products, lists error
	var both sync.WaitGroup
	both.Go(func() { products = c.products.full.Invalidate(ctx, ids...) })
	both.Go(func() { lists = c.lists.full.InvalidateTag(ctx, tags...) })
	both.Wait()
	err := errors.Join(products, lists)
	if c.follower != nil {
		err = errors.Join(err, c.follower(ctx, tags...))
	}
	return err
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
