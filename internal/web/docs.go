package web

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"sync"

	"github.com/swaggest/swgui/v5emb"

	"github.com/redis-grind/grind/internal/web/static"
)

//go:embed docs
var docsFiles embed.FS

// pages are the docs page and that of a kind of problem.
var pages = template.Must(template.New("").Funcs(template.FuncMap{"static": static.Href}).ParseFS(docsFiles, "docs/*.html"))

// document is the OpenAPI document as it is sent.
type document struct{ json, yaml []byte }

// docs serves the OpenAPI document, and a page that shows it.
func (s *Server) docs() {
	s.spec = sync.OnceValue(func() document {
		var d document
		var err error
		if d.json, err = json.MarshalIndent(s.api.OpenAPI(), "", "  "); err == nil {
			d.yaml, err = s.api.OpenAPI().YAML()
		}
		if err != nil { // a schema that JSON cannot write: a mistake of the program
			panic("web: OpenAPI document: " + err.Error())
		}
		return d
	})
	send := func(kind string, part func(document) []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-cache")
			w.Write(part(s.spec()))
		}
	}
	s.mux.HandleFunc("GET /openapi.json", send("application/openapi+json", func(d document) []byte { return d.json }))
	s.mux.HandleFunc("GET /openapi.yaml", send("application/openapi+yaml", func(d document) []byte { return d.yaml }))
	s.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		showPage(w, "index.html", map[string]any{"Title": s.o.Title, "Version": s.o.Version})
	})
	for _, name := range []string{"init.js", "docs.css"} {
		s.mux.HandleFunc("GET /docs/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, docsFiles, "docs/"+name)
		})
	}
	// Of swgui the files alone: its own index has scripts and styles within.
	files := v5emb.New(s.o.Title, "/openapi.json", "/docs/ui/")
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		s.mux.Handle("GET /docs/ui/"+name, files)
	}
}

func showPage(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	pages.ExecuteTemplate(w, name, data) //nolint:errcheck // the reader may be gone; the template is tested
}

// problemPage shows what a kind of problem means.
func (s *Server) problemPage(w http.ResponseWriter, r *http.Request) {
	for _, k := range s.kinds {
		if k.Name == r.PathValue("name") {
			showPage(w, "problem.html", map[string]any{"API": s.o.Title, "Kind": k, "StatusText": http.StatusText(k.Status)})
			return
		}
	}
	writeProblem(w, http.StatusNotFound, plainProblem(r.Context(), http.StatusNotFound, "There is no such kind of problem."))
}
