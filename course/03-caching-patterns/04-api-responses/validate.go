package library

import (
	"context"
	"errors"
	"net/http"

	"github.com/redis-grind/grind/internal/unit"
)

// validating has a terminal show the new arrivals again and again, and counts the
// bytes that come to it: all of the page each time, or a 304 where nothing changed.
func validating(ctx context.Context, r *unit.Run) error {
	visits := r.Int("visits")
	r.Step("A terminal at a branch opens the new arrivals %d times. Half-way a book is added.", visits)
	s, err := open(ctx, r, forAll, "validated", "public, max-age=60", 0)
	if err != nil {
		return err
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "Bytes that came to the terminal", Unit: "B", Series: []unit.Series{{Name: "bytes"}}}
	for _, way := range []struct {
		name, label string
		tags        bool
	}{{"whole", "all of the page each time", false}, {"tagged", "If-None-Match", true}} {
		v := s.visitor()
		unchanged, err := v.reopen(ctx, visits, way.tags)
		v.leave()
		if err != nil {
			return errors.Join(err, s.stop())
		}
		received := float64(v.received.Load())
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: received})
		r.Metric(unit.Metric{Name: "bytes_" + way.name, Label: "bytes to the terminal, " + way.label, Value: received, Unit: "B"})
		r.Metric(unit.Metric{Name: "again_" + way.name, Label: "times that the page came, " + way.label, Value: float64(visits - unchanged), Minor: true})
	}
	r.Metric(unit.Metric{Name: "looked_up", Label: "times that the origin made the list for them", Value: float64(s.origin.asked("GET /new")), Minor: true})
	r.Chart(chart)
	return s.stop()
}

// region: reopen

// reopen asks for a page many times, as a browser does that keeps it: with the ETag of
// what it has. It returns how often that was still the page.
func (v *visitor) reopen(ctx context.Context, visits int, tags bool) (unchanged int, err error) {
	var pairs []string
	for i := range visits {
		if i == visits/2 {
			if err := v.site.addBook(ctx); err != nil {
				return 0, err
			}
		}
		a, err := v.get(ctx, "/new", pairs...)
		if err != nil {
			return 0, err
		}
		if a.status == http.StatusNotModified {
			unchanged++
		} else if tags {
			pairs = []string{"If-None-Match", a.header.Get("Etag")}
		}
	}
	return unchanged, nil
}

// endregion

// addBook puts a book on the list. A change through the cache takes away what is kept
// for its URL.
func (s *site) addBook(ctx context.Context) error {
	s.origin.set(func(o *origin) { o.books++ })
	librarian := s.visitor()
	defer librarian.leave()
	_, err := librarian.send(ctx, http.MethodPost, "/new")
	return err
}
