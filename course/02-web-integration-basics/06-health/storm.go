package exam

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/health"
)

// flapping runs a check of which every fifth is lost, with and without hysteresis.
func flapping(ctx context.Context, r *unit.Run) error {
	const checks = 60
	r.Step("%d checks, of which every fifth is lost on the way.", checks)
	for _, way := range []struct {
		name, label string
		down, up    int
		tone        unit.Tone
	}{
		{"one", "times taken out, if one failure decides", 1, 1, unit.Bad},
		{"three", "times taken out, if three in a row do", 3, 2, unit.Good},
	} {
		var n atomic.Int64
		enough := make(chan struct{})
		downs := new(counter)
		h, err := health.New(health.Options{
			Interval: time.Millisecond, Down: way.down, Up: way.up, Logger: slog.New(downs),
			Checks: []health.Check{{Name: "redis", Func: func(ctx context.Context) error {
				switch i := n.Add(1); {
				case i == checks:
					close(enough)
					return nil
				case i%5 == 0:
					return health.Fail("lost", context.DeadlineExceeded)
				}
				return r.Redis().Ping(context.WithoutCancel(ctx)).Err()
			}}},
		})
		if err != nil {
			return err
		}
		run, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- h.Run(run) }()
		select {
		case <-enough:
		case <-ctx.Done():
		}
		stop()
		if err := <-ended; err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "flaps_" + way.name, Label: way.label, Value: float64(downs.n.Load()), Tone: way.tone})
	}
	return nil
}

// counter is a log that only counts how often something went down.
type counter struct {
	slog.Handler
	n atomic.Int64
}

// Enabled says that it listens.
func (*counter) Enabled(context.Context, slog.Level) bool { return true }

// Handle counts.
func (c *counter) Handle(_ context.Context, line slog.Record) error {
	if strings.HasSuffix(line.Message, "down") {
		c.n.Add(1)
	}
	return nil
}

// What the simulated orchestrator does, as Kubernetes does by default, and what the
// program needs. Seconds of the simulation cost nothing.
const (
	period    = 10 * time.Second // from one question of liveness to the next
	threshold = 3                // failures in a row that make it restart
	starts    = 20 * time.Second // from the start of an instance to its first request
	firstWait = 10 * time.Second // before the second start; each is twice as long as the one before
	lastWait  = 5 * time.Minute
	looks     = 2 // of readiness that must go well, one each second, as kit/health has it
)

// pod is one instance in the simulation.
type pod struct {
	phase    time.Duration // when it is asked, within a period
	running  bool
	failures int
	restarts int
	wait     time.Duration // before the next start, if it fails again
	up       time.Duration // when the start that is under way ends
	good     int           // looks of its readiness at Redis that went well, in a row
}

// region: storm

// second advances an instance by a second; alive is what its liveness says now.
func (p *pod) second(now time.Duration, alive, redis bool) {
	switch {
	case p.running && now%period == p.phase:
		p.failures++
		if alive {
			p.failures = 0
		}
		if p.failures == threshold { // killed, and started again
			p.running, p.failures = false, 0
			p.restart(now)
		}
	case !p.running && now >= p.up:
		if p.running = redis; !redis {
			p.restart(now) // it looks for Redis at its start, finds none, and exits
		}
	}
	p.good++
	if !redis {
		p.good = 0
	}
}

// restart begins the next start, after a wait that doubles.
func (p *pod) restart(now time.Duration) {
	p.restarts++
	p.up = now + p.wait + starts
	p.wait = min(lastWait, max(firstWait, 2*p.wait))
}

// serves says that requests are sent to it, and answered.
func (p *pod) serves() bool { return p.running && p.good >= looks }

// endregion

// simulated is what became of all instances.
type simulated struct {
	points   []unit.Point // how many serve
	restarts int
	after    time.Duration // until all serve again, from when Redis is back
}

// simulate has Redis away from the start on, until the outage is over.
func simulate(n int, outage time.Duration, asksRedis bool, until time.Duration) (s simulated) {
	pods := make([]*pod, n)
	for i := range pods {
		pods[i] = &pod{phase: time.Duration(i*int(period/time.Second)/n) * time.Second, running: true}
	}
	s.after = -1
	for now := time.Duration(0); s.after < 0 || now < max(until, outage+s.after+30*time.Second); now += time.Second {
		redis, serving := now >= outage, 0
		for _, p := range pods {
			p.second(now, redis || !asksRedis, redis)
			if p.serves() {
				serving++
			}
		}
		s.points = append(s.points, unit.Point{X: now.Seconds(), Y: float64(serving)})
		if s.after < 0 && serving == n {
			s.after = now - outage
		}
	}
	for _, p := range pods {
		s.restarts += p.restarts
	}
	return s
}

// storming simulates an outage of Redis under both kinds of liveness.
func storming(_ context.Context, r *unit.Run) error {
	n, outage := r.Int("instances"), r.Duration("outage").Round(time.Second)
	r.Step("Simulated: %d instances, and Redis is away for %s. Liveness asks Redis, or does not.", n, unit.Span(outage))
	r.Metric(unit.Metric{Name: "instances", Label: "instances", Value: float64(n), Minor: true})
	chart := unit.Chart{Kind: unit.Lines, Title: "Instances that serve", XLabel: "s after Redis went away", YLabel: "instances"}
	table := unit.Table{Title: fmt.Sprintf("Redis was away for %s", unit.Span(outage)), Columns: []string{"", "restarts", "all serve again after"}}
	var end time.Duration
	for _, way := range []struct {
		name, label string
		asksRedis   bool
		tone        unit.Tone
	}{{"storm", "liveness asks Redis", true, unit.Bad}, {"calm", "liveness asks nobody", false, unit.Good}} {
		s := simulate(n, outage, way.asksRedis, end)
		end = time.Duration(len(s.points)) * time.Second // as long for both
		chart.Series = append(chart.Series, unit.Series{Name: way.label, Tone: way.tone, Points: s.points})
		table.Rows = append(table.Rows, []string{way.label, fmt.Sprint(s.restarts), unit.Figure(s.after.Seconds(), "s")})
		r.Metric(unit.Metric{Name: "restarts_" + way.name, Label: "restarts, " + way.label, Value: float64(s.restarts), Tone: way.tone})
		r.Metric(unit.Metric{Name: "after_" + way.name, Label: "all serve again after, " + way.label, Value: s.after.Seconds(), Unit: "s", Tone: way.tone})
	}
	r.Chart(chart)
	r.Table(table)
	return nil
}
