package library

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/redis-grind/grind/internal/unit"
)

// try is one thing that two visitors do, the second after the first. It returns what
// the second one was shown, and whether that was wrong.
type try struct {
	label string
	visit func(ctx context.Context, s *site, first, second *visitor) (shown string, wrong bool, err error)
	asked bool // the prediction is about this one
}

var tries = []try{
	{"my loans", tryLoans, false},
	{"the reading list, after the welcome page", tryVisit, true},
	{"opening hours, in English", tryHours, false},
	{"opening hours, after a failure", tryError, false},
	{"free seats, of which nothing was said", trySaid, false},
	{"new arrivals, after a connection that broke", tryHalf, false},
}

// tryLoans: two readers at the same terminal.
func tryLoans(ctx context.Context, _ *site, first, second *visitor) (string, bool, error) {
	_, err := first.get(ctx, "/loans", "Cookie", "card=Brandt")
	a, err2 := second.get(ctx, "/loans", "Cookie", "card=Osei")
	return a.body, a.body != "the loans of Osei", errors.Join(err, err2)
}

// tryVisit: who begins a visit is given a cookie, by a page that looks the same to
// all. Reading lists are never kept by anyone.
func tryVisit(ctx context.Context, _ *site, first, second *visitor) (string, bool, error) {
	_, err := first.get(ctx, "/")
	_, err2 := first.send(ctx, http.MethodPost, "/list?book=Divorce+for+beginners")
	_, err3 := second.get(ctx, "/")
	a, err4 := second.get(ctx, "/list")
	shown := "an empty list"
	if a.body != "" {
		shown = "the first one's: " + a.body
	}
	return shown, a.body != "", errors.Join(err, err2, err3, err4)
}

// tryHours: the first visitor reads Welsh.
func tryHours(ctx context.Context, _ *site, first, second *visitor) (string, bool, error) {
	_, err := first.get(ctx, "/hours", "Accept-Language", "cy")
	a, err2 := second.get(ctx, "/hours", "Accept-Language", "en")
	return a.body, a.body != "Open 10–18, closed on Mondays", errors.Join(err, err2)
}

// tryError: the catalogue fails once, and works again when the second visitor comes.
func tryError(ctx context.Context, s *site, first, second *visitor) (string, bool, error) {
	s.origin.set(func(o *origin) { o.fails = true })
	_, err := first.get(ctx, "/hours?branch=west")
	s.origin.set(func(o *origin) { o.fails = false })
	a, err2 := second.get(ctx, "/hours?branch=west")
	shown := a.body
	if a.status != http.StatusOK {
		shown = fmt.Sprint(a.status)
	}
	return shown, a.status != http.StatusOK, errors.Join(err, err2)
}

// trySaid: the handler says nothing of caches, and twelve readers sit down.
func trySaid(ctx context.Context, s *site, first, second *visitor) (string, bool, error) {
	_, err := first.get(ctx, "/seats")
	s.origin.set(func(o *origin) { o.seats -= 12 })
	a, err2 := second.get(ctx, "/seats")
	return a.body, a.body != "28 seats are free", errors.Join(err, err2)
}

// tryHalf: the page broke off for the first visitor.
func tryHalf(ctx context.Context, s *site, first, second *visitor) (string, bool, error) {
	s.origin.set(func(o *origin) { o.breaks = true })
	_, err := first.get(ctx, "/new")
	a, err2 := second.get(ctx, "/new")
	shown := "all of it"
	if a.broken || a.body != list(200) {
		shown = fmt.Sprintf("%d %% of it", 100*len(a.body)/len(list(200)))
	}
	return shown, shown != "all of it", errors.Join(err, err2)
}

// middlewares are those of the tries.
var middlewares = []struct {
	name, label string
	tone        unit.Tone
}{{"naive", "by URL, naive", unit.Bad}, {"kit", "kit/cache/httpcache", unit.Good}}

// trying has two visitors do the same at both middlewares.
func trying(ctx context.Context, r *unit.Run) error {
	r.Step("Two visitors, one after the other, six times; the same requests to two middlewares. What is the second one shown?")
	table := unit.Table{Title: "What the second visitor is shown", Columns: []string{""}}
	for _, t := range tries {
		table.Rows = append(table.Rows, []string{t.label})
	}
	table.Rows = append(table.Rows, []string{"new arrivals, a third time"})
	for _, m := range middlewares {
		s, err := open(ctx, r, m.name, "tries", "public, max-age=60", naiveLife)
		if err != nil {
			return err
		}
		table.Columns = append(table.Columns, m.label)
		wrong, err := s.tries(ctx, r, m.name, table.Rows)
		if err = errors.Join(err, s.stop()); err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "wrong_" + m.name, Label: "shown something wrong, " + m.label, Value: float64(wrong), Unit: "of 6", Tone: m.tone})
	}
	r.Table(table)
	return nil
}

// tries fills a column of the table, and counts what was wrong.
func (s *site) tries(ctx context.Context, r *unit.Run, name string, rows [][]string) (wrong int, err error) {
	for i, t := range tries {
		first, second := s.visitor(), s.visitor()
		shown, bad, err := t.visit(ctx, s, first, second)
		first.leave()
		second.leave()
		if err != nil {
			return 0, fmt.Errorf("%s, %s: %w", name, t.label, err)
		}
		if bad {
			wrong++
		}
		rows[i] = append(rows[i], shown)
		if t.asked {
			r.Metric(unit.Metric{Name: "became_" + name, Label: "second visitors who became the first one, " + name, Value: one(bad), Minor: true})
		}
	}
	third := s.visitor()
	defer third.leave()
	a, err := third.get(ctx, "/new")
	how := a.made()
	r.Metric(unit.Metric{Name: "whole_hit_" + name, Label: "new arrivals, whole and from the cache, " + name, Value: one(how == hit && !a.broken), Minor: true})
	if a.broken {
		how += ", half"
	}
	rows[len(tries)] = append(rows[len(tries)], how)
	return wrong, err
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
