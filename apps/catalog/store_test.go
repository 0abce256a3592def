package catalog_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/apps/catalog"
	project "github.com/redis-grind/grind/course/09-projects/01-catalog"
	"github.com/redis-grind/grind/internal/pgproc"
)

// products is how many a database of the tests gets: SQLite, which is C made into
// Go, is forty times slower under the race detector.
const products = 500

var quiet = slog.New(slog.DiscardHandler)

// postgres is one server for all tests; it ends with the test binary.
var postgres = sync.OnceValues(func() (*pgproc.Server, error) {
	return pgproc.Start(context.Background(), pgproc.Options{})
})

// database is an empty one of PostgreSQL.
func database(t *testing.T) string {
	t.Helper()
	s, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// openSQL opens a store and fills it.
func openSQL(t *testing.T, url string) *catalog.SQL {
	t.Helper()
	s, err := catalog.OpenSQL(catalog.SQLOptions{Database: url, Dir: t.TempDir(), Products: products, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.TellTo(func(context.Context, ...int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs a test on every kind of store. first is the id of its first product.
func each(t *testing.T, test func(t *testing.T, s catalog.Store, first int)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openSQL(t, ""), 1)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, openSQL(t, database(t)), 1)
	})
	t.Run("origin", func(t *testing.T) {
		t.Parallel()
		warehouse := project.NewWarehouse(1000)
		server := httptest.NewServer(warehouse)
		t.Cleanup(server.Close)
		s, err := catalog.NewOrigin(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(t, s, warehouse.Product(0).ID)
	})
}

func TestStore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s catalog.Store, first int) {
		ctx := t.Context()
		p, err := s.Product(ctx, first)
		if err != nil || p.ID != first || p.Version != 1 {
			t.Fatalf("product %d: got %+v, %v", first, p, err)
		}
		if err := s.Ping(ctx); err != nil {
			t.Errorf("ping: %v", err)
		}
		changed, err := s.SetPrice(ctx, first, 42)
		p.PriceCents, p.Version = 42, 2
		if err != nil || changed != p {
			t.Errorf("a price: got %+v, %v, want %+v", changed, err, p)
		}
		changed, err = s.SetStock(ctx, first, 7)
		p.Stock, p.Version = 7, 3
		if err != nil || changed != p {
			t.Errorf("a stock: got %+v, %v, want %+v", changed, err, p)
		}
		several, err := s.Products(ctx, []int{first, first + 1, first - 1})
		if err != nil || len(several) != 2 || several[first] != p || several[first+1].ID != first+1 {
			t.Errorf("several: got %+v, %v, want %d as it is now and %d", several, err, first, first+1)
		}
		for what, err := range map[string]error{
			"product": third(s.Product(ctx, first-1)), "price": third(s.SetPrice(ctx, first-1, 1)), "stock": third(s.SetStock(ctx, first-1, 1)),
		} {
			if !errors.Is(err, catalog.ErrNoProduct) {
				t.Errorf("%s of a product that does not exist: got %v, want ErrNoProduct", what, err)
			}
		}
	})
}

func third(_ catalog.Product, err error) error { return err }

func TestStore_List(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s catalog.Store, first int) {
		p, err := s.Product(t.Context(), first+7)
		if err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			q     catalog.Query
			holds func(found []catalog.Product) bool
		}{
			"first":     {catalog.Query{Limit: 3}, func(f []catalog.Product) bool { return len(f) == 3 && f[0].ID == first && f[2].ID == first+2 }},
			"after":     {catalog.Query{Limit: 2, After: first + 7}, func(f []catalog.Product) bool { return len(f) == 2 && f[0].ID == first+8 }},
			"category":  {catalog.Query{Limit: 50, Category: p.Category}, func(f []catalog.Product) bool { return len(f) == 50 && slices.Contains(f, p) && all(f, p.Category, "") }},
			"text":      {catalog.Query{Limit: 5, Text: p.Name}, func(f []catalog.Product) bool { return len(f) > 0 && f[0] == p && all(f, "", p.Name) }},
			"both":      {catalog.Query{Limit: 1, Category: p.Category, Text: p.Name[:5]}, func(f []catalog.Product) bool { return len(f) == 1 && all(f, p.Category, p.Name[:5]) }},
			"wildcards": {catalog.Query{Limit: 5, Text: "%_"}, func(f []catalog.Product) bool { return f != nil && len(f) == 0 }},
			"none":      {catalog.Query{Limit: 5, Text: `'; DROP TABLE products; --\`}, func(f []catalog.Product) bool { return f != nil && len(f) == 0 }},
		} {
			found, err := s.List(t.Context(), tc.q)
			if err != nil || !tc.holds(found) || !slices.IsSortedFunc(found, func(a, b catalog.Product) int { return a.ID - b.ID }) {
				t.Errorf("%s: %+v: got %+v, %v", name, tc.q, found, err)
			}
		}
	})
}

// all reports whether all are of a category and have a text in their names.
func all(found []catalog.Product, category, text string) bool {
	return !slices.ContainsFunc(found, func(p catalog.Product) bool {
		return category != "" && p.Category != category || !strings.Contains(p.Name, text)
	})
}

// TestSQL_Migrate has four instances come up at the same time over an empty
// database.
func TestSQL_Migrate(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return database(t) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, dir := url(), t.TempDir()
			var instances sync.WaitGroup
			for range 4 {
				instances.Go(func() {
					s, err := catalog.OpenSQL(catalog.SQLOptions{Database: address, Dir: dir, Products: products, Logger: quiet})
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) { // as the application repeats it
						if err = s.Migrate(t.Context()); err == nil || time.Since(begun) > time.Minute {
							break
						}
					}
					if err != nil {
						t.Errorf("migrate: %v", err)
					}
					for _, id := range []int{1, 234, products} {
						if p, err := s.Product(t.Context(), id); err != nil || p != catalog.Generated(id) {
							t.Errorf("product %d: got %+v, %v, want %+v", id, p, err, catalog.Generated(id))
						}
					}
				})
			}
			instances.Wait()
		})
	}
}

// TestGenerated keeps what is generated as it is: measurements are compared by it.
func TestGenerated(t *testing.T) {
	t.Parallel()
	want := catalog.Product{ID: 17, Name: "Amber glass lamp no. 17", Category: "office", PriceCents: 11995, Stock: 185, Version: 1}
	if diff := cmp.Diff(want, catalog.Generated(17)); diff != "" {
		t.Error(diff)
	}
}

func TestOpenSQL_refuses(t *testing.T) {
	t.Parallel()
	if _, err := catalog.OpenSQL(catalog.SQLOptions{Database: "mysql://user:hunter2@db"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
	for _, address := range []string{"", "127.0.0.1:7380", "ftp://x", "http://"} {
		if _, err := catalog.NewOrigin(address); err == nil {
			t.Errorf("origin %q: got no error", address)
		}
	}
}

// TestOrigin_troubles: an origin that says nothing holds a bounded number of
// requests, for a bounded time, and an answer that is no answer is unavailable.
func TestOrigin_troubles(t *testing.T) {
	t.Parallel()
	warehouse := project.NewWarehouse(500)
	server := httptest.NewServer(warehouse)
	t.Cleanup(server.Close)
	s, err := catalog.NewOrigin(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	warehouse.Fail(true)
	if _, err := s.Product(t.Context(), warehouse.Product(0).ID); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("it fails: got %v, want ErrUnavailable", err)
	}
	warehouse.Fail(false)
	warehouse.Silence(true)
	highest := warehouse.Watch()
	var readers sync.WaitGroup
	begun := time.Now()
	for i := range 200 {
		readers.Go(func() {
			if _, err := s.Product(t.Context(), warehouse.Product(i).ID); !errors.Is(err, catalog.ErrUnavailable) {
				t.Errorf("it says nothing: got %v, want ErrUnavailable", err)
			}
		})
	}
	readers.Wait()
	// The origin learns a moment later that one was given up, when the next is there.
	if took := time.Since(begun); took > 5*time.Second || highest() > 2*32 {
		t.Errorf("200 readers of a silent origin: got %d requests at a time, for %v, want at most 32, and as many just given up, for 2 s", highest(), took)
	}
	warehouse.Silence(false)
	if _, err := s.Product(t.Context(), warehouse.Product(0).ID); err != nil {
		t.Errorf("it speaks again: %v", err)
	}
}
