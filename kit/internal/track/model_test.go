package track

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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

// Readers fill, writers count up, and connections are killed all the while: an
// entry that is read while Live is no older than Check, and when all is quiet
// every entry equals Redis.
func TestModel_killed(t *testing.T) {
	t.Parallel()
	server := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	m := &model{near: newNear(), client: server, check: 250 * time.Millisecond, durable: true}
	m.play(t, func() {
		for range 20 {
			kill(t, server)
			m.hitsMore(t)
		}
	})
}

// The same through failovers. They may lose acknowledged writes, so what holds
// is that in the end the cache is as Redis is.
func TestModel_failover(t *testing.T) {
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		s := redistest.StartSentinel(t, redisproc.SentinelOptions{})
		m := &model{near: newNear(), client: redistest.SentinelClientOf(t, s), check: time.Second}
		m.play(t, func() {
			old, err := s.Primary(t.Context())
			must(t, err, old.Kill(t.Context()))
			_, err = s.WaitFailover(t.Context(), old)
			must(t, err)
			m.hitsMore(t)
		})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		c := redistest.StartCluster(t, redisproc.ClusterOptions{})
		m := &model{near: newNear(), client: redistest.ClusterClientOf(t, c), check: time.Second}
		m.play(t, func() {
			for _, kill := range []bool{false, true} {
				old := c.Primaries(t.Context())[0]
				if kill {
					must(t, old.Kill(t.Context()))
					_, err := c.WaitFailover(t.Context(), old)
					must(t, err)
				} else {
					_, err := c.FailOver(t.Context(), old)
					must(t, err)
				}
				m.hitsMore(t)
			}
		})
	})
}

// names is how many keys a model has.
const names = 20

// model is a near cache under readers and writers.
type model struct {
	near    *near
	client  redis.UniversalClient
	check   time.Duration
	durable bool // what is acknowledged is never lost
	tracker *Tracker
	history [names]history

	fills, hits, liveHits atomic.Int64
}

// play lets readers and writers run while disturb does, and looks for stale
// entries when writers have stopped.
func (m *model) play(t *testing.T, disturb func()) {
	m.tracker, _, _ = run(t, m.client, Options{Prefix: "k:", Check: m.check, OnKeys: m.near.onKeys, OnReset: m.near.onReset})
	reading, stopReading := context.WithCancel(t.Context())
	writing, stopWriting := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for i := range names {
		writers.Go(func() { m.write(t, writing, i) })
		readers.Go(func() { m.read(t, reading, i) })
		readers.Go(func() { m.read(t, reading, i) })
	}
	disturb()
	stopWriting()
	writers.Wait()
	quiet := time.Now()
	redistest.Eventually(t, "the last writes are told", func() bool { return time.Since(quiet) > m.check && m.tracker.Live() })
	stopReading()
	readers.Wait()
	t.Logf("%d fills, %d hits, %d of them while live", m.fills.Load(), m.hits.Load(), m.liveHits.Load())
	for i := range names {
		key := fmt.Sprint("k:", i)
		want, err := m.client.Get(t.Context(), key).Int()
		must(t, err)
		if got, ok := m.near.value(key); ok && got != want {
			t.Errorf("%s = %d here, %d in Redis", key, got, want)
		}
	}
}

// hitsMore waits until readers have hit while it was live.
func (m *model) hitsMore(t *testing.T) {
	t.Helper()
	live(t, m.tracker)
	enough := m.liveHits.Load() + 200
	redistest.Eventually(t, "readers hit", func() bool { return m.liveHits.Load() > enough || t.Failed() })
}

func (m *model) read(t *testing.T, ctx context.Context, i int) {
	key := fmt.Sprint("k:", i)
	for ctx.Err() == nil {
		oldest := time.Now().Add(-m.check)
		isLive := m.tracker.Live()
		if v, ok := m.near.value(key); ok {
			m.hits.Add(1)
			if isLive {
				m.liveHits.Add(1)
				if least := m.history[i].at(oldest); m.durable && v < least {
					t.Errorf("%s = %d, but %d was acknowledged more than %v ago", key, v, least, m.check)
					return
				}
			}
			sleep(ctx, 100*time.Microsecond) // let writers have the machine
			continue
		}
		epoch := m.near.epochOf(key)
		v, err := m.client.Get(ctx, key).Int()
		if err != nil {
			sleep(ctx, time.Millisecond)
			continue
		}
		m.fills.Add(1)
		m.near.put(key, v, epoch)
	}
}

func (m *model) write(t *testing.T, ctx context.Context, i int) {
	for ctx.Err() == nil {
		v, err := m.client.Incr(t.Context(), fmt.Sprint("k:", i)).Result()
		switch {
		case err == nil:
			m.history[i].add(int(v))
		case m.durable:
			t.Error(err)
			return
		}
		sleep(ctx, time.Duration(i)*time.Millisecond) // hot keys and cold ones
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
