package guard

import (
	"sync"
	"time"
)

// budgetSeconds is how far back the budget looks; Finagle and Linkerd look as
// far.
const budgetSeconds = 10

// budget bounds the retries of all calls together. Retries that are bounded for
// each call alone multiply a load that is too much already by the number of
// attempts; a budget adds a tenth.
type budget struct {
	ratio float64 // retries for each call
	least int     // retries in any case

	mu      sync.Mutex
	seconds [budgetSeconds]second // a ring
}

type second struct {
	unix           int64
	calls, retries int
}

// at returns the counts of the second of now.
func (b *budget) at(now time.Time) *second {
	s := &b.seconds[now.Unix()%budgetSeconds]
	if s.unix != now.Unix() {
		*s = second{unix: now.Unix()}
	}
	return s
}

// called notes a call.
func (b *budget) called(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(now).calls++
}

// spend notes a retry, if there is one left.
func (b *budget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var calls, retries int
	for _, s := range b.seconds {
		if now.Unix()-s.unix < budgetSeconds {
			calls += s.calls
			retries += s.retries
		}
	}
	if float64(retries+1) > b.ratio*float64(calls)+float64(b.least) {
		return false
	}
	b.at(now).retries++
	return true
}
