package exam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/health"
)

// fault is one way in which Redis fails a program.
type fault struct {
	name, label string
	begin       func(ctx context.Context, p *portal) (end func() error, err error)
}

var faults = []fault{
	{"down", "down: connections refused", thrown(tap.Fault{Kind: tap.Refuse})},
	{"slow", "slow: 300 ms a command", thrown(tap.Fault{Kind: tap.Latency, Delay: 300 * time.Millisecond})},
	{"loading", "LOADING after a restart", thrown(tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"})},
	{"readonly", "READONLY: now a replica", thrown(readOnly("SET"), readOnly("GETDEL"))},
	{"pool", "no connection free", borrowed},
}

// readOnly answers a command that writes as a replica does.
func readOnly(command string) tap.Fault {
	return tap.Fault{Kind: tap.ErrorReply, Command: command, Message: "READONLY You can't write against a read only replica."}
}

// thrown throws faults at the wire.
func thrown(all ...tap.Fault) func(context.Context, *portal) (func() error, error) {
	return func(_ context.Context, p *portal) (func() error, error) {
		var clears []func()
		for _, f := range all {
			clear, err := p.wire.Throw(f)
			if err != nil {
				return nil, err
			}
			clears = append(clears, clear)
		}
		return func() error {
			for _, clear := range clears {
				clear()
			}
			return nil
		}, nil
	}
}

// borrowed takes all connections of the pool, as a leak does.
func borrowed(ctx context.Context, p *portal) (func() error, error) {
	var lent []*redis.Conn
	end := func() error {
		var errs []error
		for _, c := range lent {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	for range poolSize {
		c := p.redis.Conn()
		lent = append(lent, c)
		if err := c.Ping(ctx).Err(); err != nil {
			return nil, errors.Join(err, end())
		}
	}
	return end, nil
}

// The questions, in the order of the table.
var questions = []struct{ name, method, path string }{
	{"an answer is written", http.MethodPost, "/answers"},
	{"PING probe", http.MethodGet, "/health"},
	{"liveness", http.MethodGet, "/healthz"},
	{"readiness", http.MethodGet, "/readyz"},
	{"startup", http.MethodGet, "/startupz"},
}

const (
	impatient = 60 * time.Millisecond // how long an orchestrator waits for the PING probe; Kubernetes: 1 s
	patient   = 5 * time.Second       // everything else
)

// observation is what all of them said at one moment.
type observation struct {
	at     time.Duration
	status [5]int // 0: no answer in time
	detail string // of readiness
}

// said writes a status for people.
func said(status int) string {
	if status == 0 {
		return "no answer"
	}
	return fmt.Sprint(status)
}

// look asks all questions at once.
func (p *portal) look(ctx context.Context, since time.Time) observation {
	o := observation{at: time.Since(since)}
	var all sync.WaitGroup
	for i, q := range questions {
		all.Go(func() {
			limit := patient
			if q.path == "/health" {
				limit = impatient
			}
			status, body := ask(ctx, q.method, p.url+q.path, limit)
			o.status[i] = status
			if q.path == "/readyz" {
				o.detail = detail(body)
			}
		})
	}
	all.Wait()
	return o
}

// ask sends one request and returns no status if there is no answer in time.
func ask(ctx context.Context, method, url string, limit time.Duration) (status int, body []byte) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, nil
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

// detail is what readiness says of its first check.
func detail(body []byte) string {
	var answer struct {
		Checks []struct{ Detail string }
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Checks) == 0 {
		return ""
	}
	return answer.Checks[0].Detail
}

// until looks again and again until readiness has said want, and some times more.
func (p *portal) until(ctx context.Context, since time.Time, want, more int) (all []observation, took time.Duration, ok bool) {
	begun := time.Now()
	for time.Since(begun) < patient {
		o := p.look(ctx, since)
		all = append(all, o)
		if !ok && o.status[3] == want {
			took, ok = time.Since(begun), true
		}
		if ok {
			if more--; more < 0 {
				break
			}
		}
		time.Sleep(interval / 2)
	}
	return all, took, ok
}

// probing throws one fault after the other, and notes what the probes say.
func probing(ctx context.Context, r *unit.Run) error {
	if err := sample(ctx, r); err != nil {
		return err
	}
	p, err := open(ctx, r)
	if err != nil {
		return err
	}
	err = watch(ctx, r, p)
	return errors.Join(err, p.stop())
}

// watch goes through the faults.
func watch(ctx context.Context, r *unit.Run, p *portal) error {
	since := time.Now()
	if _, _, ok := p.until(ctx, since, http.StatusOK, 0); !ok {
		return errors.New("the portal did not become ready")
	}
	table := unit.Table{Title: "What each probe says while Redis fails", Columns: []string{"Redis is", "answers written", "PING probe", "liveness", "readiness", "its reason", "startup"}}
	lanes := unit.Chart{Kind: unit.Lanes, Title: "When each of them says yes", XLabel: "ms", Timing: true, Series: []unit.Series{{Name: "faults", Tone: unit.Bad}}}
	for _, q := range questions {
		lanes.Series = append(lanes.Series, unit.Series{Name: q.name})
	}
	unready, back, no := 0, 0, map[int]int{}
	for i, f := range faults {
		r.Step("Redis: %s.", f.label)
		r.Progress("faults", i, len(faults))
		began := time.Since(since)
		end, err := f.begin(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		during, noticed, down := p.until(ctx, since, http.StatusServiceUnavailable, 1)
		if err := end(); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		lanes.Series[0].Points = append(lanes.Series[0].Points, unit.Point{Label: f.name, X: ms(began), Y: ms(time.Since(since) - began)})
		after, returned, up := p.until(ctx, since, http.StatusOK, 0)
		all := append(during, after...)
		draw(&lanes, all)
		for _, o := range all {
			for _, q := range []int{2, 4} {
				if o.status[q] != http.StatusOK {
					no[q]++
				}
			}
		}
		if down {
			unready++
		}
		if up {
			back++
		}
		last := during[len(during)-1]
		table.Rows = append(table.Rows, []string{f.label, said(last.status[0]), said(last.status[1]), said(last.status[2]), said(last.status[3]), last.detail, said(last.status[4])})
		f.metrics(r, during, noticed, returned)
	}
	r.Table(table)
	r.Chart(lanes)
	r.Metric(unit.Metric{Name: "unready", Label: "faults at which readiness said no", Value: float64(unready), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "back", Label: "faults after which it said yes again", Value: float64(back), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "live_no", Label: "times that liveness said no", Value: float64(no[2]), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "startup_no", Label: "times that startup said no", Value: float64(no[4]), Minor: true})
	return nil
}

// metrics of one fault.
func (f fault) metrics(r *unit.Run, during []observation, noticed, returned time.Duration) {
	blind, silent := 0, 0
	for _, o := range during {
		if o.status[1] == http.StatusOK && o.status[0] != http.StatusOK {
			blind++
		}
		if o.status[1] == 0 {
			silent++
		}
	}
	switch f.name {
	case "readonly":
		r.Metric(unit.Metric{Name: "blind_readonly", Label: "times that the PING probe said 200 and nothing could be written", Value: float64(blind), Tone: unit.Bad})
	case "slow":
		r.Metric(unit.Metric{Name: "silent_slow", Label: "times that the PING probe did not answer, Redis being slow", Value: float64(silent), Tone: unit.Bad})
	}
	r.Metric(unit.Metric{Name: "noticed_" + f.name, Label: "readiness says no after, " + f.name, Value: ms(noticed), Unit: "ms", Timing: true, Minor: true})
	r.Metric(unit.Metric{Name: "returned_" + f.name, Label: "and yes after its end, " + f.name, Value: ms(returned), Unit: "ms", Timing: true, Minor: true})
}

// draw adds spans in which a probe said yes.
func draw(c *unit.Chart, all []observation) {
	for q := range questions {
		s := &c.Series[q+1]
		for i, o := range all[:max(0, len(all)-1)] {
			if o.status[q] == http.StatusOK {
				s.Points = append(s.Points, unit.Point{X: ms(o.at), Y: ms(all[i+1].at - o.at)})
			}
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Milliseconds()) }

// sample shows what each kind of check sends.
func sample(ctx context.Context, r *unit.Run) error {
	_, err := r.Trace(ctx, unit.Sample{
		Title: "the PING probe, and the check of kit/health",
		Note:  "PING is answered by a replica, by a full server and by one that cannot save. The second writes a value of its own and takes it back.",
	}, func(ctx context.Context, c *redis.Client) error {
		if err := c.Ping(trace.WithRequest(ctx, "PING probe")).Err(); err != nil {
			return err
		}
		return health.Redis(c, health.RedisOptions{Prefix: "grind:2.06"}).Func(trace.WithRequest(ctx, "kit/health"))
	})
	return err
}
