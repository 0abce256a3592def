package catalog_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/redistest"
)

// setting is a Lookup of these settings.
func setting(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// alone is an environment for instances that share it with no other test.
func alone(t *testing.T, env app.Env) app.Env {
	t.Helper()
	env.Redis, env.Prefix, env.Addr, env.Logger = redistest.Server(t).URL(), redistest.Prefix(t)+":", "127.0.0.1:0", quiet
	env.Dir, env.Lookup = t.TempDir(), setting(map[string]string{"CATALOG_PRODUCTS": fmt.Sprint(products)})
	return env
}

// two starts two instances over one Redis and one database.
func two(t *testing.T, env app.Env) (urls [2]string) {
	t.Helper()
	env = alone(t, env)
	for i := range urls {
		urls[i] = open(t, env).URL()
	}
	return urls
}

func TestAPI(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return database(t) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := two(t, app.Env{Database: url(), Reveal: true})
			var p catalog.Product
			answer := call(t, "GET", urls[0]+"/products/17", nil, &p)
			if layers := answer.layers(); p != catalog.Generated(17) || !strings.HasPrefix(layers, "redis; fwd=uri-miss, ") || !strings.Contains(layers, ":response;fwd=uri-miss;stored;ttl=") {
				t.Errorf("a product: got %+v and %q", p, layers)
			}
			redistest.Eventually(t, "memory has it", func() bool {
				answer = call(t, "GET", urls[0]+"/products/17", nil, &p)
				return strings.Contains(answer.layers(), ":response;hit;ttl=") && strings.HasSuffix(answer.layers(), ";detail=memory")
			})
			if p != catalog.Generated(17) || answer.header.Get("Redis-Commands") != "0;calls=0" {
				t.Errorf("again: got %q and %q commands, want memory, and none", answer.layers(), answer.header.Get("Redis-Commands"))
			}
			answer = call(t, "GET", urls[1]+"/products/17", nil, &p)
			if layers := answer.layers(); !strings.Contains(layers, ":response;hit;ttl=") || strings.Contains(layers, "memory") || answer.header.Get("Age") == "" {
				t.Errorf("the other instance: got %q, want Redis", layers)
			}
			answer = call(t, "PUT", urls[1]+"/products/17/price", map[string]int{"price_cents": 1}, &p)
			if want := (catalog.Product{ID: 17, Name: p.Name, Category: p.Category, PriceCents: 1, Stock: 185, Version: 2}); answer.status != 200 || p != want {
				t.Errorf("a change: got %d, %+v, want %+v", answer.status, p, want)
			}
			redistest.Eventually(t, "the other instance follows", func() bool {
				call(t, "GET", urls[0]+"/products/17", nil, &p)
				return p.PriceCents == 1
			})
			pages(t, urls)
			problems(t, urls[0])
		})
	}
}

// pages walks through the whole list, over both instances in turns.
func pages(t *testing.T, urls [2]string) {
	t.Helper()
	next, seen := "", 0
	for n := 0; n == 0 || next != ""; n++ {
		var page struct {
			Items []catalog.Product
			Next  string
		}
		call(t, "GET", urls[n%2]+"/products?limit=100&cursor="+next, nil, &page)
		for _, p := range page.Items {
			if seen++; p.ID != seen {
				t.Fatalf("page %d: got product %d, want %d", n, p.ID, seen)
			}
		}
		next = page.Next
	}
	if seen != products {
		t.Errorf("got %d products, want %d", seen, products)
	}
}

// problems makes the mistakes that clients make.
func problems(t *testing.T, url string) {
	t.Helper()
	for _, tc := range []struct {
		method, path string
		body         any
		status       int
		kind         string
	}{
		{"GET", "/products/501", nil, 404, "/problems/no-such-product"},
		{"GET", "/products/0", nil, 422, "/problems/invalid-request"},
		{"GET", "/products/99999999999999999999", nil, 422, "/problems/invalid-request"},
		{"GET", "/products/501/related", nil, 404, "/problems/no-such-product"},
		{"GET", "/products?limit=101", nil, 422, "/problems/invalid-request"},
		{"GET", "/products?q=" + strings.Repeat("x", 101), nil, 422, "/problems/invalid-request"},
		{"GET", "/products?cursor=nonsense", nil, 400, "/problems/invalid-cursor"},
		{"PUT", "/products/501/stock", map[string]any{"stock": 1}, 404, "/problems/no-such-product"},
		{"PUT", "/products/1/stock", map[string]any{"stock": -1}, 422, "/problems/invalid-request"},
		{"PUT", "/products/1/price", map[string]any{"price_cents": 1e12}, 422, "/problems/invalid-request"},
		{"PUT", "/products/1/price", map[string]any{"cents": 1}, 422, "/problems/invalid-request"},
		{"DELETE", "/products/1", nil, 405, ""},
	} {
		var problem struct {
			Type   string
			Status int
		}
		answer := call(t, tc.method, url+tc.path, tc.body, &problem)
		if answer.status != tc.status || problem.Status != tc.status || problem.Type != tc.kind || answer.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: got %d, %+v, want %d %s", tc.method, tc.path, answer.status, problem, tc.status, tc.kind)
		}
	}
}

// TestOpen_refuses: a mistake in the environment is told when it is read.
func TestOpen_refuses(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"ORIGIN_URL": "warehouse", "CATALOG_PRODUCTS": "many"} {
		_, err := catalog.Open(t.Context(), app.Env{Redis: "redis://127.0.0.1:1", Dir: t.TempDir(), Addr: "127.0.0.1:0", Lookup: setting(map[string]string{name: value})})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: got %v, want an error that names it", name, value, err)
		}
	}
	if _, err := catalog.Open(t.Context(), app.Env{Redis: "redis://127.0.0.1:1", Database: "mysql://x", Addr: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("got %v, want an error that names DATABASE_URL", err)
	}
}

// TestPage_hidden: without Reveal nobody gets buttons; a page elsewhere cannot
// press them.
func TestPage_hidden(t *testing.T) {
	t.Parallel()
	hidden := open(t, alone(t, app.Env{})).URL()
	for _, path := range []string{"/page/expire", "/page/redis", "/page/layer"} {
		if answer := call(t, "POST", hidden+path, nil, nil); answer.status != http.StatusNotFound {
			t.Errorf("POST %s without Reveal: got %d, want 404", path, answer.status)
		}
	}
	shown := open(t, alone(t, app.Env{Reveal: true})).URL()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shown+"/page/expire", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a button pressed by another site: got %d, want 403", answer.StatusCode)
	}
	if answer := call(t, "POST", shown+"/page/redis", nil, nil); answer.status != http.StatusConflict {
		t.Errorf("a Redis that is not ours to break: got %d, want 409", answer.status)
	}
}
