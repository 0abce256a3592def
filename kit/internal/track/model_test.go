package track

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// near is the smallest cache in a process that obeys the package's protocol.
type near struct {
	unguarded bool
	mu        sync.Mutex
	values    map[string]int
	epochs    map[string]int
	epoch     int
}

func newNear() *near { return &near{values: map[string]int{}, epochs: map[string]int{}} }

func (n *near) onKeys(keys []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range keys {
		n.epochs[k]++
		delete(n.values, k)
	}
}

func (n *near) onReset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.epoch++
	clear(n.values)
}

func (n *near) epochOf(key string) [2]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return [2]int{n.epoch, n.epochs[key]}
}

func (n *near) value(key string) (int, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.values[key]
	return v, ok
}

// put keeps what was read since the epoch was, unless a push came meanwhile.
func (n *near) put(key string, value int, epoch [2]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unguarded || epoch == [2]int{n.epoch, n.epochs[key]} {
		n.values[key] = value
	}
}

// A read that is overtaken by a write and its push: the guard refuses what it
// read. Without a guard the old value stays.
func TestModel_overtaken(t *testing.T) {
	t.Parallel()
	for _, unguarded := range []bool{false, true} {
		c := redistest.Client(t)
		key := redistest.Prefix(t)
		n := newNear()
		n.unguarded = unguarded
		var pushed atomic.Int64
		run(t, c, Options{
			Prefix: key,
			OnKeys: func(keys []string) { n.onKeys(keys); pushed.Add(1) }, OnReset: n.onReset,
		})
		must(t, c.Set(t.Context(), key, 1, 0).Err())
		redistest.Eventually(t, "the first write is told", func() bool { return pushed.Load() == 1 })
		epoch := n.epochOf(key)
		old, err := c.Get(t.Context(), key).Int()
		must(t, err, c.Set(t.Context(), key, 2, 0).Err())
		redistest.Eventually(t, "the second write is told", func() bool { return pushed.Load() == 2 })
		n.put(key, old, epoch)
		if _, stale := n.value(key); stale != unguarded {
			t.Errorf("unguarded %v: the old value is there: %v", unguarded, stale)
		}
	}
}

// Readers fill, writers count up, and connections are killed all the while. An
// entry that is read while Live is no older than Check, and when all is quiet
// every entry equals Redis.
func TestModel_neverStale(t *testing.T) {
	t.Parallel()
	const (
		check = 250 * time.Millisecond
		names = 20
		kills = 30
	)
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	n := newNear()
	tracker, _, _ := run(t, c, Options{Prefix: "k:", Check: check, OnKeys: n.onKeys, OnReset: n.onReset})

	ctx, stop := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	var told, hits, fills atomic.Int64
	acknowledged := make([]history, names)
	for i := range 2 * names {
		key, h := fmt.Sprint("k:", i%names), &acknowledged[i%names]
		readers.Go(func() {
			for ctx.Err() == nil {
				oldest := time.Now().Add(-check)
				isLive := tracker.Live()
				if v, ok := n.value(key); ok {
					hits.Add(1)
					if isLive {
						told.Add(1)
						if least := h.at(oldest); v < least {
							t.Errorf("%s = %d, but %d was acknowledged more than %v ago", key, v, least, check)
							return
						}
					}
					time.Sleep(100 * time.Microsecond) // let writers have the machine
					continue
				}
				epoch := n.epochOf(key)
				v, err := c.Get(ctx, key).Int()
				if err == nil {
					fills.Add(1)
					n.put(key, v, epoch)
				}
			}
		})
	}
	writing, stopWriting := context.WithCancel(t.Context())
	for i := range names {
		key, h := fmt.Sprint("k:", i), &acknowledged[i]
		writers.Go(func() {
			for writing.Err() == nil {
				v, err := c.Incr(t.Context(), key).Result()
				if err != nil {
					t.Error(err)
					return
				}
				h.add(int(v))
				sleep(writing, time.Duration(i)*time.Millisecond) // hot keys and cold ones
			}
		})
	}
	for range kills {
		kill(t, c)
		live(t, tracker)
		before := told.Load() + 200
		redistest.Eventually(t, "readers hit while it is live", func() bool { return told.Load() > before || t.Failed() })
	}
	stopWriting()
	writers.Wait()
	quiet := time.Now()
	redistest.Eventually(t, "the last writes are told", func() bool { return time.Since(quiet) > check && tracker.Live() })
	stop()
	readers.Wait()
	t.Logf("%d fills, %d hits, %d of them live, %d kills", fills.Load(), hits.Load(), told.Load(), kills)
	for i := range names {
		key := fmt.Sprint("k:", i)
		want, err := c.Get(t.Context(), key).Int()
		must(t, err)
		if got, ok := n.value(key); ok && got != want {
			t.Errorf("%s = %d here, %d in Redis", key, got, want)
		}
	}
}

// history is when the values of a counter were acknowledged.
type history struct {
	mu    sync.Mutex
	times []time.Time // of value i+1
}

func (h *history) add(v int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v == len(h.times)+1 {
		h.times = append(h.times, time.Now())
	}
}

// at is the greatest value that was acknowledged by then.
func (h *history) at(then time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := len(h.times)
	for v > 0 && !h.times[v-1].Before(then) {
		v--
	}
	return v
}
