package catalog

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/project"
)

// milestones are checked one after the other; each takes products that no other
// touches.
type milestones struct {
	warehouse *Warehouse
	used      int // products given away
}

// next gives away n products.
func (m *milestones) next(n int) []Product {
	given := make([]Product, n)
	for i := range given {
		given[i] = m.warehouse.Product(m.used + i)
	}
	m.used += n
	return given
}

func path(id int) string { return fmt.Sprintf("/products/%d", id) }

// must fails the milestone when there is a complaint.
func must(s *project.Site, complaint string) {
	if complaint != "" {
		s.Fail("%s", complaint)
	}
}

// wrong says what is wrong with an answer that should be this product, or nothing.
func wrong(a *project.Answer, want Product) string {
	var got Product
	if complaint := a.Is(http.StatusOK); complaint != "" {
		return complaint
	}
	if complaint := a.JSON(&got); complaint != "" {
		return complaint
	}
	if got != want {
		return fmt.Sprintf("%s: got %+v, want %+v", a.Request, got, want)
	}
	return ""
}

func read(s *project.Site, app *project.App, want Product) string {
	if complaint := wrong(app.Get(s.Context(), path(want.ID)), want); complaint != "" {
		return fmt.Sprintf("%v, %s", app, complaint)
	}
	return ""
}

// warm has both instances read the products.
func warm(s *project.Site, all []Product) {
	for _, p := range all {
		for _, app := range s.Apps {
			must(s, read(s, app, p))
		}
	}
}

// cached: reads of both instances, after the first, cost the warehouse nothing and
// Redis little.
func (m *milestones) cached(s *project.Site) {
	const (
		reads = 100
		each  = 3  // commands a read may cost
		spare = 60 // commands for what runs beside: health checks, invalidations
	)
	p := m.next(1)[0]
	commands := s.Commands(func() {
		for i := range reads {
			must(s, read(s, s.Apps[i%len(s.Apps)], p))
		}
	})
	if n := m.warehouse.Reads(p.ID); n != 1 {
		s.Fail("%d reads of product %d over both instances asked the warehouse %d times, want once: is it stored in Redis, where the other instance finds it?", reads, p.ID, n)
	}
	if len(commands) > each*reads+spare {
		s.Fail("%d reads of one product cost %d commands in Redis, want at most %d for each", reads, len(commands), each)
	}
}

// stampede: many at once, over both instances, and the warehouse takes its time.
func (m *milestones) stampede(s *project.Site) {
	const (
		readers = 200
		slow    = 300 * time.Millisecond
		limit   = 10 * slow
	)
	m.warehouse.Slow(slow)
	defer m.warehouse.Slow(0)
	for _, p := range m.next(3) {
		s.Parallel(readers, func(i int) {
			app := s.Apps[i%len(s.Apps)]
			a := app.Get(s.Context(), path(p.ID))
			must(s, wrong(a, p))
			if a.Took > limit {
				s.Fail("%v, %s: took %v while the warehouse took %v, want at most %v", app, a.Request, a.Took.Round(time.Millisecond), slow, limit)
			}
		})
		if n := m.warehouse.Reads(p.ID); n != 1 {
			s.Fail("%d readers of product %d at the same time asked the warehouse %d times, want once over both instances", readers, p.ID, n)
		}
	}
}

// followLimit is how soon the other instance must follow a change.
const followLimit = 2 * time.Second

// follow: changes through one instance, seen by both.
func (m *milestones) follow(s *project.Site) {
	all := m.next(10)
	warm(s, all)
	for i, p := range all {
		here, there := s.Apps[i%2], s.Apps[(i+1)%2]
		p = m.change(s, here, p, i)
		must(s, read(s, here, p))
		s.Within(followLimit, func() string { return read(s, there, p) })
	}
}

// change changes the price or the stock of a product through an instance, and
// returns the product as it must be now.
func (m *milestones) change(s *project.Site, app *project.App, p Product, i int) Product {
	what, document := "/price", map[string]int{"price_cents": p.PriceCents + 1 + i}
	if p.Version++; i%3 == 2 {
		what, document = "/stock", map[string]int{"stock": p.Stock + 1 + i}
		p.Stock += 1 + i
	} else {
		p.PriceCents += 1 + i
	}
	must(s, wrong(app.Put(s.Context(), path(p.ID)+what, document), p))
	return p
}

// refill: one instance loads slowly, meanwhile the other changes the price.
func (m *milestones) refill(s *project.Site) {
	const slow = 400 * time.Millisecond
	for i, p := range m.next(4) {
		reader, writer := s.Apps[i%2], s.Apps[(i+1)%2]
		m.warehouse.Slow(slow)
		var all sync.WaitGroup
		all.Go(func() { reader.Get(s.Context(), path(p.ID)) }) // old or new: it asked before the change was over
		s.Within(5*time.Second, func() string {
			if m.warehouse.Reads(p.ID) == 0 {
				return fmt.Sprintf("%v did not ask the warehouse for product %d, which nobody had read", reader, p.ID)
			}
			return ""
		})
		m.warehouse.Slow(0) // the load under way stays slow
		p = m.change(s, writer, p, 0)
		all.Wait()
		must(s, read(s, writer, p))
		s.Within(followLimit, func() string { return read(s, reader, p) })
		s.Sleep(100 * time.Millisecond) // what is stored late is stored by now
		for _, app := range s.Apps {
			must(s, read(s, app, p))
		}
	}
}

// unknown: made-up numbers.
func (m *milestones) unknown(s *project.Site) {
	const reads, calls = 20, 2
	for _, id := range m.warehouse.Unknown(10) {
		for i := range reads {
			must(s, s.Apps[i%len(s.Apps)].Get(s.Context(), path(id)).IsProblem(http.StatusNotFound))
		}
		if n := m.warehouse.Reads(id); n > calls {
			s.Fail("%d reads of product %d, which does not exist, asked the warehouse %d times, want at most %d", reads, id, n, calls)
		}
	}
}
