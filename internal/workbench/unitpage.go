package workbench

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// unitView is the page of one unit.
type unitView struct {
	Unit     *unit.Unit
	Phase    unit.Phase
	Lesson   template.HTML
	After    []link
	Previous link
	Next     link
	Params   []paramView
	Races    []race.Scenario
	Missing  string // why the experiment cannot run here
	Slow     string
	Exercise *exerciseView // nil when the unit has none
}

type link struct{ ID, Title, Href string }

func linkTo(e unit.Entry) link { return link{e.Unit.ID, e.Unit.Title, href(e)} }

func (s *Server) getUnit(w http.ResponseWriter, r *http.Request, e unit.Entry) {
	if r.URL.Path != href(e) {
		http.Redirect(w, r, href(e), http.StatusSeeOther) //nolint:gosec // the address is the course's own: /u/1.1 and /u/strings are meant too
		return
	}
	source, err := s.course.Lesson(e)
	var lesson template.HTML
	if err == nil {
		lesson, err = lessonHTML(source, e.Unit.Lead, s.termsFor(e)...)
	}
	if err != nil {
		lesson = template.HTML(s.fragment("no-lesson", nil)) //nolint:gosec // made by a template
	}
	v := unitView{
		Unit: e.Unit, Phase: s.course.Phase(e), Lesson: lesson,
		Races: e.Unit.Races, Exercise: s.exerciseView(e),
	}
	for _, p := range e.Unit.Params {
		v.Params = append(v.Params, paramOf(p))
	}
	if missing := s.engine.missing(e.Unit); missing != nil {
		v.Missing = missing.Error()
	}
	if e.Unit.Slow > 0 {
		v.Slow = millis(e.Unit.Slow.Milliseconds())
	}
	s.neighbours(&v, e)
	f := s.frame(e.Unit.ID+" "+e.Unit.Title, "path", "css/code.css", "css/bench.css")
	f.Kind, f.Unit, f.Page = "unit", e.Unit.ID, v
	s.show(w, http.StatusOK, f, "unit")
}

func (s *Server) neighbours(v *unitView, e unit.Entry) {
	all := s.course.All()
	i := slices.IndexFunc(all, func(o unit.Entry) bool { return o.Dir == e.Dir })
	if i > 0 {
		v.Previous = linkTo(all[i-1])
	}
	if i+1 < len(all) {
		v.Next = linkTo(all[i+1])
	}
	for _, id := range e.Unit.After {
		l := link{ID: id}
		if before, err := s.course.Find(id); err == nil {
			l = linkTo(before)
		}
		v.After = append(v.After, l)
	}
}

// paramView is a parameter as a control of the page: a slider over a range, a
// slider with stops, a choice, a tick, or a line of text.
type paramView struct {
	unit.Param
	Range           bool
	Bool            bool
	Low, High, Step int
	Value           int
	Shown           string
	Stops           []string // of a duration, as text
	At, LastStop    int
}

// Called is the name that lessons and --set call the parameter by, where the label
// does not say it.
func (v paramView) Called() string {
	if strings.Contains(v.Label, v.Name) {
		return ""
	}
	return v.Name
}

func paramOf(p unit.Param) paramView {
	v := paramView{Param: p, Shown: p.Default}
	switch p.Kind {
	case unit.BoolParam:
		v.Bool = true
	case unit.IntParam:
		low, errLow := strconv.Atoi(p.Min)
		high, errHigh := strconv.Atoi(p.Max)
		value, errValue := strconv.Atoi(p.Default)
		if errLow != nil || errHigh != nil || errValue != nil || low >= high {
			break
		}
		v.Low, v.High, v.Value, v.Shown = low, high, value, comma(value)
		// A range over decades would put all that matters into the first pixels.
		if low >= 0 && high > 50*max(low, 1) && high > 1000 {
			v.setStops(intStops(low, high, value))
		} else {
			v.Range, v.Step = true, stepOf(low, high, value)
		}
	case unit.DurationParam:
		low, errLow := time.ParseDuration(p.Min)
		high, errHigh := time.ParseDuration(p.Max)
		value, errValue := time.ParseDuration(p.Default)
		if errLow == nil && errHigh == nil && errValue == nil && low < high {
			v.setStops(durationStops(low, high, value))
		}
	}
	return v
}

// stepOf is the largest power of ten that still leaves a slider fifty places and
// meets the default.
func stepOf(low, high, value int) int {
	step := 1
	for next := 10; (high-low)/next >= 50 && (high-low)%next == 0 && (value-low)%next == 0; next *= 10 {
		step = next
	}
	return step
}

func (v *paramView) setStops(stops []string, at int) {
	v.Stops, v.At, v.LastStop = stops, at, len(stops)-1
}

// intStops are the ends, the default, and 1, 2, 5 of each decade between.
func intStops(low, high, value int) ([]string, int) {
	all := []int{low, high, value}
	for decade := 1; decade <= high && decade > 0; decade *= 10 {
		for _, n := range []int{decade, 2 * decade, 5 * decade} {
			if n > low && n < high {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	stops := make([]string, len(all))
	for i, n := range all {
		stops[i] = strconv.Itoa(n)
	}
	return stops, slices.Index(all, value)
}

// durationStops does the same for durations, in units that people use.
func durationStops(low, high, value time.Duration) ([]string, int) {
	all := []time.Duration{low, high, value}
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour} {
		for _, n := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500} {
			d := time.Duration(n) * unit
			if d > low && d < high && (unit < time.Second || n < 60) {
				all = append(all, d)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	stops := make([]string, len(all))
	for i, d := range all {
		stops[i] = d.String()
	}
	return stops, slices.Index(all, value)
}
