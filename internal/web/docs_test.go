package web_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/internal/web/webtest"
)

var screens = flag.String("screens", "", "take pictures of the pages into this `folder`")

// TestDocs opens the docs in Chromium: they show the operations and send a
// request, under the strict policy, without another host, in light and dark.
func TestDocs(t *testing.T) {
	s := sample(t, web.Options{Version: "1.2", Description: "Books, by **id**."})
	r := start(t, s)
	b := webtest.Open(t, s.URL()+"/docs")
	b.Sees("#docs", "Books")
	b.Sees("#docs", "/books/{id}")
	b.Click(`#operations-default-get-books .opblock-summary-control`)
	b.Click(`#operations-default-get-books .try-out__btn`)
	b.Click(`#operations-default-get-books .execute`)
	b.Sees("#operations-default-get-books .live-responses-table", "x-request-id")
	b.Sees("#operations-default-get-books .live-responses-table", `"books"`)
	for _, scheme := range []string{"light", "dark"} {
		b.Scheme(scheme)
		for _, width := range []int64{390, 1440} {
			b.Width(width)
			picture(t, b, "docs-"+scheme, width)
		}
	}
	b.Visit(s.URL() + "/problems/no-such-book")
	b.Sees("main", "Look at /books")
	picture(t, b, "problem", 1440)
	for _, trouble := range b.Trouble() {
		t.Error(trouble)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

func picture(t *testing.T, b *webtest.Tab, name string, width int64) {
	t.Helper()
	if *screens == "" {
		return
	}
	suffix := ".png"
	if width < 500 {
		suffix = "-phone.png"
	}
	if err := os.WriteFile(filepath.Join(*screens, name+suffix), b.Picture(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenAPI: the document is OpenAPI 3.1 and tells of the problems as they are.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{Version: "1.2"})
	var doc struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Paths      map[string]any
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Format string }
			}
		}
	}
	if err := json.Unmarshal([]byte(call(t, s, "GET", "/openapi.json", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title != "Books" || doc.Info.Version != "1.2" || len(doc.Paths) != 2 {
		t.Errorf("got %+v, want OpenAPI 3.1.0 of Books 1.2 with two paths", doc)
	}
	model := doc.Components.Schemas["ErrorModel"].Properties
	if _, ok := model["request_id"]; !ok || model["type"].Format != "uri-reference" {
		t.Errorf("got the problem %+v, want request_id and a type that may be a path", model)
	}
	if got := call(t, s, "GET", "/openapi.yaml", "").body; !strings.Contains(got, "openapi: 3.1.0") {
		t.Errorf("got %.80q, want YAML", got)
	}
}

// TestPolicy: every answer is strict, and no page has code or looks within.
func TestPolicy(t *testing.T) {
	t.Parallel()
	s := sample(t, web.Options{})
	for _, path := range []string{"/docs", "/docs/init.js", "/docs/ui/swagger-ui-bundle.js", "/problems/no-such-book", "/books", "/nothing", "/metrics"} {
		r := call(t, s, "GET", path, "")
		if got := r.header.Get("Content-Security-Policy"); got != web.Policy {
			t.Errorf("%s: got the policy %q", path, got)
		}
		body := r.body
		if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, bad := range []string{"<style", " style=", "onclick", "<script>", "http://", "https://"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
	}
	if got := call(t, s, "GET", "/docs/ui/", "").status; got != 404 {
		t.Errorf("the index of swgui: got %d, want 404", got)
	}
}
