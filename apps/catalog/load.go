package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/cache"
)

// Load is a crowd at a catalog: most read a product, few products much more often
// than the others, some look through lists, a few change a price. A request that
// got no answer, or came to an instance that is starting, goes to the next one, as
// a load balancer would have it.
type Load struct {
	URLs    []string      // of the instances
	Readers int           // at the same time; zero is 32
	For     time.Duration // zero is 10 s
	// Follow is how soon every instance must answer with a change. Zero is 2 s, which
	// holds also without pushes.
	Follow time.Duration
	// Think is how long a reader waits after each answer. Zero is not at all.
	Think time.Duration
	// Faults says that something is broken meanwhile, so that nothing is claimed of
	// how much the caches answer.
	Faults bool

	stretch *atomic.Pointer[stretch] // the one of now, for who wants them told apart; nil: nobody
}

// The crowd.
const (
	loadReaders  = 32
	loadFor      = 10 * time.Second
	loadProducts = 5_000 // of the catalog
	loadSkew     = 1.1   // of Zipf's law: about what shops see
	loadPatience = 5 * time.Second
	loadFollow   = memoryTTL
)

// Of a thousand requests so many are a change, a list, a question for related ones;
// the others read a product.
const (
	loadChanges = 3
	loadLists   = 30
	loadRelated = 30
)

// crowd is a Load under way.
type crowd struct {
	Load
	client *http.Client
	ids    []int

	took            histogram
	errors, retried atomic.Int64
	memory, redis   atomic.Int64 // answers by the layer that had them
	store           atomic.Int64
	changes, unread atomic.Int64 // changes, and those that their author did not read back
	mu              sync.Mutex
	told            map[int]int   // the highest version of each product that a change was answered with
	slowest         time.Duration // until every instance had followed a change
	late            int           // changes that one did not follow in time
	first           string        // of the errors
}

// Run sends the load and reports. An error means that there was nobody to load.
func (l Load) Run(ctx context.Context, progress func(app.Figures)) (app.Report, error) {
	l.Readers = cmp.Or(l.Readers, loadReaders)
	l.For, l.Follow = cmp.Or(l.For, loadFor), cmp.Or(l.Follow, loadFollow)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = l.Readers + 1
	c := &crowd{Load: l, client: &http.Client{Transport: transport, Timeout: loadPatience}, told: map[int]int{}}
	defer c.client.CloseIdleConnections()
	if err := c.learn(ctx); err != nil {
		return app.Report{}, err
	}
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, l.For)
	defer cancel()
	var readers sync.WaitGroup
	for n := range l.Readers {
		readers.Go(func() { c.read(limited, n) })
	}
	readers.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for limited.Err() == nil {
			select {
			case <-tick.C:
				progress(c.figures(begun))
			case <-limited.Done():
			}
		}
	})
	readers.Wait()
	report := c.report(begun)
	if changes, lost := c.lost(context.WithoutCancel(ctx)); len(c.told) > 0 {
		report.Holds = append(report.Holds, app.Hold{
			Text: "no change that was answered is lost", OK: lost == 0, Seen: fmt.Sprintf("%d products changed, %d of them older at the end", changes, lost),
		})
	}
	return report, nil
}

// learn reads the ids of products from the list.
func (c *crowd) learn(ctx context.Context) error {
	next := ""
	for len(c.ids) < loadProducts {
		var page struct {
			Items []Product
			Next  string
		}
		answer, err := c.get(ctx, c.URLs[0]+"/products?limit=100&cursor="+next, &page)
		if err != nil {
			return fmt.Errorf("catalog: load: learn what there is: %w", err)
		}
		if answer.status != http.StatusOK {
			return fmt.Errorf("catalog: load: learn what there is: %v", answer)
		}
		for _, p := range page.Items {
			c.ids = append(c.ids, p.ID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(c.ids) == 0 {
		return errors.New("catalog: load: there are no products")
	}
	return nil
}

// read is one of the crowd.
func (c *crowd) read(ctx context.Context, n int) {
	random := rand.New(rand.NewPCG(uint64(n), 1)) // the same crowd each time
	zipf := rand.NewZipf(random, loadSkew, 1, uint64(len(c.ids)-1))
	for turn := n; ctx.Err() == nil; turn++ {
		id := c.ids[zipf.Uint64()]
		switch dice := random.IntN(1000); {
		case dice < loadChanges:
			c.change(ctx, turn, id, 100+random.IntN(50_000))
		case dice < loadChanges+loadLists:
			c.ask(ctx, turn, "/products?limit=20&q="+strings.ToLower(materials[random.IntN(len(materials))]))
		case dice < loadChanges+loadLists+loadRelated:
			c.ask(ctx, turn, productPath(id)+"/related")
		default:
			c.ask(ctx, turn, productPath(id))
		}
	}
}

// ask sends a GET; see send.
func (c *crowd) ask(ctx context.Context, turn int, path string) {
	c.send(ctx, turn, func(base string) (reply, error) { return c.get(ctx, base+path, nil) })
}

// send sends a request that may be repeated, to the next instance if one does not
// answer, and counts it. It returns the instance that did as it should; none is
// empty.
func (c *crowd) send(ctx context.Context, turn int, do func(base string) (reply, error)) (base string) {
	begun := time.Now()
	if c.Think > 0 {
		defer time.Sleep(c.Think)
	}
	if c.stretch != nil {
		now := c.stretch.Load()
		defer func() {
			if base != "" {
				now.took.add(time.Since(begun))
			} else if ctx.Err() == nil {
				now.errors.Add(1)
			}
		}()
	}
	var answer reply
	var err error
	for try := range c.URLs {
		base = c.URLs[(turn+try)%len(c.URLs)]
		if answer, err = do(base); err == nil && !answer.later || ctx.Err() != nil {
			break
		}
		c.retried.Add(1)
	}
	switch {
	case err == nil && answer.status == http.StatusOK:
		c.took.add(time.Since(begun))
		c.note(answer.layers)
		return base
	case ctx.Err() != nil: // the load is over
		return ""
	}
	c.errors.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == "" && err == nil {
		c.first = answer.String()
	} else if c.first == "" {
		c.first = err.Error()
	}
	return ""
}

// note counts which layer had the answer, by its Cache-Status.
func (c *crowd) note(status string) {
	if status == "" { // of a change
		return
	}
	from, _ := sourceOf(status)
	[...]*atomic.Int64{cache.Origin: &c.store, cache.Redis: &c.redis, cache.Memory: &c.memory}[from].Add(1)
}

// change changes a price, reads it back where it was changed, and waits until
// every instance has followed. Others may change the same product meanwhile, so
// versions are compared.
func (c *crowd) change(ctx context.Context, turn, id, cents int) {
	var changed, read Product
	base := c.send(ctx, turn, func(base string) (reply, error) {
		return c.do(ctx, http.MethodPut, base+productPath(id)+"/price", map[string]int{"price_cents": cents}, &changed)
	})
	if base == "" {
		return
	}
	done := time.Now()
	c.changes.Add(1)
	c.mu.Lock()
	c.told[id] = max(c.told[id], changed.Version)
	c.mu.Unlock()
	answer, err := c.get(ctx, base+productPath(id), &read)
	if err == nil && answer.status == http.StatusOK && read.Version < changed.Version {
		c.unread.Add(1)
	}
	followed := true
	for _, base := range c.URLs {
		followed = c.follows(ctx, base, changed, done) && followed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, time.Since(done))
	if !followed {
		c.late++
	}
}

// lost reads what was changed once more when all is over.
func (c *crowd) lost(ctx context.Context) (changes, lost int) {
	end := time.Now().Add(c.Follow) // of what was changed last, others may not have heard yet
	for id, version := range c.told {
		for !c.shows(ctx, id, version) {
			if time.Now().After(end) {
				lost++
				break
			}
			time.Sleep(10 * time.Millisecond) // it polls
		}
	}
	return len(c.told), lost
}

// shows reports whether an instance answers with this version of a product, or a
// later one. The first that answers decides, for one may have been ended.
func (c *crowd) shows(ctx context.Context, id, version int) bool {
	for _, base := range c.URLs {
		var read Product
		if answer, err := c.get(ctx, base+productPath(id), &read); err == nil && answer.status == http.StatusOK {
			return read.Version >= version
		}
	}
	return false
}

// follows waits until an instance answers with a change, and reports whether that
// came in time. One that does not answer shows nothing old.
func (c *crowd) follows(ctx context.Context, base string, changed Product, done time.Time) bool {
	for {
		var read Product
		answer, err := c.get(ctx, base+productPath(changed.ID), &read)
		switch {
		case err != nil, answer.status != http.StatusOK, read.Version >= changed.Version:
			return true
		case time.Since(done) > c.Follow:
			return false
		}
		time.Sleep(time.Millisecond) // it polls
	}
}

func (c *crowd) get(ctx context.Context, url string, into any) (reply, error) {
	return c.do(ctx, http.MethodGet, url, nil, into)
}

// do sends a request and reads its answer.
func (c *crowd) do(ctx context.Context, method, url string, send, into any) (reply, error) {
	var body io.Reader
	if send != nil {
		text, err := json.Marshal(send)
		if err != nil {
			return reply{}, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return reply{}, err
	}
	if send != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && into != nil && answer.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, into)
	}
	var problem struct{ Title string }
	if answer.StatusCode >= http.StatusBadRequest {
		_ = json.Unmarshal(text, &problem) // what is none has no title
	}
	later := answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != ""
	return reply{method + " " + request.URL.Path, answer.StatusCode, problem.Title, later, strings.Join(answer.Header.Values("Cache-Status"), ", ")}, err
}

// reply is what the crowd looks at in an answer.
type reply struct {
	request string
	status  int
	title   string // of a problem
	later   bool   // it says so itself: it is starting
	layers  string // Cache-Status
}

func (r reply) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s answered %d: %s", r.request, r.status, r.title), ": ")
}

// figures are how it stands.
func (c *crowd) figures(begun time.Time) app.Figures {
	return app.Figures{
		Elapsed: time.Since(begun), Requests: c.took.count(), Errors: c.errors.Load(),
		P50: c.took.quantile(0.5), P99: c.took.quantile(0.99), Doing: c.sources(),
	}
}

// sources says where the answers came from.
func (c *crowd) sources() string {
	memory, redis, store := c.memory.Load(), c.redis.Load(), c.store.Load()
	all := float64(max(memory+redis+store, 1))
	percent := func(n int64) float64 { return 100 * float64(n) / all }
	return fmt.Sprintf("%.1f %% from memory, %.1f %% from Redis, %.2f %% from the store", percent(memory), percent(redis), percent(store))
}

// report says what was found.
func (c *crowd) report(begun time.Time) app.Report {
	r := app.Report{Figures: c.figures(begun)}
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := fmt.Sprintf("%d of %d failed", r.Errors, r.Requests+r.Errors)
	if c.first != "" {
		failed += ", the first: " + c.first
	}
	r.Holds = []app.Hold{
		{Text: "every request is answered", OK: r.Errors == 0, Seen: failed},
		{
			Text: "who changed a price reads it back", OK: c.unread.Load() == 0,
			Seen: fmt.Sprintf("%d changes, %d not read back", c.changes.Load(), c.unread.Load()),
		},
		{
			Text: fmt.Sprintf("every instance answers with a change within %v", c.Follow), OK: c.late == 0,
			Seen: fmt.Sprintf("%d late, the slowest after %v", c.late, c.slowest.Round(time.Millisecond)),
		},
	}
	if !c.Faults {
		r.Holds = append(r.Holds, app.Hold{
			Text: "two answers of three come from a cache, the cold start included", OK: 2*c.store.Load() <= c.memory.Load()+c.redis.Load(), Seen: c.sources(),
		})
	}
	return r
}
