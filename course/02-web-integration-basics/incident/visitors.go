package incident2

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// visitors drive the office over its balancer, and note what it acknowledged and what
// was to be seen then. Who is not answered asks again, as people and browsers do.
type visitors struct {
	office string
	http   *http.Client
	redis  *redis.Client // the app's, and the crew's

	sailing  atomic.Int64 // the newest
	sailings recent[sailing]
	checks   recent[checkedIn]
	strikes  strikes
	trouble  recent[trouble]
}

// trouble is what the office answered instead of what was asked for.
type trouble struct{ path, said string }

// The visitors, as the wire shows them.
const (
	passenger = "passenger"
	walkIn    = "walk-in"
	screen    = "screen"
)

const (
	// visitTimeout is how long a visitor waits for an answer.
	visitTimeout = 7 * time.Second
	// patience is how long somebody asks again and again.
	patience = 14 * time.Second
)

func newVisitors(office string, rdb *redis.Client) *visitors {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return &visitors{office: office, redis: rdb, http: &http.Client{Transport: transport, Timeout: visitTimeout}}
}

// run visits the office until ctx ends.
func (v *visitors) run(ctx context.Context) {
	defer v.http.CloseIdleConnections()
	runAll(ctx, v.sail, v.walkIn, v.watchScreens)
}

// watchScreens is what the screens at the quay show: how many are expected on the
// newest ferry, forty times a second.
func (v *visitors) watchScreens(ctx context.Context) {
	v.crowd(ctx, 25*time.Millisecond, 32, func(int) {
		v.ask(ctx, screen, http.MethodGet, fmt.Sprintf("/sailings/%s", sailingName(v.sailing.Load())), nil, nil)
	})
}

// crowd begins one visit each period, whether or not those before have ended, but never
// more than places at once.
func (v *visitors) crowd(ctx context.Context, period time.Duration, places int, visit func(number int)) {
	var all sync.WaitGroup
	defer all.Wait()
	free := make(chan struct{}, places)
	number := 0
	every(ctx, period, func() {
		select {
		case free <- struct{}{}:
		default:
			return // nobody else finds a place
		}
		number++
		n := number
		all.Go(func() {
			defer func() { <-free }()
			visit(n)
		})
	})
}

// insist asks until it is answered, with longer and longer waits; false is that it was
// not answered in all that time, or that the load has ended.
func (v *visitors) insist(ctx context.Context, visitor, method, path string, form url.Values, into any) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for n := 0; ; n++ {
		if v.ask(ctx, visitor, method, path, form, into) {
			return true
		}
		if !sleep(ctx, 20*time.Millisecond+rand.N(100*time.Millisecond<<min(n, 2))) {
			return false
		}
	}
}

// ask sends a request. into, if set, takes the JSON that comes back.
func (v *visitors) ask(ctx context.Context, visitor, method, path string, form url.Values, into any) bool {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, v.office+path, body)
	if err != nil {
		return false
	}
	r.Header.Set("X-Visitor", visitor)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	said := v.send(r, into)
	if said != "" && ctx.Err() == nil {
		v.trouble.add(trouble{path, said})
	}
	return said == ""
}

// send returns what was answered instead; nothing when all is well.
func (v *visitors) send(r *http.Request, into any) string {
	reply, err := v.http.Do(r)
	if err != nil {
		return "no answer"
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	switch {
	case err != nil:
		return "no whole answer"
	case reply.StatusCode != http.StatusOK:
		return fmt.Sprintf("%d %s", reply.StatusCode, strings.TrimSpace(string(text)))
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return "an answer that is not what was asked for"
		}
	}
	return ""
}
