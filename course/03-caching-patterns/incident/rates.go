package incident3

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rateChange is one rate that was changed while a window was loading it, and what the
// windows showed afterwards.
type rateChange struct {
	refused bool // a request was not answered
	asked   int  // how often the office was read for it
	old     int  // answers with the old rate, from settled on
	wrong   string
	// An example of an old answer: the pair, where it was changed, where shown, and
	// how long after.
	pair           string
	changed, shown int
	after          time.Duration
}

// dealers is how many rates change at once.
const dealers = 8

// A window may change a rate only when nobody reads it: then the reader gets his answer
// first, after this time. Of other readers every second one gets it long after the
// change, so that who deletes again a while later is too early or too late.
const (
	patience = 400 * time.Millisecond
	longHeld = 700 * time.Millisecond
)

// A dealer looks at a changed rate again and again: for the first time when whoever
// read the old one has long had his answer.
const (
	ratesSettled = 500 * time.Millisecond
	rateLooks    = 8
	rateEvery    = 250 * time.Millisecond
)

// quoted are the pairs on the sheet and in quotes. They do not change.
var quoted = []string{"EUR-USD", "EUR-GBP", "EUR-JPY"}

// pairName is the name of pair number n; a pair that comes again has long been
// forgotten everywhere.
func pairName(n int64) string {
	names := strings.Fields("AUD BRL CAD CHF CLP CNY COP CZK DKK EGP HKD HUF IDR ILS INR ISK KES KRW MAD MXN MYR NOK NZD PEN PHP PLN RON SEK SGD THB TND TRY TWD TZS UYU VND ZAR ZMW")
	k := int64(len(names))
	from, to := n/(k-1)%k, n%(k-1)
	if to >= from {
		to++
	}
	return names[from] + "-" + names[to]
}

// deal changes one rate after the other.
func (p *public) deal(ctx context.Context) {
	for ctx.Err() == nil {
		n := p.pair.Add(1)
		c, ok := p.change(ctx, int(n), pairName(n))
		if ok {
			p.changes.add(c)
		}
		if c.refused {
			pause(ctx, rateEvery) // a window that answers nobody is not asked faster
		}
	}
}

// change changes a rate at one window while one of them reads the old rate at the
// office, and then looks at both; false says that the load has ended before.
func (p *public) change(ctx context.Context, n int, pair string) (c rateChange, ok bool) {
	path := "/rates/" + pair
	c = rateChange{pair: pair, changed: n / 2}
	old := p.office.rateOf(pair)
	now := old + 7
	p.office.takeAsked(path)
	acknowledged := p.changeBehind(ctx, n, path, old, now, &c)
	pause(ctx, ratesSettled)
	for look := range rateLooks {
		if c.refused || ctx.Err() != nil {
			break
		}
		p.look(ctx, look, path, old, now, acknowledged, &c)
		pause(ctx, rateEvery)
	}
	c.asked = p.office.takeAsked(path)
	return c, ctx.Err() == nil
}

// changeBehind changes a rate behind the back of a window that is loading it. It
// returns when the change was acknowledged, after that window has its answer.
func (p *public) changeBehind(ctx context.Context, n int, path string, old, now int64, c *rateChange) (acknowledged time.Time) {
	trap := p.office.setTrap(c.pair)
	var (
		reader sync.WaitGroup
		read   reply
		got    int64
	)
	reader.Go(func() { read = p.ask(ctx, n, "", http.MethodGet, path, nil, &got) })
	select {
	case <-trap.sprung:
	case <-time.After(time.Second): // it did not have to ask
	case <-ctx.Done():
	}
	unless := time.AfterFunc(patience, trap.open)
	change := p.ask(ctx, c.changed, "", http.MethodPut, path, url.Values{"rate": {strconv.FormatInt(now, 10)}}, nil)
	acknowledged = time.Now()
	if unless.Stop() && n/4%2 == 1 {
		pause(ctx, longHeld)
	}
	trap.open()
	reader.Wait()
	c.refused = !read.ok || !change.ok
	if read.ok && got != old && got != now {
		c.wrong = fmt.Sprintf("%s showed %s for %s, which it never was", windows[n%2], money(got), c.pair)
	}
	return acknowledged
}

// look looks at a changed rate once.
func (p *public) look(ctx context.Context, at int, path string, old, now int64, acknowledged time.Time, c *rateChange) {
	begun := time.Now()
	var got int64
	a := p.ask(ctx, at, "", http.MethodGet, path, nil, &got)
	switch {
	case ctx.Err() != nil:
	case !a.ok:
		c.refused = true
	case got == old:
		c.old++
		c.shown, c.after = at, begun.Sub(acknowledged)
	case got != now:
		c.wrong = fmt.Sprintf("%s showed %s for %s, which it never was", windows[at%2], money(got), c.pair)
	}
}

// money writes a rate as people read it.
func money(rate int64) string { return fmt.Sprintf("%.4f", float64(rate)/10_000) }
