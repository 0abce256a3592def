package incident3

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// public is everybody who comes to the windows, and the office's own people who look
// whether they follow. It notes what was acknowledged and what was then shown. The
// load is bounded: about 140 requests a second, whatever the windows answer.
type public struct {
	copies []string
	office *headOffice
	http   *http.Client
	began  time.Time

	changes recent[rateChange]
	visits  recent[visit]
	screens recent[screenLook]
	edits   recent[noticeEdit]
	trouble recent[trouble]

	account atomic.Int64 // the number of the newest customer
	pair    atomic.Int64 // and of the newest pair
}

// trouble is what a window answered instead of what was asked for.
type trouble struct{ path, said string }

// askTimeout is how long people wait for an answer.
const askTimeout = 4 * time.Second

func newPublic(copies []string, office *headOffice) *public {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return &public{copies: copies, office: office, http: &http.Client{Transport: transport, Timeout: askTimeout}, began: time.Now()}
}

// run comes to the windows until ctx ends.
func (p *public) run(ctx context.Context) {
	defer p.http.CloseIdleConnections()
	var all sync.WaitGroup
	for range dealers {
		all.Go(func() { p.deal(ctx) })
	}
	for range customers {
		all.Go(func() { p.visit(ctx) })
	}
	for n, desk := range desks {
		all.Go(func() { p.edit(ctx, n, desk) })
	}
	all.Go(func() { p.lookUp(ctx) })
	all.Wait()
}

// reply is what a request came to. One that was cut off by the end of the load is
// neither right nor wrong: it was not answered.
type reply struct {
	ok   bool
	text string
}

// ask sends a request to a window. into, if set, takes the JSON that comes back.
func (p *public) ask(ctx context.Context, window int, account, method, path string, form url.Values, into any) reply {
	target := p.copies[window%len(p.copies)] + path
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{text: err.Error()}
	}
	r.Header.Set("X-Account", account)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a := p.send(r, into)
	if !a.ok && ctx.Err() == nil {
		p.trouble.add(trouble{path, a.text})
	}
	return a
}

func (p *public) send(r *http.Request, into any) reply {
	got, err := p.http.Do(r)
	if err != nil {
		return reply{text: "no answer"}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	switch {
	case err != nil:
		return reply{text: "no whole answer"}
	case got.StatusCode != http.StatusOK:
		return reply{text: fmt.Sprintf("%d %s", got.StatusCode, strings.TrimSpace(string(text)))}
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return reply{text: "an answer that is not what was asked for"}
		}
	}
	return reply{ok: true}
}

// every calls do each period until ctx ends, one call at a time.
func every(ctx context.Context, period time.Duration, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
