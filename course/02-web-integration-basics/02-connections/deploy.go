package carpark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	asks       = 100 * time.Millisecond // how often the balancer asks whether an instance is ready
	drainDelay = 6 * asks               // it must be longer, also on a busy machine
	patience   = 20 * time.Millisecond  // before a driver whose gate failed tries again
	bucket     = 25 * time.Millisecond  // of the chart
)

// errRefused says what a driver sees.
var errRefused = errors.New("the gate does not answer")

// balancer sends each request to one of the instances that were ready when it last
// asked.
type balancer struct {
	client *http.Client
	asked  chan struct{} // gets one after each round of questions, if somebody waits

	mu    sync.Mutex
	all   []string
	ready []string
	next  atomic.Uint64
}

// watch asks all instances again and again.
func (b *balancer) watch(ctx context.Context) {
	tick := time.NewTicker(asks)
	defer tick.Stop()
	for {
		b.look(ctx)
		select {
		case b.asked <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look asks each instance once.
func (b *balancer) look(ctx context.Context) {
	b.mu.Lock()
	all := b.all
	b.mu.Unlock()
	var ready []string
	for _, url := range all {
		if status, err := b.send(ctx, http.MethodGet, url+"/readyz"); err == nil && status == http.StatusOK {
			ready = append(ready, url)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = ready
}

func (b *balancer) add(url string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(slices.Clip(b.all), url) // who looks has the old one
}

// open passes on a driver's request.
func (b *balancer) open(ctx context.Context) error {
	b.mu.Lock()
	ready := b.ready
	b.mu.Unlock()
	if len(ready) == 0 {
		return errRefused
	}
	status, err := b.send(ctx, http.MethodPost, ready[b.next.Add(1)%uint64(len(ready))]+"/open")
	if err == nil && status != http.StatusOK {
		err = errRefused
	}
	return err
}

func (b *balancer) send(ctx context.Context, method, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // an answer that breaks off is none
	return resp.StatusCode, err
}

// deploy is what one deployment came to.
type deploy struct {
	ok, failed int
	paid       int // and not opened
	points     []unit.Point
}

// deploying replaces an instance under load, with each way to end it.
func deploying(ctx context.Context, r *unit.Run) error {
	ways := []struct {
		name, label string
		tone        unit.Tone
		start       func(gate) (*instance, error)
	}{
		{"killed", "killed", unit.Bad, func(g gate) (*instance, error) { return plain(g, killed) }},
		{"redis_first", "Redis closed first", unit.Bad, func(g gate) (*instance, error) { return plain(g, redisFirst) }},
		{"shutdown", "Shutdown, then Redis", unit.Plain, func(g gate) (*instance, error) { return plain(g, shutdown) }},
		{"drained", "drained", unit.Good, drained},
	}
	table := unit.Table{Title: "A deploy under load", Columns: []string{"the old instance was", "opened", "failed", "of them paid for nothing"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Drivers at a closed barrier", YLabel: "drivers", Series: []unit.Series{{Name: "failed", Tone: unit.Bad}, {Name: "paid for nothing"}}}
	over := unit.Chart{Kind: unit.Lines, Title: "Failures while the old instance goes", XLabel: "ms after it was told to stop", YLabel: fmt.Sprintf("failed in %v", bucket), Timing: true}
	for i, w := range ways {
		r.Step("A deploy while %d drivers are at the gates: the old instance is %s.", r.Int("drivers"), w.label)
		r.Progress("deploys", i, len(ways))
		d, err := replace(ctx, r, w.name, w.start)
		if err != nil {
			return fmt.Errorf("%s: %w", w.label, err)
		}
		r.Metric(unit.Metric{Name: "failed_" + w.name, Label: "failed, " + w.label, Value: float64(d.failed), Unit: "requests", Tone: w.tone})
		r.Metric(unit.Metric{Name: "paid_" + w.name, Label: "paid for nothing, " + w.label, Value: float64(d.paid), Unit: "drivers", Tone: w.tone})
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(d.ok), fmt.Sprint(d.failed), fmt.Sprint(d.paid)})
		for s, v := range []int{d.failed, d.paid} {
			chart.Series[s].Points = append(chart.Series[s].Points, unit.Point{Label: w.label, Y: float64(v)})
		}
		over.Series = append(over.Series, unit.Series{Name: w.label, Tone: w.tone, Points: d.points})
	}
	r.Table(table)
	r.Chart(chart)
	r.Chart(over)
	return nil
}

// replace starts an old and a new instance, and stops the old one under load.
func replace(ctx context.Context, r *unit.Run, name string, start func(gate) (*instance, error)) (d deploy, err error) {
	paid, opened := r.Key(name+":paid"), r.Key(name+":opened")
	at := func(which string) gate {
		o := options(r, which)
		o.MaxRetries = -1
		return gate{redis.NewClient(o), paid, opened, new(atomic.Int32)}
	}
	leaving := at("old")
	old, err := start(leaving)
	if err != nil {
		return d, err
	}
	fresh, err := plain(at("new"), shutdown)
	if err != nil {
		old.stop()
		return d, err
	}
	ctx, cancel := context.WithCancel(ctx)
	transport := &http.Transport{MaxIdleConnsPerHost: r.Int("drivers")}
	b := &balancer{client: &http.Client{Transport: transport}, asked: make(chan struct{})}
	b.add(old.url)
	b.add(fresh.url)
	b.look(ctx)
	var watching, driving sync.WaitGroup
	watching.Go(func() { b.watch(ctx) })
	load := &load{begun: make(chan struct{}), stop: make(chan struct{})}
	for range r.Int("drivers") {
		driving.Go(func() { load.drive(ctx, b) })
	}
	<-load.begun
	<-b.asked // the balancer has just asked, and will not for a while
	for leaving.rising.Load() == 0 {
		time.Sleep(time.Millisecond) // somebody is under way most of the time
	}
	told := time.Now()
	old.stop()
	time.Sleep(time.Until(told.Add(2 * asks))) // and hears of it
	close(load.stop)
	driving.Wait()
	cancel()
	watching.Wait()
	transport.CloseIdleConnections()
	fresh.stop()
	return load.sum(context.WithoutCancel(ctx), r, told, paid, opened)
}

// load is the drivers of one deploy.
type load struct {
	mu     sync.Mutex
	ok     int
	failed []time.Time
	begun  chan struct{} // closed after some requests
	stop   chan struct{}
}

// enough is how many requests are served before the deploy.
const enough = 40

// drive is one driver after the other at one gate.
func (l *load) drive(ctx context.Context, b *balancer) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		err := b.open(ctx)
		l.mu.Lock()
		if err != nil {
			l.failed = append(l.failed, time.Now())
		} else if l.ok++; l.ok == enough {
			close(l.begun)
		}
		l.mu.Unlock()
		if err != nil {
			time.Sleep(patience)
		}
	}
}

// sum reads what Redis has of all that.
func (l *load) sum(ctx context.Context, r *unit.Run, told time.Time, paid, opened string) (deploy, error) {
	d := deploy{ok: l.ok, failed: len(l.failed)}
	took, err := r.Redis().Get(ctx, paid).Int()
	gave, err2 := r.Redis().Get(ctx, opened).Int()
	if err := errors.Join(err, err2); err != nil {
		return d, err
	}
	d.paid = took - gave
	counts := map[int]int{}
	for _, at := range l.failed {
		counts[int(at.Sub(told)/bucket)]++
	}
	for i := range int(3 * asks / bucket) {
		d.points = append(d.points, unit.Point{X: float64(i) * float64(bucket.Milliseconds()), Y: float64(counts[i])})
	}
	return d, nil
}
