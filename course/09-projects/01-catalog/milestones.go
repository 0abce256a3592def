package catalog

import (
	"fmt"
	"net/http"
	"time"

	"github.com/redis-grind/grind/internal/project"
)

// milestones are checked one after the other; each takes products that no other
// touches, and no list that is read.
type milestones struct {
	warehouse *Warehouse
	used      int // products given away, or listed
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

const (
	cachedReads = 100
	// readCommands is what a read may cost in Redis; spareCommands are for what runs
	// beside: health checks, the first load, invalidations.
	readCommands, spareCommands = 3, 60
)

// cached: reads of both instances, after the first, cost the warehouse nothing and
// Redis little.
func (m *milestones) cached(s *project.Site) {
	const reads = cachedReads
	p := m.next(1)[0]
	commands := s.Commands(func() {
		for i := range reads {
			must(s, read(s, s.Apps[i%len(s.Apps)], p))
		}
	})
	if n := m.warehouse.Reads(p.ID); n != 1 {
		s.Fail("%d reads of product %d over both instances asked the warehouse %d times, want once: is it stored in Redis, where the other instance finds it?", reads, p.ID, n)
	}
	if len(commands) == 0 {
		s.Fail("%d reads, and not one command at %s: does the application use REDIS_URL?", reads, s.RedisURL())
	}
	if len(commands) > readCommands*reads+spareCommands {
		s.Fail("%d reads of one product cost %d commands in Redis, want at most %d for each", reads, len(commands), readCommands)
	}
}

const (
	stampedeReaders = 200
	stampedeSlow    = 300 * time.Millisecond // each answer of the warehouse
	stampedeLimit   = 3 * time.Second        // of each reader's wait
)

// stampede: many at once, over both instances, and the warehouse takes its time.
func (m *milestones) stampede(s *project.Site) {
	m.warehouse.Slow(stampedeSlow)
	defer m.warehouse.Slow(0)
	for _, p := range m.next(3) {
		s.Parallel(stampedeReaders, func(i int) {
			app := s.Apps[i%len(s.Apps)]
			a := app.Get(s.Context(), path(p.ID))
			if complaint := wrong(a, p); complaint != "" {
				s.Fail("%d readers at the same time: %v, %s", stampedeReaders, app, complaint)
			}
			if a.Took > stampedeLimit {
				s.Fail("%v, %s: took %v while the warehouse took %v, want at most %v", app, a.Request, a.Took.Round(time.Millisecond), stampedeSlow, stampedeLimit)
			}
		})
		if n := m.warehouse.Reads(p.ID); n != 1 {
			s.Fail("%d readers of product %d at the same time asked the warehouse %d times, want once over both instances", stampedeReaders, p.ID, n)
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
		// It may answer the old price or the new: it asked before the change was over.
		answered := s.Go(func() { reader.Get(s.Context(), path(p.ID)) })
		s.Within(5*time.Second, func() string {
			if m.warehouse.Reads(p.ID) == 0 {
				return fmt.Sprintf("%v did not ask the warehouse for product %d, which nobody had read", reader, p.ID)
			}
			return ""
		})
		m.warehouse.Slow(0) // the load under way stays slow
		p = m.change(s, writer, p, 0)
		answered()
		must(s, again(s, writer, p))
		s.Within(followLimit, func() string { return again(s, reader, p) })
		s.Sleep(100 * time.Millisecond) // what is stored late is stored by now
		for _, app := range s.Apps {
			must(s, again(s, app, p))
		}
	}
}

// again is read, after a load and a change at the same time.
func again(s *project.Site, app *project.App, want Product) string {
	if complaint := read(s, app, want); complaint != "" {
		return "a load began before a change and ended after it, and now the old is back: " + complaint
	}
	return ""
}

// unknown: made-up numbers.
func (m *milestones) unknown(s *project.Site) {
	for _, id := range m.warehouse.Unknown(10) {
		for i := range unknownReads {
			must(s, s.Apps[i%len(s.Apps)].Get(s.Context(), path(id)).IsProblem(http.StatusNotFound))
		}
		if n := m.warehouse.Reads(id); n > unknownCalls {
			s.Fail("%d reads of product %d, which does not exist, asked the warehouse %d times, want at most %d", unknownReads, id, n, unknownCalls)
		}
	}
}

// Of so many reads of a product that does not exist so many may ask the warehouse,
// within a minute.
const unknownReads, unknownCalls = 20, 2
