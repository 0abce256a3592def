package library

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// standing is a middleware in the outage, with what its page says.
type standing struct {
	kind, name, label, arrivals string
	tone                        unit.Tone
}

var standings = []standing{
	{"naive", "naive", "naive", "public, max-age=1", unit.Bad},
	{forAll, "plain", "max-age alone", "public, max-age=1", unit.Plain},
	{forAll, "windows", "with stale windows", "public, max-age=1, stale-while-revalidate=1, stale-if-error=60", unit.Good},
}

// phases are what happens to the origin, one after the other.
type phases struct {
	slowFrom, failFrom, backFrom, end time.Duration
	slow                              time.Duration // for how long a page is looked up then
}

func phasesOf(r *unit.Run) phases {
	calm, slowFor, after := 1200*time.Millisecond, 2*time.Second, 1600*time.Millisecond
	if r.Quick() {
		calm, slowFor, after = 0, 1300*time.Millisecond, 600*time.Millisecond
	}
	p := phases{slowFrom: calm, slow: r.Duration("slow")}
	p.failFrom = p.slowFrom + slowFor
	p.backFrom = p.failFrom + r.Duration("outage")
	p.end = p.backFrom + after
	return p
}

// drive changes the origin as time goes by.
func (p phases) drive(begun time.Time, o *origin) {
	for _, step := range []struct {
		at     time.Duration
		change func(o *origin)
	}{
		{p.slowFrom, func(o *origin) { o.slow = p.slow }},
		{p.failFrom, func(o *origin) { o.slow, o.fails = 0, true }},
		{p.backFrom, func(o *origin) { o.fails = false }},
	} {
		time.Sleep(time.Until(begun.Add(step.at)))
		o.set(step.change)
	}
}

// visit is what one request of the outage met.
type visit struct {
	at, took time.Duration
	how      string
	age      int // of the page, in seconds, as it says
}

// crowd is who came to one middleware, and how often that asked its origin.
type crowd struct {
	visits []visit
	asked  int
}

// standingStill runs the outage: visitors come at a steady pace, whether or not the
// earlier ones are served.
func standingStill(ctx context.Context, r *unit.Run) error {
	p := phasesOf(r)
	r.Step("The new arrivals are asked for %d times a second. The origin becomes slow (%s a page), then it fails for %s, then it is back.",
		r.Int("rate"), unit.Span(p.slow), unit.Span(r.Duration("outage")))
	all, errs := make([]crowd, len(standings)), make([]error, len(standings))
	err := r.Waiting("the outage", func() error {
		var wg sync.WaitGroup
		for i, st := range standings {
			wg.Go(func() { all[i], errs[i] = st.outage(ctx, r, p) })
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return err
	}
	drawOutage(r, p, all)
	return nil
}

// outage has visitors come to one middleware.
func (st standing) outage(ctx context.Context, r *unit.Run, p phases) (crowd, error) {
	s, err := open(ctx, r, st.kind, "outage-"+st.name, st.arrivals, time.Second)
	if err != nil {
		return crowd{}, err
	}
	v := s.visitor()
	if _, err := v.get(ctx, "/new"); err != nil { // it is there when the first one comes
		return crowd{}, errors.Join(err, s.stop())
	}
	begun := time.Now()
	pause := time.Second / time.Duration(r.Int("rate"))
	visits := make([]visit, int(p.end/pause))
	errs := make([]error, len(visits))
	var wg sync.WaitGroup
	wg.Go(func() { p.drive(begun, s.origin) })
	for i := range visits {
		due := begun.Add(time.Duration(i) * pause)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			a, err := v.get(ctx, "/new")
			age, _ := strconv.Atoi(a.header.Get("Age")) // none: it was made for this visitor
			visits[i], errs[i] = visit{due.Sub(begun), time.Since(due), a.made(), age}, err
		})
	}
	wg.Wait()
	v.leave()
	return crowd{visits, s.origin.asked("GET /new")}, errors.Join(errors.Join(errs...), s.stop())
}
