package project

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// Project is an application that a learner builds, and what it must do.
type Project struct {
	// Unit is the id of the unit that it belongs to: 9.01.
	Unit string
	// Name is the application's: catalog.
	Name string
	// Dir is the unit's folder below the course's root. It holds contract.yaml,
	// hints.md and a folder for each of Starters.
	Dir string
	// Starters are what a learner may begin with; the first unless they say another.
	Starters []Starter
	// Open makes what one check needs: the origin, whose address the instances get
	// as ORIGIN_URL, and the milestones, which look at the same origin.
	Open func() (origin http.Handler, milestones []Milestone)
}

// Starter is a beginning in one language: the folder starter-LANGUAGE.
type Starter struct {
	Language string // go, fastapi
	// Prepare is the line that a learner types once, or after each change; Run the
	// one that starts an instance.
	Prepare, Run string
	// Test is a command that is run in the folder and shows that the source compiles;
	// it writes nothing there.
	Test []string
}

// The default addresses, which the texts name.
const (
	DefaultRedis  = "127.0.0.1:7379"
	DefaultOrigin = "127.0.0.1:7380"
)

// Options say what to check.
type Options struct {
	// URLs are the running instances: http://127.0.0.1:8001. Empty means that
	// Program is started, Instances times.
	URLs []string
	// Program and its arguments: one instance, which listens on $ADDR.
	Program []string
	// Dir is where Program is started; empty is the current folder.
	Dir string
	// Redis and Origin are the addresses to serve, host:port on the loopback; empty
	// is the default, port 0 takes a free one (for a Program, which is told).
	Redis, Origin string
	// Until ends the check after the milestone of this id; empty means all.
	Until string
	// Patience is how long instances may take until they are ready; zero is
	// DefaultPatience.
	Patience time.Duration
	// Waiting is called with the addresses of Redis and of the origin when both are
	// there and the instances are waited for; nil is fine.
	Waiting func(redisURL, originURL string)
	// Begun is called when a milestone begins, Ended when it has ended; nil is fine.
	Begun func(m Milestone)
	Ended func(t exercise.Test)
	// Answered is called with every answer of an instance, from several goroutines;
	// nil is fine.
	Answered func(a *Answer)
}

// Instances is how many copies of the application run side by side: with one,
// half of all mistakes would not show.
const Instances = 2

// DefaultPatience is how long instances may take until they are ready.
const DefaultPatience = 30 * time.Second

// The decisions a caller can make.
var (
	// ErrNoMilestone says that Options.Until names none.
	ErrNoMilestone = errors.New("no such milestone")
	// ErrInstances says that Options.URLs are not two instances.
	ErrInstances = errors.New("two running instances are checked")
	// ErrNotReady says that the instances did not answer /readyz with 200 in time.
	ErrNotReady = errors.New("not ready")
	// ErrNoServer says that no redis-server is installed.
	ErrNoServer = errors.New("a project is checked with a real Redis, which is paused and killed")
	// ErrTaken says that somebody else listens on Options.Redis or Options.Origin.
	ErrTaken = errors.New("the address is taken")
)

// KindReady is the Report.Kind of a program that was started and did not become
// ready.
const KindReady = "ready"

// Check drives the instances through the milestones and reports. An error means
// that there was nothing to judge: ErrNoMilestone, ErrInstances, ErrTaken,
// ErrNoServer, instances that somebody else started are not there
// (ErrNotReady), or ctx ended. A Program that does not come up is judged: that is a
// Report with an error in it.
func (p *Project) Check(ctx context.Context, o Options) (*exercise.Report, error) {
	begun := time.Now()
	origin, milestones := p.Open()
	milestones, err := until(milestones, o.Until)
	if err != nil {
		return nil, err
	}
	if n := len(o.URLs); n != 0 && (n != Instances || o.URLs[0] == o.URLs[1]) {
		return nil, fmt.Errorf("project %s: %w, got %d: %s", p.Name, ErrInstances, n, strings.Join(o.URLs, ", "))
	}
	site, err := open(ctx, origin, o)
	if err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Name, err)
	}
	defer site.close()
	report := &exercise.Report{Version: exercise.ReportVersion, ID: p.Unit, Status: check.Pass, Tests: []exercise.Test{}}
	defer func() { report.Millis = time.Since(begun).Milliseconds() }()
	if err := site.ready(ctx, o); err != nil {
		if !errors.Is(err, ErrNotReady) || len(site.programs) == 0 {
			return nil, fmt.Errorf("project %s: %w", p.Name, err)
		}
		report.Status, report.Kind, report.Message = check.Error, KindReady, err.Error()
		site.close() // what a program had to say is whole when it has ended
		report.Printed = site.printed()
		return report, nil
	}
	for _, m := range milestones {
		if o.Begun != nil {
			o.Begun(m)
		}
		outcome := site.run(ctx, m)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		report.Tests = append(report.Tests, outcome)
		if o.Ended != nil {
			o.Ended(outcome)
		}
		if outcome.Status != check.Pass {
			report.Status = outcome.Status
			site.close()
			report.Printed = site.printed()
			break
		}
	}
	return report, nil
}

// until cuts the list after the milestone of that id.
func until(all []Milestone, id string) ([]Milestone, error) {
	if id == "" {
		return all, nil
	}
	for i, m := range all {
		if m.ID == id {
			return all[:i+1], nil
		}
	}
	var names []string
	for _, m := range all {
		names = append(names, m.ID)
	}
	return nil, fmt.Errorf("%w as %q: there are %s", ErrNoMilestone, id, strings.Join(names, ", "))
}
