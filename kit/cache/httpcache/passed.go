package httpcache

import (
	"sync"
	"time"
)

// passed remembers for a while what could not be stored, so that its readers do
// not wait for one another in vain (what Varnish calls hit-for-miss). The next
// response that can be stored ends it.
type passed struct {
	mu   sync.Mutex
	seen map[string]pass
}

type pass struct {
	why   reason
	until time.Time
}

const (
	passFor   = 10 * time.Second
	maxPassed = 4096 // then all are forgotten, which costs some waiting
)

// note remembers a request whose response could not be stored.
func (p *passed) note(class string, why reason, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= maxPassed {
		p.seen = map[string]pass{}
	}
	p.seen[class] = pass{why, now.Add(passFor)}
}

// why returns why responses of a class are not stored, if that is remembered.
func (p *passed) why(class string, now time.Time) (reason, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, ok := p.seen[class]
	if ok && now.After(seen.until) {
		delete(p.seen, class)
		ok = false
	}
	return seen.why, ok
}

// forget notes that a response of a class can be stored.
func (p *passed) forget(class string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, class)
}
