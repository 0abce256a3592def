package incident2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	// looksEvery is how often the balancer asks each copy whether it is ready.
	looksEvery = 500 * time.Millisecond
	// promise is within which time the balancer hears of a copy that is leaving. If it
	// did not look in that time, the machine was too busy, and that is no fault of the
	// office's.
	promise = 1500 * time.Millisecond
	// answerLimit is how long a copy may take for an answer.
	answerLimit = 5 * time.Second
)

// balancer is what visitors talk to. It hands each request to a copy that said that it
// is ready, and notes which copy answered what. It repeats nothing, and keeps no
// connections: what a copy closes is closed to new requests only.
type balancer struct {
	server    *httptest.Server
	transport *http.Transport

	mu     sync.Mutex
	copies []*instance
	turn   int

	turnedAway recent[turnedAway]
	served     recent[bool] // one for each request that was answered
}

// instance is a copy of the office, as the balancer and the orchestrator know it.
type instance struct {
	unit.Copy
	target  *url.URL
	ready   bool
	leave   chan struct{} // closed when it is to be told to leave
	told    time.Time     // when it was told; zero when it was not
	looks   int           // since then
	ended   bool
	refused int // how often on end it said that it is not alive
	asked   int // how often it was asked that
}

// turnedAway is a request that a leaving copy did not answer as it should.
type turnedAway struct{ said string }

func newBalancer(s unit.Scene) *balancer {
	b := &balancer{transport: &http.Transport{DisableKeepAlives: true}}
	b.server = httptest.NewServer(b)
	for _, c := range s.Copies {
		b.copies = append(b.copies, newInstance(c))
	}
	return b
}

func newInstance(c unit.Copy) *instance {
	target, err := url.Parse(c.Addr)
	if err != nil {
		panic(fmt.Sprintf("a copy listens at %q: %v", c.Addr, err))
	}
	return &instance{Copy: c, target: target, leave: make(chan struct{})}
}

func (b *balancer) url() string { return b.server.URL }

func (b *balancer) close() {
	b.server.Close()
	b.transport.CloseIdleConnections()
}

// run looks at the copies until ctx ends.
func (b *balancer) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	known := map[*instance]bool{}
	every(ctx, 20*time.Millisecond, func() {
		for _, c := range b.all() {
			if !known[c] {
				known[c] = true
				all.Go(func() { b.look(ctx, c) })
			}
		}
	})
}

// look asks a copy whether it is ready, until it finds that it has ended. One that is to leave is
// told so right after it said yes: the balancer does not know it, as in life, and
// sends it requests until it asks again, even if it has ended meanwhile.
func (b *balancer) look(ctx context.Context, c *instance) {
	leave := c.leave
	ticks := time.NewTicker(looksEvery)
	defer ticks.Stop()
	for {
		yes := b.ask(ctx, c, "/readyz", "balancer")
		b.mu.Lock()
		c.ready = yes && !c.ended
		if !c.told.IsZero() {
			c.looks++
		}
		b.mu.Unlock()
		select {
		case <-leave:
			leave = nil
			b.mu.Lock()
			c.told = time.Now()
			b.mu.Unlock()
			c.Leave()
		default:
		}
		if !yes && gone(c) {
			b.remove(c)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// ask asks a copy a question of an orchestrator.
func (b *balancer) ask(ctx context.Context, c *instance, path, who string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Addr+path, nil)
	if err != nil {
		return false
	}
	r.Header.Set("X-Visitor", who)
	reply, err := b.transport.RoundTrip(r)
	if err != nil {
		return false
	}
	reply.Body.Close()
	return reply.StatusCode == http.StatusOK
}

// add takes a copy in; requests go there when it has said that it is ready.
func (b *balancer) add(c *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.copies = append(b.copies, c)
}

func (b *balancer) remove(c *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.ended, c.ready = true, false
	b.copies = slices.DeleteFunc(b.copies, func(o *instance) bool { return o == c })
}

// has says that it still knows a copy.
func (b *balancer) has(c *instance) bool { return slices.Contains(b.all(), c) }

// all are the copies that it knows, the oldest first.
func (b *balancer) all() []*instance {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.copies)
}

// staying are those that were not told to leave; ready of them take requests.
func (b *balancer) staying() (staying []*instance, ready int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.copies {
		select {
		case <-c.leave:
			continue
		default:
		}
		staying = append(staying, c)
		if c.ready {
			ready++
		}
	}
	return staying, ready
}

// pick is the copy whose turn it is; nil if none is ready.
func (b *balancer) pick() *instance {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.copies {
		b.turn++
		if c := b.copies[b.turn%len(b.copies)]; c.ready {
			return c
		}
	}
	return nil
}

var errSilent = errors.New("no answer in time")

// ServeHTTP hands a request on, and its answer back.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := b.pick()
	if c == nil {
		http.Error(w, "no copy of the office is ready", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), answerLimit, errSilent)
	defer cancel()
	proxy := httputil.ReverseProxy{
		Transport: b.transport,
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(c.target) },
		ModifyResponse: func(reply *http.Response) error {
			if reply.StatusCode >= http.StatusInternalServerError {
				b.failed(c, r, fmt.Sprintf("answered %d", reply.StatusCode))
			} else {
				b.served.add(true)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			b.failed(c, r, sentenceOf(ctx, err))
			http.Error(w, "the office does not answer", http.StatusBadGateway)
		},
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

// failed notes a request that a leaving copy did not answer. Bookings of passengers are
// left out, for of these some meet the network's faults.
func (b *balancer) failed(c *instance, r *http.Request, said string) {
	if r.Context().Err() != nil || r.Header.Get("X-Visitor") == passenger {
		return // nobody waits for it any more
	}
	b.mu.Lock()
	told, looks := c.told, c.looks
	b.mu.Unlock()
	late := looks == 0 && time.Since(told) > promise
	if !told.IsZero() && !late {
		b.turnedAway.add(turnedAway{said})
	}
}

// sentenceOf says what kept a copy from answering.
func sentenceOf(ctx context.Context, err error) string {
	var operation *net.OpError
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return "did not answer"
	case errors.As(err, &operation) && operation.Op == "dial":
		return "did not listen any more"
	default:
		return "hung up"
	}
}
