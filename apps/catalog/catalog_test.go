package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// shelf is a Store in memory that counts who asks.
type shelf struct {
	mu       sync.Mutex
	products map[int]catalog.Product
	asked    int
	err      error // what every method answers
}

func newShelf(n int) *shelf {
	s := &shelf{products: map[int]catalog.Product{}}
	for id := 1; id <= n; id++ {
		s.products[id] = catalog.Generated(id)
	}
	return s
}

func (s *shelf) Product(_ context.Context, id int) (catalog.Product, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	p, ok := s.products[id]
	if !ok && s.err == nil {
		return p, catalog.ErrNoProduct
	}
	return p, s.err
}

func (s *shelf) Products(ctx context.Context, ids []int) (map[int]catalog.Product, error) {
	found := map[int]catalog.Product{}
	for _, id := range ids {
		if p, err := s.Product(ctx, id); err == nil {
			found[id] = p
		}
	}
	return found, s.err
}

func (s *shelf) List(_ context.Context, q catalog.Query) ([]catalog.Product, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	found := []catalog.Product{}
	for id := q.After + 1; id <= len(s.products) && len(found) < q.Limit; id++ {
		if p := s.products[id]; q.Category == "" || p.Category == q.Category {
			found = append(found, p)
		}
	}
	return found, s.err
}

func (s *shelf) change(id int, apply func(*catalog.Product)) (catalog.Product, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.products[id]
	if !ok {
		return p, catalog.ErrNoProduct
	}
	apply(&p)
	p.Version++
	s.products[id] = p
	return p, s.err
}

func (s *shelf) SetPrice(_ context.Context, id, cents int) (catalog.Product, error) {
	return s.change(id, func(p *catalog.Product) { p.PriceCents = cents })
}

func (s *shelf) SetStock(_ context.Context, id, stock int) (catalog.Product, error) {
	return s.change(id, func(p *catalog.Product) { p.Stock = stock })
}

func (s *shelf) Ping(context.Context) error { return s.err }
func (s *shelf) Close() error               { return nil }

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// calls is how often it was asked for anything.
func (s *shelf) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// connected is a client as Open makes it.
func connected(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	client, err := connect.Open(t.Context(), connect.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// run returns a catalog that keeps its caches true until the test ends.
func run(t *testing.T, url, prefix string, store catalog.Store) *catalog.Catalog {
	t.Helper()
	c, err := catalog.NewCatalog(connected(t, url), store, prefix+":", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := withStop(t)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	redistest.Eventually(t, "pushes arrive", func() bool { return c.Counts().Pushed })
	return c
}

// product reads one that must be there.
func product(t *testing.T, c *catalog.Catalog, id int) catalog.Answer[catalog.Product] {
	t.Helper()
	a, err := c.Product(t.Context(), id)
	if err != nil {
		t.Fatalf("product %d: %v", id, err)
	}
	return a
}

// settled reads a product until memory has it. The push for what this very instance
// stored takes it out of memory once more.
func settled(t *testing.T, c *catalog.Catalog, id int) {
	t.Helper()
	redistest.Eventually(t, "memory has it", func() bool { return product(t, c, id).From == cache.Memory })
}

func TestCatalog_sources(t *testing.T) {
	t.Parallel()
	s := newShelf(20)
	c := run(t, redistest.Server(t).URL(), redistest.Prefix(t), s)
	from := func(what string, want cache.Source, calls int) {
		t.Helper()
		if a := product(t, c, 7); a.From != want || a.Value != catalog.Generated(7) || s.calls() != calls {
			t.Errorf("%s: got %+v after %d calls of the store, want it from %v after %d", what, a, s.calls(), want, calls)
		}
	}
	from("first", cache.Origin, 1)
	settled(t, c, 7)
	before := c.Counts()
	from("again", cache.Memory, 1)
	c.Layers().Memory.Store(false)
	from("without memory", cache.Redis, 1)
	c.Layers().Redis.Store(false)
	from("without Redis", cache.Origin, 2)
	c.Layers().All(true)
	settled(t, c, 7)
	for range 3 {
		if _, err := c.Product(t.Context(), 21); !errors.Is(err, catalog.ErrNoProduct) {
			t.Errorf("no such product: got %v", err)
		}
	}
	got := c.Counts()
	if s.calls() != 3 || got.Asked != 3 || got.Store-before.Store != 2 || got.Memory+got.Redis-before.Memory-before.Redis < 5 {
		t.Errorf("got %+v after %+v, %d calls, want 2 more answers from the store and at least 5 more from caches", got, before, s.calls())
	}
}

// TestCatalog_lists: a change reaches the lists that show its product, and leaves the
// others alone.
func TestCatalog_lists(t *testing.T) {
	t.Parallel()
	s := newShelf(100)
	c := run(t, redistest.Server(t).URL(), redistest.Prefix(t), s)
	list := func(after int) catalog.Answer[[]catalog.Product] {
		t.Helper()
		a, err := c.List(t.Context(), catalog.Query{After: after, Limit: 10})
		if err != nil || len(a.Value) != 10 {
			t.Fatalf("list after %d: got %d products, %v", after, len(a.Value), err)
		}
		return a
	}
	list(0)
	list(10)
	if _, err := c.SetPrice(t.Context(), 15, 99); err != nil {
		t.Fatal(err)
	}
	if a := list(0); a.From == cache.Origin {
		t.Error("a list without the product: got it from the store, want it from a cache")
	}
	if a := list(10); a.From != cache.Origin || a.Value[4].PriceCents != 99 {
		t.Errorf("a list with the product: got %+v from %v, want the new price from the store", a.Value[4], a.From)
	}
	c.Layers().Lists.Store(false)
	if a := list(0); a.From != cache.Origin {
		t.Errorf("lists are off: got one from %v", a.From)
	}
}

func TestCatalog_Related(t *testing.T) {
	t.Parallel()
	s := newShelf(100)
	c := run(t, redistest.Server(t).URL(), redistest.Prefix(t), s)
	for _, id := range []int{1, 50, 96, 100} {
		a, err := c.Related(t.Context(), id)
		if err != nil || len(a.Value) != 5 {
			t.Fatalf("related to %d: got %+v, %v, want five", id, a.Value, err)
		}
		seen := map[int]bool{id: true}
		for _, p := range a.Value {
			if seen[p.ID] || p.Category != catalog.Generated(id).Category {
				t.Errorf("related to %d: got %+v, want others of its category, each once", id, a.Value)
			}
			seen[p.ID] = true
		}
	}
}

// TestCatalog_storeFails: what is cached is answered, also past its time; what is
// not is told apart from what does not exist.
func TestCatalog_storeFails(t *testing.T) {
	t.Parallel()
	s := newShelf(20)
	c := run(t, redistest.Server(t).URL(), redistest.Prefix(t), s)
	settled(t, c, 1)
	s.fail(catalog.ErrUnavailable)
	if a := product(t, c, 1); a.From != cache.Memory {
		t.Errorf("got it from %v, want memory", a.From)
	}
	if _, err := c.Product(t.Context(), 2); !errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, catalog.ErrNoProduct) {
		t.Errorf("what is not cached: got %v, want ErrUnavailable", err)
	}
	// The change was made before the error: nobody may go on with the old price.
	if _, err := c.SetPrice(t.Context(), 1, 5); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a change: got %v, want ErrUnavailable", err)
	}
	s.fail(nil)
	if a := product(t, c, 1); a.Value.PriceCents != 5 {
		t.Errorf("a change whose outcome was unknown: got the price %d, want 5", a.Value.PriceCents)
	}
}

// TestCatalog_untold changes prices while Redis is paused: whoever changed one reads
// it back at every moment, and the other instance has it soon after.
func TestCatalog_untold(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t, redisproc.Options{}), newShelf(50)
	here, there := run(t, server.URL(), "c", s), run(t, server.URL(), "c", s)
	for id := 1; id <= 50; id++ {
		product(t, here, id)
		product(t, there, id)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	var changes sync.WaitGroup
	for id := 1; id <= 50; id++ {
		changes.Go(func() {
			if _, err := here.SetPrice(t.Context(), id, 7); err != nil {
				t.Errorf("change %d: %v", id, err)
			}
			product(t, here, id)
		})
	}
	changes.Wait()
	if n := here.Counts().Untold; n == 0 {
		t.Fatal("Redis is paused and every change was told")
	}
	if _, err := here.List(t.Context(), catalog.Query{Limit: 10}); err != nil {
		t.Errorf("a list: %v", err)
	}
	readBack := func() {
		t.Helper()
		for id := 1; id <= 50; id++ {
			if a := product(t, here, id); a.Value.PriceCents != 7 {
				t.Fatalf("product %d: its author reads the price %d from %v, want 7", id, a.Value.PriceCents, a.From)
			}
		}
	}
	readBack()
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "everything is told", func() bool { readBack(); return here.Counts().Untold == 0 })
	begun := time.Now()
	redistest.Eventually(t, "the other instance has followed", func() bool {
		for id := 1; id <= 50; id++ {
			if product(t, there, id).Value.PriceCents != 7 {
				return false
			}
		}
		return true
	})
	t.Logf("the other instance had followed %v after all was told", time.Since(begun).Round(time.Millisecond))
	readBack()
}

// TestSQL_outbox: an instance that dies after the commit, before it told the caches,
// leaves that to another.
func TestSQL_outbox(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func() string{"sqlite": func() string { return "sqlite:" + t.TempDir() + "/c.db" }, "postgres": func() string { return database(t) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := url()
			open := func() *catalog.SQL {
				s, err := catalog.OpenSQL(catalog.SQLOptions{Database: address, Products: products, Logger: quiet})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return s
			}
			dead, alive := open(), open()
			if err := alive.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			c := run(t, redistest.Server(t).URL(), redistest.Prefix(t), alive)
			product(t, c, 3)
			if err := dead.TellTo(func(context.Context, ...int) error { return errors.New("it died here") }); err != nil {
				t.Fatal(err)
			}
			if p, err := dead.SetPrice(t.Context(), 3, 11); err != nil || p.PriceCents != 11 {
				t.Fatalf("got %+v, %v", p, err)
			}
			c.Layers().Memory.Store(false) // memory would follow by itself
			if a := product(t, c, 3); a.From != cache.Redis || a.Value.PriceCents == 11 {
				t.Fatalf("nobody told: got %+v from %v, want the old price from Redis", a.Value, a.From)
			}
			redistest.Eventually(t, "the relay tells", func() bool { return product(t, c, 3).Value.PriceCents == 11 })
		})
	}
}
