package workbench

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/web/static"
)

//go:embed templates/*.tmpl
var templateFiles embed.FS

func parsePages() (*template.Template, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"static": static.Href,
		"figure": unit.Figure,
		"comma":  func(n any) string { return unit.Figure(asFloat(n), "") },
		"grouped": func(s string) string {
			if n, err := strconv.Atoi(s); err == nil {
				return comma(n)
			}
			if d, err := time.ParseDuration(s); err == nil {
				return unit.Span(d) // run.js writes it the same way
			}
			return s
		},
		"unitof":   unit.FormOf,
		"dotted":   func(schedule string) string { return strings.ReplaceAll(schedule, " ", ".") },
		"actor":    actorClass,
		"millis":   millis,
		"inmillis": inMillis,
		"ttl":      ttlText,
		"joined":   strings.Join,
		"ticks":    ticks,
		"code":     codeHTML,
		"opsign":   opSign,
		"withTimings": func(g wireGroup, on bool) any {
			return struct {
				Group   wireGroup
				Timings bool
			}{g, on}
		},
		"rowTimings": func(r wireRow, on bool) any {
			return struct {
				Row     wireRow
				Timings bool
			}{r, on}
		},
	}).ParseFS(templateFiles, "templates/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("workbench: parse the pages: %w", err)
	}
	return t, nil
}

// asFloat takes the whole numbers that templates have.
func asFloat(n any) float64 {
	switch n := n.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	}
	panic(fmt.Sprintf("workbench: comma takes an int, got %T", n))
}

// opSign is a comparison as people write it.
func opSign(op string) string {
	switch op {
	case "==":
		return "="
	case "!=":
		return "≠"
	case "<=":
		return "≤"
	case ">=":
		return "≥"
	}
	return op
}

// part is a piece of HTML and the place of the page where it belongs.
type part struct {
	Slot string `json:"slot"`
	Mode string `json:"mode,omitempty"` // append; empty replaces what is there
	HTML string `json:"html"`
}

// frame is what every page has around it.
type frame struct {
	Title   string
	Here    string // path, play, or empty
	Kind    string // what main.js starts: unit, play, or empty
	Unit    string // id, for the stream
	Styles  []string
	Redis   health
	Banner  string
	Version string
	Page    any
}

func (s *Server) frame(title, here string, styles ...string) frame {
	f := frame{Title: title, Here: here, Styles: styles, Redis: s.calm(), Version: s.version}
	if s.redis.Kind() == localredis.Embedded {
		f.Banner = s.redis.Line()
	}
	return f
}

// render makes HTML of a template. The templates and what they are given are
// both ours, so a failure is a mistake in this package; it is answered as one
// sentence and not with half a page.
func (s *Server) render(name string, data any) (string, error) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("workbench: draw %s: %w", name, err)
	}
	return b.String(), nil
}

// fragment is render for a part of a page; a mistake is shown in its place.
func (s *Server) fragment(name string, data any) string {
	html, err := s.render(name, data)
	if err != nil {
		return `<p class="note bad">` + template.HTMLEscapeString(err.Error()) + `</p>`
	}
	return html
}

func (s *Server) show(w http.ResponseWriter, status int, f frame, name string) {
	body, err := s.render(name, f.Page)
	if err == nil {
		body, err = s.render("layout", struct {
			frame
			Body template.HTML
		}{f, template.HTML(body)}) //nolint:gosec // made by a template a line above
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(body)) // the reader may be gone; there is nobody to tell
}

// refuse answers with a page that says no, or with JSON to a module.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, title, why string) {
	if r.Method != http.MethodGet || r.URL.Path == "/events" {
		answer(w, status, map[string]string{"error": title + ". " + why})
		return
	}
	f := frame{Title: title, Version: s.version, Page: map[string]any{"Title": title, "Why": why, "Home": status == http.StatusNotFound}}
	s.show(w, status, f, "alone")
}

// sentence answers a module with why something was not done.
func (s *Server) sentence(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"error": plainSentence(err)})
}

// plainSentence takes the names of our packages off an error; they say nothing
// to a learner.
func plainSentence(err error) string {
	text := err.Error()
	for _, prefix := range []string{"unit: ", "race: ", "exercise: ", "incident: ", "progress: ", "workbench: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encode(v)) // the reader may be gone; there is nobody to tell
}

// routes is the table of all addresses.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /{$}", s.getPath)
	mux.HandleFunc("GET /glossary", s.getGlossary)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /u/{unit}", s.entry(s.getUnit))
	for action, handle := range map[string]unitHandler{
		"run":      s.postRun,
		"stop":     s.postStop,
		"race":     s.postRace,
		"explore":  s.postExplore,
		"start":    s.postStart,
		"check":    s.postCheck,
		"hint":     s.postHint,
		"reset":    s.postReset,
		"solution": s.postSolution,
	} {
		mux.HandleFunc("POST /u/{unit}/"+action, s.entry(handle))
	}
	mux.HandleFunc("GET /incident/{phase}", s.incident(s.getIncident))
	mux.HandleFunc("POST /incident/{phase}/run", s.incident(s.postIncidentRun))
	mux.HandleFunc("POST /incident/{phase}/stop", s.incident(s.postIncidentStop))
	mux.HandleFunc("POST /incident/{phase}/reset", s.incident(s.postIncidentReset))
	mux.HandleFunc("GET /play", s.getPlay)
	mux.HandleFunc("GET /play/keys", s.getKeys)
	mux.HandleFunc("GET /play/complete", s.getComplete)
	mux.HandleFunc("POST /play", s.postPlay)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusNotFound, "There is no such page", "The path lists everything that there is.")
	})
	return mux
}

// unitHandler answers for one unit.
type unitHandler func(w http.ResponseWriter, r *http.Request, e unit.Entry)

// entry finds the unit that an address names.
func (s *Server) entry(handle unitHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, err := s.course.Find(r.PathValue("unit"))
		if unknown, ok := errors.AsType[*unit.NotFoundError](err); ok {
			why := "The path lists all units."
			if len(unknown.Closest) > 0 {
				why = "Did you mean " + strings.Join(unknown.Closest, " or ") + "? The path lists all units."
			}
			s.refuse(w, r, http.StatusNotFound, "There is no unit “"+clip(unknown.ID, 40)+"”", why)
			return
		}
		handle(w, r, e)
	}
}
