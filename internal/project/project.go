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
	// Dir is the unit's folder below the course's root. It holds contract.yaml and
	// a folder starter-LANG for each of Languages.
	Dir string
	// Languages are those that there is a starter for: go, fastapi.
	Languages []string
	// Open makes what one check needs: the origin, whose address the instances get
	// as ORIGIN_URL, and the milestones, which look at the same origin.
	Open func() (origin http.Handler, milestones []Milestone)
}

// Milestone is one thing that the application must do.
type Milestone struct {
	// ID is its name in reports: stampede.
	ID string
	// Title says what is so when it is reached: "a stampede costs one origin call".
	Title string
	// Why says, in a sentence or two, what it is good for.
	Why string
	// Limit is its longest time; zero means DefaultLimit.
	Limit time.Duration
	// Check judges. It ends by s.Fail, or the milestone is reached.
	Check func(s *Site)
}

// DefaultLimit is the longest time of a milestone.
const DefaultLimit = time.Minute

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
	// Redis and Origin are the addresses to serve, host:port; empty is the default,
	// port 0 takes a free one (for a Program, which is told).
	Redis, Origin string
	// Until ends the check after the milestone of this id; empty means all.
	Until string
	// Patience is how long instances may take until they are ready; zero is 30 s.
	Patience time.Duration
	// Begun is called when a milestone begins; nil is fine.
	Begun func(m Milestone)
	// Waiting is called with what the check waits for; nil is fine.
	Waiting func(what string)
}

// Instances is how many copies of the application run side by side: with one,
// half of all mistakes would not show.
const Instances = 2

// The decisions a caller can make.
var (
	// ErrNoMilestone says that Options.Until names none.
	ErrNoMilestone = errors.New("no such milestone")
	// ErrNotReady says that the instances did not answer /readyz with 200 in time.
	ErrNotReady = errors.New("not ready")
)

// Check drives the instances through the milestones and reports. An error means
// that there was nothing to judge: an address is taken, no redis-server is
// installed, the instances did not become ready (ErrNotReady), or ctx ended.
func (p *Project) Check(ctx context.Context, o Options) (*exercise.Report, error) {
	begun := time.Now()
	origin, milestones := p.Open()
	milestones, err := until(milestones, o.Until)
	if err != nil {
		return nil, err
	}
	site, err := open(ctx, origin, o)
	if err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Name, err)
	}
	defer site.close()
	if err := site.ready(ctx, o); err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Name, err)
	}
	report := &exercise.Report{Version: exercise.ReportVersion, ID: p.Unit, Status: check.Pass}
	for _, m := range milestones {
		if o.Begun != nil {
			o.Begun(m)
		}
		outcome := site.run(ctx, m)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		report.Tests = append(report.Tests, outcome)
		report.RoundTrips = max(report.RoundTrips, site.dearest)
		if outcome.Status != check.Pass {
			report.Status = outcome.Status
			report.Printed = site.printed()
			break
		}
	}
	report.Millis = time.Since(begun).Milliseconds()
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
