package canteen

import (
	"sync"
	"time"
)

// copies are what a till keeps in its own memory.
type copies struct {
	life time.Duration

	mu     sync.Mutex
	off    bool // nothing is kept: nobody would tell when it changes
	kept   map[string]kept
	states map[string]int // by key: how often it was forgotten
	all    int            // how often everything was
	hits   int
}

type kept struct {
	recipe int
	until  time.Time
}

func newCopies(life time.Duration) *copies {
	return &copies{life: life, kept: map[string]kept{}, states: map[string]int{}}
}

// get returns a copy whose time is not over.
func (c *copies) get(key string) (recipe int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.kept[key]
	if !ok || time.Now().After(k.until) {
		return 0, false
	}
	c.hits++
	return k.recipe, true
}

// region: put

// state is to be asked before Redis is: put keeps nothing that is older than a message
// which has come since.
func (c *copies) state(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states[key] + c.all
}

func (c *copies) put(key string, recipe, state int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.off && state == c.states[key]+c.all {
		c.kept[key] = kept{recipe, time.Now().Add(c.life)}
	}
}

// endregion

func (c *copies) forget(keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.kept, key)
		c.states[key]++
	}
}

// forgetAll is for when messages may have been lost. While off, nothing new is kept.
func (c *copies) forgetAll(off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
	c.all++
	c.off = off
}

// count returns how many reads were answered from here.
func (c *copies) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits
}
