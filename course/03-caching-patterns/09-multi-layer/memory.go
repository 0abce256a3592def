package plaza

import (
	"container/list"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// memory is a first layer with three bounds: how many, for how long, and no longer than
// the layer below knows it.
type memory struct {
	most  int           // values, at most
	life  time.Duration // of a value, at most
	twice bool          // keep at the second reading: see wanted
	seed  maphash.Seed
	// messages counts what was heard, by stripes of keys: see begin.
	messages [1024]atomic.Uint32

	mu    sync.Mutex
	lines map[string]*list.Element // of *line
	order *list.List               // the one that was read last is in front
	once  map[string]struct{}      // keys that were asked for once lately
}

// line is a value in memory. It is not changed.
type line struct {
	key, text string
	until     time.Time
	heard     uint32
}

func newMemory(most int, life time.Duration, twice bool) *memory {
	return &memory{most: most, life: life, twice: twice, seed: maphash.MakeSeed(),
		lines: map[string]*list.Element{}, order: list.New(), once: map[string]struct{}{}}
}

func (m *memory) stripe(key string) *atomic.Uint32 {
	return &m.messages[maphash.String(m.seed, key)%uint64(len(m.messages))]
}

func (m *memory) get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.lines[key]
	if !ok {
		return "", false
	}
	l := at.Value.(*line)
	if time.Now().After(l.until) || l.heard != m.stripe(key).Load() {
		m.remove(at)
		return "", false
	}
	m.order.MoveToFront(at)
	return l.text, true
}

// region: guard

// ticket is what a reader takes before it asks the layer below.
type ticket struct {
	began time.Time
	heard uint32
}

func (m *memory) begin(key string) ticket {
	return ticket{time.Now(), m.stripe(key).Load()}
}

// forget is called for each key that is invalidated, here or elsewhere.
func (m *memory) forget(key string) { m.stripe(key).Add(1) }

// keep keeps what the layer below said, and for how long it says so. What was asked
// for before a forget is worth nothing, whenever it arrives.
func (m *memory) keep(key, text string, left time.Duration, t ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if left <= 0 || t.heard != m.stripe(key).Load() || !m.wanted(key) {
		return
	}
	if at, ok := m.lines[key]; ok {
		m.remove(at)
	}
	m.lines[key] = m.order.PushFront(&line{key, text, t.began.Add(min(m.life, left)), t.heard})
	if len(m.lines) > m.most {
		m.remove(m.order.Back())
	}
}

// endregion

// region: wanted

// wanted says whether a key may take the place of another: at its second reading, or
// while there is room.
func (m *memory) wanted(key string) bool {
	if _, again := m.once[key]; again || !m.twice || len(m.lines) < m.most {
		delete(m.once, key)
		return true
	}
	if len(m.once) >= 2*m.most {
		clear(m.once) // names alone, and not for long
	}
	m.once[key] = struct{}{}
	return false
}

// endregion

func (m *memory) remove(at *list.Element) {
	delete(m.lines, at.Value.(*line).key)
	m.order.Remove(at)
}

// forgetAll is called when messages may have been missed.
func (m *memory) forgetAll() {
	for i := range m.messages {
		m.messages[i].Add(1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.lines)
	m.order.Init()
}

func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}
