package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/web/webtest"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// TestPage goes through the page as a person would, on a Redis that may be broken,
// with a second instance beside.
func TestPage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	dir := t.TempDir()
	var pages []string
	for range 2 {
		a := open(t, app.Env{Redis: server.URL(), Prefix: "grind:catalog:", Dir: dir, Addr: "127.0.0.1:0", Reveal: true, Faults: server, Logger: quiet, Lookup: setting(map[string]string{"CATALOG_PRODUCTS": fmt.Sprint(products)})})
		pages = append(pages, a.URL())
	}
	b := webtest.Open(t, pages[0]+"/")
	b.Sees("#list li", "no. 1")
	b.Sees("#list-from", "from")
	b.Click("#list li button")
	b.Sees("#product #name", "no. 1")
	b.Sees("#from", "in the server")
	redistest.Eventually(t, "memory has the product", func() bool {
		b.Click("#again")
		return strings.Contains(b.Eval(`document.querySelector("#from").innerText`), "from memory")
	})
	b.Sees("#from", "as a ready response")
	b.Sees("#wire", "answered without Redis")
	// As a person has it: what is being typed is not replaced by what arrives.
	b.Eval(`document.querySelector("#cents").focus(), document.querySelector("#cents").value = "4242"`)
	b.Click("#change button")
	b.Sees("#price", "€ 42.42")
	b.Sees("#instances tr:nth-child(2)", "€ 42.42")
	b.Eval(`document.querySelector("#q").value = "oak stool"`)
	b.Click("#search button")
	b.Sees("#list li", "oak stool")

	b.Click(".layers input[name=memory]")
	b.Sees("#said", "memory: off")
	b.Click("#again") // the change took the response away: this makes it
	b.Sees("#from", "from Redis ·")
	b.Click("#again")
	b.Sees("#from", "from Redis, as a ready response")
	b.Sees("#wire", "GET grind:catalog:response:{http://catalog/products/1}:v")
	b.Click(".layers input[name=responses]")
	b.Sees("#said", "responses: off")
	b.Click("#again")
	b.Sees("#from", "from Redis ·")
	b.Sees("#wire", "GET grind:catalog:product:{1}:v")
	b.Click(".layers input[name=redis]")
	b.Sees("#said", "redis: off")
	b.Click("#again")
	b.Sees("#from", "from the store")
	for _, layer := range []string{"memory", "redis", "responses"} {
		b.Click(".layers input[name=" + layer + "]")
		b.Sees("#said", layer+": on")
	}

	b.Click("#warm")
	b.Click("#load")
	b.Sees("#load-said", "requests a second")
	b.Sees("#expire", "product")
	b.Click("#expire")
	b.Sees("#drill", "was expired")
	b.Sees("#warm-said", fmt.Sprintf("%d of", products))
	b.Click(".faults button[value=pause]")
	b.Sees("#redis", "does not answer")
	b.Click("#again")
	b.Sees("#from", "from the store")
	pictures(t, b, "paused")
	b.Click(".faults button[value=resume]")
	b.Sees("#redis", "with pushes")
	pictures(t, b, "loaded")
	b.Click("#load")
	b.Sees("#load", "Start a load")
	if trouble := b.Trouble(); len(trouble) > 0 {
		t.Errorf("the page did what it must not:\n%s", strings.Join(trouble, "\n"))
	}
}

// pictures looks at the page as people have it. PICTURES names a folder to keep
// them in.
func pictures(t *testing.T, b *webtest.Tab, when string) {
	t.Helper()
	b.Eval(`window.scrollTo(0, 0), ""`)
	for _, scheme := range []string{"light", "dark"} {
		b.Scheme(scheme)
		for name, width := range map[string]int64{"narrow": 390, "wide": 1440} {
			b.Width(width)
			if wide := b.Wider(); wide != "" {
				t.Errorf("%s, %d pixels: sticks out: %s", scheme, width, wide)
			}
			if dir := os.Getenv("PICTURES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, when+"-"+name+"-"+scheme+".png"), b.Picture(), 0o600); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// open starts an instance in this process and ends it with the test.
func open(t *testing.T, env app.Env) *catalog.App {
	t.Helper()
	a, err := catalog.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	start(t, a)
	return a
}

// start runs an instance, waits until it is ready, and ends it with the test.
func start(t testing.TB, a *catalog.App) {
	t.Helper()
	if err := a.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := withStop(t)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the instance ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the instance did not end")
		}
	})
	awaitReady(t, a.URL())
}
