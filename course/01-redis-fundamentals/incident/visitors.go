package incident1

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

// visitors drive the shop, and note what it acknowledged and what it then showed.
// The load is bounded: about 160 requests a second, whatever the shop answers.
type visitors struct {
	copies []string
	http   *http.Client
	began  time.Time

	carts                 recent[cartRound]
	counters              recent[counterCheck]
	feed                  recent[feedRead]
	pages                 recent[time.Duration]
	published, publishing atomic.Int64 // the number of the newest entry, acknowledged and sent
	trouble               recent[trouble]
}

// trouble is what the shop answered instead of what was asked for.
type trouble struct{ path, said string }

// visitTimeout is how long a visitor waits for an answer.
const visitTimeout = 4 * time.Second

func newVisitors(copies []string) *visitors {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return &visitors{copies: copies, http: &http.Client{Transport: transport, Timeout: visitTimeout}, began: time.Now()}
}

// run visits the shop until ctx ends.
func (v *visitors) run(ctx context.Context) {
	defer v.http.CloseIdleConnections()
	var all sync.WaitGroup
	for _, visit := range []func(context.Context){v.fillCarts, v.publish, v.readFeed, v.openPages} {
		all.Go(func() { visit(ctx) })
	}
	for part := range browsers {
		all.Go(func() { v.browse(ctx, part) })
	}
	all.Wait()
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

// answer is what a request came to. A request that was cut off by the end of the
// load is neither right nor wrong: it was not answered.
type answer struct {
	ok   bool
	text string
}

// ask sends a request to one copy of the shop. into, if set, takes the JSON that
// comes back.
func (v *visitors) ask(ctx context.Context, copyNo int, visitor, method, path string, form url.Values, into any) answer {
	target := v.copies[copyNo%len(v.copies)] + path
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		target += "?" + form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return answer{text: err.Error()}
	}
	r.Header.Set("X-Visitor", visitor)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a := v.send(r, into)
	if !a.ok && ctx.Err() == nil {
		v.trouble.add(trouble{path, a.text})
	}
	return a
}

func (v *visitors) send(r *http.Request, into any) answer {
	reply, err := v.http.Do(r)
	if err != nil {
		return answer{text: "no answer"}
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	switch {
	case err != nil:
		return answer{text: "no whole answer"}
	case reply.StatusCode != http.StatusOK:
		return answer{text: fmt.Sprintf("%d %s", reply.StatusCode, strings.TrimSpace(string(text)))}
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return answer{text: "an answer that is not what was asked for"}
		}
	}
	return answer{ok: true}
}
