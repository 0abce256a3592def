package catalog

import (
	"fmt"
	"net/http"
	"slices"
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
	if a.Err != nil {
		return fmt.Sprintf("%s: got no answer, want it done, or refused with 502, 503 or 504: %v", a.Request, a.Err)
	}
	return fmt.Sprintf("%s: got %d, want it done, or refused with 502, 503 or 504", a.Request, a.Status)
}

const (
	refuseLimit = 8 * time.Second // of a read that cannot be answered
	cachedLimit = time.Second     // of one that can
	// recovery is how soon after a fault is over all must be as before.
	recovery = 5 * time.Second
)

// origin: the warehouse fails, then says nothing, then is well again.
func (m *milestones) origin(s *project.Site) {
	known, cold := m.next(10), m.next(2)
	warm(s, known)
	for i, trouble := range []func(bool){m.warehouse.Fail, m.warehouse.Silence} {
		app := s.Apps[i%2]
		m.withoutOrigin(s, app, trouble, known, cold[i])
		s.Within(recovery, func() string { return read(s, app, cold[i]) })
	}
}

// withoutOrigin reads what is cached, and what is not, while the warehouse is in
// trouble.
func (m *milestones) withoutOrigin(s *project.Site, app *project.App, trouble func(bool), known []Product, cold Product) {
	trouble(true)
	defer trouble(false)
	var asked *project.Answer
	answered := s.Go(func() { asked = app.Get(s.Context(), path(cold.ID)) })
	for _, p := range known {
		a := app.Get(s.Context(), path(p.ID))
		if complaint := wrong(a, p); complaint != "" {
			s.Fail("the warehouse cannot answer, and the product is cached: %v, %s", app, complaint)
		}
		if a.Took > cachedLimit {
			s.Fail("the warehouse cannot answer, and the product is cached: %v, %s took %v, want at most %v", app, a.Request, a.Took.Round(time.Millisecond), cachedLimit)
		}
	}
	answered()
	must(s, refusal(asked, refuseLimit))
}

const (
	outageLimit = 3 * time.Minute
	// worstAnswer is the longest that a reader may wait while Redis is gone.
	worstAnswer = 3 * time.Second
	// originBound is how many requests each instance may have at the warehouse at
	// the same time.
	originBound = 50
)

// outages are the ways in which Redis is lost, and how messages call them.
var outages = []struct{ name, told string }{
	{lab.Pause, "paused"}, {lab.Cut, "cut off"}, {lab.LoseReply, "losing its replies"}, {lab.Kill, "killed"},
}

// outage: during each, readers and one change.
func (m *milestones) outage(s *project.Site) {
	for i, fault := range outages {
		known := m.next(41)
		warm(s, known)
		known, changed := known[1:], known[0]
		highest := m.warehouse.Watch()
		s.On(fault.name)
		during := m.during(s, known, fault.told)
		after := m.tryChange(s, s.Apps[i%2], changed, fault.told)
		m.burst(s, fault.told)
		s.Off(fault.name)
		must(s, during())
		if n := highest(); n > originBound*project.Instances {
			s.Fail("Redis %s: %d requests at the warehouse at the same time, want at most %d of each instance", fault.told, n, originBound)
		}
		m.recovers(s, fault.told)
		for _, app := range s.Apps {
			s.Within(recovery, func() string {
				if complaint := read(s, app, after); complaint != "" {
					return fmt.Sprintf("a change while Redis was %s, and it is back: %s", fault.told, complaint)
				}
				return ""
			})
		}
	}
}

// during has ten readers read for two seconds and on, until it is called; it
// returns the first complaint.
func (m *milestones) during(s *project.Site, known []Product, told string) func() string {
	const readers = 10
	var (
		over  = make(chan struct{})
		first = make(chan string, readers)
		waits []func()
	)
	for i := range readers {
		waits = append(waits, s.Go(func() {
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
					first <- fmt.Sprintf("Redis %s: %v, %s", told, app, complaint)
					return
				}
				s.Sleep(10 * time.Millisecond)
			}
		}))
	}
	s.Sleep(2 * time.Second)
	return func() string {
		close(over)
		for _, wait := range waits {
			wait()
		}
		select {
		case complaint := <-first:
			return complaint
		default:
			return ""
		}
	}
}

const burstReaders = 200

// burst is many readers at once, of products that nobody read yet.
func (m *milestones) burst(s *project.Site, told string) {
	all := m.next(burstReaders)
	m.warehouse.Slow(50 * time.Millisecond)
	defer m.warehouse.Slow(0)
	s.Parallel(len(all), func(i int) {
		app := s.Apps[i%2]
		if complaint := wrong(app.Get(s.Context(), path(all[i].ID)), all[i]); complaint != "" {
			s.Fail("Redis %s, %d readers of %d products at once: %v, %s", told, len(all), len(all), app, complaint)
		}
	})
}

// changeLimit is the longest that a change may take while Redis is gone.
const changeLimit = 6 * time.Second

// tryChange changes a price while Redis is gone. Refusing is right, and so is
// doing it; what is answered must be what everybody sees afterwards.
func (m *milestones) tryChange(s *project.Site, app *project.App, p Product, told string) Product {
	a := app.Put(s.Context(), path(p.ID)+"/price", map[string]int{"price_cents": p.PriceCents + 1})
	if a.Status == http.StatusOK {
		p.PriceCents++
		p.Version++
		must(s, wrong(a, p))
		return p
	}
	if complaint := refusal(a, changeLimit); complaint != "" {
		s.Fail("Redis %s, a change: %v, %s", told, app, complaint)
	}
	// Refused, or done and not known to be: the truth is the warehouse's.
	return m.warehouse.byID(p.ID)
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

// longestLife is the longest time to live of a key.
const longestLife = 24 * time.Hour

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
		// -1 is a key without an end, -2 one that has ended meanwhile.
		ttl, err := rdb.PTTL(s.Context(), keys.Val()).Result()
		if err == nil && (ttl == -1 || ttl > longestLife) {
			immortal = append(immortal, keys.Val())
		}
	}
	if err := keys.Err(); err != nil {
		panic(err)
	}
	if len(immortal) > 0 {
		slices.Sort(immortal)
		s.Fail("%d keys have no time to live, or one of more than a day, among them %q: what nobody deletes stays for ever", len(immortal), immortal[0])
	}
}
