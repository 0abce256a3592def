package catalog

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/redis-grind/grind/internal/project"
)

// api: the plain function of every operation, and its mistakes.
func (m *milestones) api(s *project.Site) {
	for _, app := range s.Apps {
		p := m.next(1)[0]
		if complaint := read(s, app, p); complaint != "" {
			if m.warehouse.Reads(p.ID) == 0 {
				complaint += fmt.Sprintf("\nnobody asked the warehouse for it: does %v use ORIGIN_URL=%s?", app, s.OriginURL())
			}
			s.Fail("%s", complaint)
		}
		p = m.change(s, app, p, 0)
		p = m.change(s, app, p, 2)
		must(s, read(s, app, p))
		m.mistakes(s, app, p)
		m.listing(s, app)
		m.searching(s, app)
		m.related(s, app, p)
		must(s, app.Get(s.Context(), "/healthz").Is(http.StatusOK))
	}
}

// mistakes: each must be told as problem+json with its status, and change nothing.
func (m *milestones) mistakes(s *project.Site, app *project.App, p Product) {
	ctx, unknown := s.Context(), m.warehouse.Unknown(1)[0]
	must(s, app.Get(ctx, path(unknown)).IsProblem(http.StatusNotFound))
	must(s, app.Get(ctx, "/products/seven").IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Put(ctx, path(p.ID)+"/price", map[string]any{"price_cents": -1}).IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Put(ctx, path(p.ID)+"/price", map[string]any{"price_cents": "much"}).IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Put(ctx, path(p.ID)+"/stock", map[string]any{"stock": -1}).IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Put(ctx, path(unknown)+"/price", map[string]any{"price_cents": 1}).IsProblem(http.StatusNotFound))
	must(s, app.Get(ctx, "/products?limit=0").IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Get(ctx, "/products?limit=101").IsProblem(http.StatusUnprocessableEntity))
	must(s, app.Get(ctx, path(unknown)+"/related").IsProblem(http.StatusNotFound))
	must(s, read(s, app, p))
}

// page is one page of a list.
type page struct {
	Items []Product `json:"items"`
	Next  string    `json:"next"`
}

// list reads one page.
func list(s *project.Site, app *project.App, query url.Values) (page, string) {
	var got page
	target := "/products"
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	a := app.Get(s.Context(), target)
	if complaint := a.Is(http.StatusOK); complaint != "" {
		return got, complaint
	}
	return got, a.JSON(&got)
}

const (
	pageLimit = 50
	pageCount = 4
)

// listing: the first pages hold the first products, each once and in order. They
// are asked for by the lot of this check: a list that an instance remembers of
// another check is none of these.
func (m *milestones) listing(s *project.Site, app *project.App) {
	query := url.Values{"limit": {fmt.Sprint(pageLimit)}, "q": {m.warehouse.Lot()}}
	for n := range pageCount {
		got, complaint := list(s, app, query)
		must(s, complaint)
		if len(got.Items) != pageLimit {
			s.Fail("page %d of GET /products?limit=%d has %d products, want %d", n+1, pageLimit, len(got.Items), pageLimit)
		}
		for i, p := range got.Items {
			if want := m.warehouse.Product(n*pageLimit + i); p.ID != want.ID {
				s.Fail("page %d of GET /products?limit=%d: product %d is %d, want %d: in order of id, each once", n+1, pageLimit, i+1, p.ID, want.ID)
			}
		}
		if got.Next == "" {
			s.Fail("page %d of GET /products?limit=%d has no next, and there are more products", n+1, pageLimit)
		}
		query.Set("cursor", got.Next)
	}
	all, complaint := list(s, app, nil)
	must(s, complaint)
	if len(all.Items) == 0 || len(all.Items) > 100 || all.Next == "" {
		s.Fail("GET /products: got %d products and next %q, want 1 to 100, and a next", len(all.Items), all.Next)
	}
}

// searching: a name finds its product and the list ends.
func (m *milestones) searching(s *project.Site, app *project.App) {
	want := m.warehouse.Product(products - 1)
	got, complaint := list(s, app, url.Values{"q": {want.Name}})
	must(s, complaint)
	if len(got.Items) != 1 || got.Items[0].ID != want.ID || got.Next != "" {
		s.Fail("GET /products?q=%s: got %d products and next %q, want product %d alone and no next", url.QueryEscape(want.Name), len(got.Items), got.Next, want.ID)
	}
}

// related: others of the same category.
func (m *milestones) related(s *project.Site, app *project.App, p Product) {
	var got page
	a := app.Get(s.Context(), path(p.ID)+"/related")
	must(s, a.Is(http.StatusOK))
	must(s, a.JSON(&got))
	if len(got.Items) == 0 || len(got.Items) > 5 {
		s.Fail("%s: got %d products, want one to five", a.Request, len(got.Items))
	}
	for _, r := range got.Items {
		if r.ID == p.ID || r.Category != p.Category {
			s.Fail("%s: got product %d of %s, want others of %s", a.Request, r.ID, r.Category, p.Category)
		}
	}
}
