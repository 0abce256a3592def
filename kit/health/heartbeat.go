package health

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Heartbeat is the pulse of a loop. Liveness fails when one is late, and asks
// nothing else: it takes no function, so it cannot ask Redis.
type Heartbeat struct {
	h     *Health
	name  string
	limit time.Duration
	last  atomic.Int64 // Unix nanoseconds
}

// Heartbeat starts the pulse of a loop whose turns take less than limit, also
// while Redis does not answer: beat once in each turn, whatever came of it. A
// loop that beats only after a success restarts the program in each outage.
func (h *Health) Heartbeat(name string, limit time.Duration) (*Heartbeat, error) {
	if limit <= 0 {
		return nil, fmt.Errorf("health: limit of heartbeat %q must be positive, got %v", name, limit)
	}
	b := &Heartbeat{h: h, name: name, limit: limit}
	b.Beat()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hearts[b] = struct{}{}
	return b, nil
}

// Beat says that the loop turns. It is cheap, and safe for concurrent use.
func (b *Heartbeat) Beat() { b.last.Store(time.Now().UnixNano()) }

// Stop ends the pulse, when the loop ends on purpose.
func (b *Heartbeat) Stop() {
	b.h.mu.Lock()
	defer b.h.mu.Unlock()
	delete(b.h.hearts, b)
}

// Stuck returns the names of the heartbeats that are late. While there are none
// the program is alive.
func (h *Health) Stuck() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var late []string
	for b := range h.hearts {
		if time.Since(time.Unix(0, b.last.Load())) > b.limit {
			late = append(late, b.name)
		}
	}
	return sorted(late)
}
