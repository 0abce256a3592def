package workbench

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// records is what has been done. *progress.Store has these methods.
type records interface {
	Unit(id string) progress.Record
	All() map[string]progress.Record
	Last() string
	Update(id string, change func(*progress.Record)) error
}

// touch notes that a unit is being worked on. That it could not be written is
// not worth stopping anybody: the exercise card says so when it matters.
func (s *Server) touch(id string) {
	if s.progress != nil {
		_ = s.progress.Update(id, func(*progress.Record) {})
	}
}

// pathView is the page of the whole course.
type pathView struct {
	Lead     string
	Go       *goView // nil when there is no unit at all
	Routes   []routeView
	Parts    []routeView // of the chosen route
	About    string      // of the chosen route
	Phases   []phaseView
	Newcomer bool
}

// goView is the card with the one thing to do next.
type goView struct{ Kicker, ID, Title, Lead, Href, Button string }

type routeView struct {
	Title, Href string
	Here        bool
}

type phaseView struct {
	Number      int
	Title       string
	Teaches     string
	Cells       []cellView
	End         *cellView // the incident that ends it, if there is one
	Done, Total int
}

type cellView struct {
	Name, Title, Href, State, Said string
	Aside                          bool // not on the chosen route
}

// history is the record of all units; empty when nothing is recorded.
func (s *Server) history() map[string]progress.Record {
	if s.progress == nil {
		return nil
	}
	return s.progress.All()
}

func (s *Server) getPath(w http.ResponseWriter, r *http.Request) {
	f := s.frame("The path", "path", "css/path.css")
	f.Page = s.pathView(r.URL.Query().Get("route"))
	s.show(w, http.StatusOK, f, "path")
}

func (s *Server) pathView(routeName string) pathView {
	all := s.course.All()
	done := s.history()
	route := s.route(routeName)
	now := s.next(all, done, route)
	v := pathView{Lead: s.lead(len(all)), About: route.About, Newcomer: len(done) == 0}
	for _, known := range s.course.Routes {
		view := routeView{Title: known.Title, Href: "/?route=" + known.Name, Here: known.Name == route.Name || known.Name == route.Of}
		switch known.Of {
		case "":
			v.Routes = append(v.Routes, view)
		case route.Name, route.Of:
			v.Parts = append(v.Parts, view)
		}
	}
	for _, p := range s.course.Phases {
		phase := phaseOf(p, done, route, now)
		phase.End = s.endOf(p, done)
		v.Phases = append(v.Phases, phase)
	}
	if now.Unit != nil {
		v.Go = goTo(now, done)
	}
	return v
}

func (s *Server) lead(units int) string {
	words := []string{"No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"}
	phases, n := "phases", len(s.course.Phases)
	if n == 1 {
		phases = "phase"
	}
	count := comma(n)
	if n < len(words) {
		count = words[n]
	}
	if units == 1 {
		return count + " " + phases + ", one unit so far. It is an experiment on the Redis running beside this page."
	}
	return count + " " + phases + ", " + comma(units) + " units. Each one is an experiment on the Redis running beside this page."
}

// route is the chosen one, or the one without a list: all of it.
func (s *Server) route(name string) unit.Route {
	for _, r := range s.course.Routes {
		if r.Name == name {
			return r
		}
	}
	for _, r := range s.course.Routes {
		if len(r.Units) == 0 {
			return r
		}
	}
	return unit.Route{}
}

func onRoute(r unit.Route, id string) bool { return len(r.Units) == 0 || slices.Contains(r.Units, id) }

func passed(r progress.Record) bool {
	return r.Status == progress.Passed || r.Status == progress.Given
}

// next is where to continue: the unit touched last if it is not done, else the
// first after it that is not, else the first at all. It has no Unit when all of
// the route is done.
func (s *Server) next(all []unit.Entry, done map[string]progress.Record, route unit.Route) unit.Entry {
	last := ""
	if s.progress != nil {
		last = s.progress.Last()
	}
	from := max(0, slices.IndexFunc(all, func(e unit.Entry) bool { return e.Unit.ID == last }))
	for i := range all {
		e := all[(from+i)%len(all)]
		if onRoute(route, e.Unit.ID) && !passed(done[e.Unit.ID]) {
			return e
		}
	}
	return unit.Entry{}
}

func goTo(e unit.Entry, done map[string]progress.Record) *goView {
	v := &goView{
		Kicker: "Continue where you were", Button: "Continue",
		ID: e.Unit.ID, Title: e.Unit.Title, Lead: e.Unit.Lead, Href: href(e),
	}
	switch _, begun := done[e.Unit.ID]; {
	case len(done) == 0:
		v.Kicker, v.Button = "New here?", "Start with "+e.Unit.ID
	case !begun:
		v.Kicker, v.Button = "Next on the path", "Start "+e.Unit.ID
	}
	return v
}

func phaseOf(p unit.Phase, done map[string]progress.Record, route unit.Route, now unit.Entry) phaseView {
	v := phaseView{Number: p.Number, Title: p.Title, Teaches: p.Teaches, Total: len(p.Units)}
	for _, e := range p.Units {
		c := cellView{Name: cellName(e), Title: e.Unit.ID + " " + e.Unit.Title, Href: href(e), State: "todo", Said: "not done yet"}
		switch {
		case passed(done[e.Unit.ID]):
			c.State, c.Said = "done", "done"
			v.Done++
		case e.Dir == now.Dir && now.Unit != nil:
			c.State, c.Said = "now", "the next to do"
		}
		c.Aside = !onRoute(route, e.Unit.ID)
		v.Cells = append(v.Cells, c)
	}
	return v
}

// endOf is the incident that ends a phase.
func (s *Server) endOf(p unit.Phase, done map[string]progress.Record) *cellView {
	for _, e := range s.course.Incidents {
		if e.Phase != p.Number {
			continue
		}
		c := &cellView{Name: "incident", Title: e.Incident.Title, Href: incidentHref(e), State: "todo", Said: "not solved yet"}
		if passed(done[e.Incident.ID]) {
			c.State, c.Said = "done", "solved"
		}
		return c
	}
	return nil
}

// cellName is the unit's slug as words: sorted sets.
func cellName(e unit.Entry) string {
	words := strings.Split(e.Slug(), "-")
	for i, w := range words {
		switch w {
		case "api":
			words[i] = "API"
		case "ddos":
			words[i] = "DDoS"
		case "lua":
			words[i] = "Lua"
		}
	}
	return cmp.Or(strings.Join(words, " "), e.Unit.ID)
}

// href is the address of a unit's page.
func href(e unit.Entry) string { return "/u/" + e.Folder() }
