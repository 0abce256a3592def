package catalog

import (
	"math/rand/v2"
	"sync"
	"time"
)

// The hottest product is found in a sample of the reads, so that counting costs
// them nothing.
const (
	sampleOne  = 16 // of so many reads one is counted
	sampleTime = 10 * time.Second
	sampleMax  = 4096 // products counted in that time
)

// hot knows which product is read most, and watches what becomes of one that was
// expired. The zero value is ready.
type hot struct {
	mu      sync.Mutex
	begun   time.Time
	counts  map[int]int
	hottest int // of the sample before
	drill   Drill
}

// Drill is what became of a product that was expired under load, in this
// instance.
type Drill struct {
	ID    int       `json:"id"` // 0 for none yet
	At    time.Time `json:"at"`
	Loads int       `json:"loads"` // calls of the store within drillTime, or until it was changed
	Over  bool      `json:"over"`  // it was changed, which costs a load too
}

// drillTime is for how long a drill counts.
const drillTime = time.Second

// seen counts a read.
func (h *hot) seen(id int) {
	if rand.IntN(sampleOne) != 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.begun) > sampleTime {
		h.hottest = h.most()
		h.begun, h.counts = now, map[int]int{}
	}
	if len(h.counts) < sampleMax || h.counts[id] > 0 {
		h.counts[id]++
	}
}

// most is the product that the sample has most often; 0 for none.
func (h *hot) most() (id int) {
	for candidate, n := range h.counts {
		if n > h.counts[id] {
			id = candidate
		}
	}
	return id
}

// id is the hottest product; 0 if nothing was read lately.
func (h *hot) id() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hottest != 0 && time.Since(h.begun) < sampleTime/2 {
		return h.hottest
	}
	return h.most()
}

// loaded counts a call of the store.
func (h *hot) loaded(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == h.drill.ID && !h.drill.Over && time.Since(h.drill.At) < drillTime {
		h.drill.Loads++
	}
}

// changed ends a drill: what is loaded from now on is for the change.
func (h *hot) changed(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == h.drill.ID && time.Since(h.drill.At) < drillTime {
		h.drill.Over = true
	}
}

// expired begins to watch a product.
func (h *hot) expired(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drill = Drill{ID: id, At: time.Now()}
}

// last is the last drill.
func (h *hot) last() Drill {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.drill
}
