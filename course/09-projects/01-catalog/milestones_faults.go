package catalog

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/project"
)

// refusal says what is wrong with an answer that should refuse quickly, or nothing.
func refusal(a *project.Answer, limit time.Duration) string {
	if a.Took > limit {
		return fmt.Sprintf("%s: took %v, want a refusal within %v", a.Request, a.Took.Round(time.Millisecond), limit)
	}
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout} {
		if a.Status == status {
			return a.IsProblem(status)
		}
	}
	return fmt.Sprintf("%s, and the warehouse cannot answer: got %d, want 502, 503 or 504", a.Request, a.Status)
}

// origin: the warehouse fails, then says nothing, then is well again.
func (m *milestones) origin(s *project.Site) {
	const refuse, answer = 8 * time.Second, time.Second
	known, cold := m.next(10), m.next(3)
	warm(s, known)
	for i, trouble := range []func(bool){m.warehouse.Fail, m.warehouse.Silence} {
		trouble(true)
		app := s.Apps[i%2]
		var all sync.WaitGroup
		var asked *project.Answer
		all.Go(func() { asked = app.Get(s.Context(), path(cold[i].ID)) })
		for _, p := range known {
			a := app.Get(s.Context(), path(p.ID))
			if complaint := wrong(a, p); complaint != "" {
				trouble(false)
				s.Fail("the warehouse cannot answer, and the product is cached: %s", complaint)
			}
			if a.Took > answer {
				trouble(false)
				s.Fail("the warehouse cannot answer, and the product is cached: %s took %v, want less than %v", a.Request, a.Took.Round(time.Millisecond), answer)
			}
		}
		all.Wait()
		trouble(false)
		must(s, refusal(asked, refuse))
		s.Within(5*time.Second, func() string { return read(s, app, cold[i]) })
	}
}

const (
	outageLimit = 2 * time.Minute
	// worstAnswer is the longest that a reader may wait while Redis is gone.
	worstAnswer = 3 * time.Second
	// recovery is how soon after Redis is back all must be as before.
	recovery = 5 * time.Second
	// originBound is how many requests both instances together may have at the
	// warehouse at the same time.
	originBound = 100
)

// outage: three ways to lose Redis. During each, readers and one change.
func (m *milestones) outage(s *project.Site) {
	for i, fault := range []struct{ name, told string }{
		{lab.Pause, "paused"}, {lab.Cut, "cut off"}, {lab.Kill, "killed"},
	} {
		known := m.next(40)
		warm(s, known)
		changed := m.next(1)[0]
		warm(s, []Product{changed})
		highest := m.warehouse.Watch()
		s.On(fault.name)
		during := m.during(s, known, fault.told)
		after := m.tryChange(s, s.Apps[i%2], changed)
		m.burst(s, fault.told)
		s.Off(fault.name)
		must(s, during())
		if n := highest(); n > originBound {
			s.Fail("Redis %s: %d requests at the warehouse at the same time, want at most %d", fault.told, n, originBound)
		}
		m.recovers(s, fault.told)
		for _, app := range s.Apps {
			s.Within(recovery, func() string {
				if complaint := read(s, app, after); complaint != "" {
					return fmt.Sprintf("a change while Redis was %s: %s", fault.told, complaint)
				}
				return ""
			})
		}
	}
}

// during has ten readers read until it is called; it returns the first complaint.
func (m *milestones) during(s *project.Site, known []Product, told string) func() string {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first string
		over  = make(chan struct{})
	)
	for i := range 10 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				p, app := known[(i*7+n)%len(known)], s.Apps[(i+n)%2]
				a := app.Get(s.Context(), path(p.ID))
				complaint := wrong(a, p)
				if complaint == "" && a.Took > worstAnswer {
					complaint = fmt.Sprintf("%s took %v, want at most %v", a.Request, a.Took.Round(time.Millisecond), worstAnswer)
				}
				if complaint != "" {
					mu.Lock()
					if first == "" {
						first = fmt.Sprintf("Redis %s: %v, %s", told, app, complaint)
					}
					mu.Unlock()
					return
				}
				s.Sleep(10 * time.Millisecond)
			}
		})
	}
	s.Sleep(2 * time.Second)
	return func() string {
		close(over)
		all.Wait()
		return first
	}
}

// burst is 200 readers at once, of products that nobody read yet.
func (m *milestones) burst(s *project.Site, told string) {
	all := m.next(200)
	m.warehouse.Slow(50 * time.Millisecond)
	defer m.warehouse.Slow(0)
	s.Parallel(len(all), func(i int) {
		app := s.Apps[i%2]
		if complaint := wrong(app.Get(s.Context(), path(all[i].ID)), all[i]); complaint != "" {
			s.Fail("Redis %s, %d readers of %d products at once: %v, %s", told, len(all), len(all), app, complaint)
		}
	})
}

// tryChange changes a price while Redis is gone. Refusing is right, and so is
// doing it; what is answered must be what everybody sees afterwards.
func (m *milestones) tryChange(s *project.Site, app *project.App, p Product) Product {
	a := app.Put(s.Context(), path(p.ID)+"/price", map[string]int{"price_cents": p.PriceCents + 1})
	changed := p
	changed.PriceCents++
	changed.Version++
	switch {
	case a.Status == http.StatusOK:
		must(s, wrong(a, changed))
		return changed
	case refusal(a, 2*worstAnswer) == "":
		// Refused, or done and not known to be: the truth is the warehouse's.
		return m.warehouse.byID(p.ID)
	}
	s.Fail("%v, Redis is gone: %s", app, refusal(a, 2*worstAnswer))
	return p
}

// recovers: a product is soon stored again.
func (m *milestones) recovers(s *project.Site, told string) {
	s.Within(recovery, func() string {
		p := m.next(1)[0]
		warm(s, []Product{p})
		if n := m.warehouse.Reads(p.ID); n != 1 {
			return fmt.Sprintf("Redis is back after it was %s, and reading a product on both instances asks the warehouse %d times, want once", told, n)
		}
		return ""
	})
}

// forbidden are commands that look at everything, or throw it away.
var forbidden = []string{"KEYS", "FLUSHALL", "FLUSHDB", "MONITOR"}

// tidy: after all that, every key has an end.
func (m *milestones) tidy(s *project.Site) {
	warm(s, m.next(50))
	for _, name := range forbidden {
		if n := s.Seen(name); n > 0 {
			s.Fail("%s was sent %d times since the check began; it works through the whole server, and everybody else waits", name, n)
		}
	}
	rdb := s.Redis()
	keys := rdb.Scan(s.Context(), 0, "", 1000).Iterator()
	var immortal []string
	for keys.Next(s.Context()) {
		ttl, err := rdb.PTTL(s.Context(), keys.Val()).Result()
		if err == nil && ttl == -1 {
			immortal = append(immortal, keys.Val())
		}
	}
	if err := keys.Err(); err != nil {
		panic(err)
	}
	if len(immortal) > 0 {
		slices.Sort(immortal)
		s.Fail("%d keys have no time to live, among them %q: what nobody deletes stays for ever", len(immortal), immortal[0])
	}
}
