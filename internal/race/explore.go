package race

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The defaults of Options.
const (
	DefaultMaxSteps     = 20
	DefaultMaxSchedules = 20_000
	DefaultMaxFaults    = 1
	DefaultBudget       = 8 * time.Second
)

// Options bounds an exploration. The zero value explores all orders without
// faults, within the defaults.
type Options struct {
	// MaxSteps is how many commands an actor may send in one schedule; a schedule
	// in which one wants to send more is given up and not judged. Zero means
	// DefaultMaxSteps; negative is an error.
	MaxSteps int
	// MaxSchedules is how many schedules are played at most. Zero means
	// DefaultMaxSchedules; negative is an error.
	MaxSchedules int
	// Budget is how long new schedules are begun. Zero means DefaultBudget, negative
	// that time does not matter.
	Budget time.Duration
	// Faults adds schedules in which an actor crashes or loses a reply.
	Faults bool
	// MaxFaults is how many faults may befall one schedule. Zero means
	// DefaultMaxFaults; negative is an error.
	MaxFaults int
	// Progress is called after each schedule: done were played, total are known so
	// far. total grows, for what is left to play shows only by playing. It may be
	// nil and must not block.
	Progress func(done, total int)
}

func (o *Options) complete() error {
	for _, field := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"MaxSteps", &o.MaxSteps, DefaultMaxSteps},
		{"MaxSchedules", &o.MaxSchedules, DefaultMaxSchedules},
		{"MaxFaults", &o.MaxFaults, DefaultMaxFaults},
	} {
		if *field.value < 0 {
			return fmt.Errorf("race: Options.%s must not be negative, got %d", field.name, *field.value)
		}
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	return nil
}

// ErrNotDeterministic says that the same schedule led elsewhere when it was
// played again, so that nothing can be said about it: the scenario uses chance,
// the clock, or data that another run has changed.
var ErrNotDeterministic = errors.New("the same schedule did not lead to the same end")

// Explore plays all orders in which the actors' commands can reach Redis, and
// with Options.Faults also each of them with one crash or one lost reply. The
// report counts the failing ones and plays the simplest of them for people:
// that with the fewest steps, of these with the fewest faults, of these with the
// fewest switches between actors.
//
// A *Violation of Check makes a schedule fail, and so do actors who wait in
// Redis for ever. An *ActorError, ErrNotDeterministic, or any other error of
// Setup or Check ends the exploration.
func Explore(ctx context.Context, env Env, sc Scenario, o Options) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s, err := newStage(env, sc)
	if err != nil {
		return nil, err
	}
	defer s.close()
	x := &explorer{stage: s, options: o, start: time.Now()}
	x.frontiers[orders].add(nil)
	if err := x.explore(ctx); err != nil {
		return nil, err
	}
	if x.failing != nil {
		x.report.Shortest, err = s.play(ctx, x.failing)
		if err != nil {
			return nil, err
		}
		if x.report.Shortest.Violation == "" {
			return nil, fmt.Errorf("race: %q failed, and then it did not: %w", x.failing, ErrNotDeterministic)
		}
	}
	x.report.Left = x.left()
	x.report.Cut = x.cut()
	x.report.Millis = time.Since(x.start).Milliseconds()
	return &x.report, nil
}

// class is what befalls a schedule, by its first fault.
type class int

const (
	orders class = iota
	crashes
	losses
	classes
)

func (s Schedule) class() class {
	for _, m := range s {
		switch m.Fault {
		case Crash:
			return crashes
		case LostReply:
			return losses
		}
	}
	return orders
}

// explorer is an exploration under way.
type explorer struct {
	*stage
	options   Options
	start     time.Time
	frontiers [classes]frontier
	report    Report
	failing   Schedule // the simplest that fails
}

// explore plays until nothing is left or a bound is reached. Of both bounds the
// orders get at most one half and the crashes a quarter, so that a scenario with
// very many orders still meets faults; what is left over is shared in the end.
func (x *explorer) explore(ctx context.Context) error {
	shares := [classes]float64{0.5, 0.75, 1}
	if !x.options.Faults {
		shares[orders] = 1
	}
	for _, shares := range [][classes]float64{shares, {1, 1, 1}} {
		for c := range classes {
			for x.within(shares[c]) {
				begin, ok := x.frontiers[c].next()
				if !ok {
					break
				}
				if err := x.play(ctx, c, begin); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// within reports whether a share of both bounds is not used up.
func (x *explorer) within(share float64) bool {
	return x.report.Played < int(share*float64(x.options.MaxSchedules)) &&
		(x.options.Budget < 0 || time.Since(x.start) < time.Duration(share*float64(x.options.Budget)))
}

// play plays one schedule: the given beginning, and from there on the actor who
// is at it until it ends, then the next. At each step behind the beginning,
// everything else that could happen there is a beginning to be played later.
// So each schedule is played once.
func (x *explorer) play(ctx context.Context, c class, begin Schedule) (err error) {
	r, err := x.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closing := r.close(ctx); closing != nil {
			err = errors.Join(err, closing)
		}
	}()
	whole := true
	for ready := r.ready(); len(ready) > 0; ready = r.ready() {
		m := Move{Actor: ready[0]}
		if at := len(r.played); at < len(begin) {
			m = begin[at]
		} else {
			if at > 0 && r.parties[r.played[at-1].Actor].state == atGate {
				m = Move{Actor: r.played[at-1].Actor}
			}
			x.branch(r, ready, m)
		}
		if r.parties[m.Actor].count == x.options.MaxSteps {
			whole = false
			break
		}
		if err := r.move(ctx, m); err != nil {
			if _, ok := errors.AsType[*ScheduleError](err); ok {
				return fmt.Errorf("race: play %q again: %w: %w", begin, ErrNotDeterministic, err)
			}
			return err
		}
	}
	violation := ""
	if whole {
		if violation, err = r.judge(ctx); err != nil {
			return err
		}
	}
	x.count(c, r.played, whole, violation != "")
	return nil
}

// branch remembers what else could happen now than m. A crash is tried when the
// command has just come up: what the others do in between makes no difference to
// a process that sends nothing any more.
func (x *explorer) branch(r *run, ready []int, m Move) {
	remember := func(other Move) {
		begin := append(slices.Clip(r.played), other)
		x.frontiers[begin.class()].add(begin)
	}
	faults := x.options.Faults && r.played.faults() < x.options.MaxFaults
	for _, actor := range ready {
		if actor != m.Actor {
			remember(Move{Actor: actor})
		}
		if faults {
			if r.parties[actor].fresh {
				remember(Move{Actor: actor, Fault: Crash})
			}
			remember(Move{Actor: actor, Fault: LostReply})
		}
	}
}

// count enters a played schedule into the report.
func (x *explorer) count(c class, played Schedule, whole, failed bool) {
	x.report.Played++
	switch c {
	case orders:
		x.report.Orders++
	case crashes:
		x.report.Crashes++
	case losses:
		x.report.Lost++
	}
	if !whole {
		x.report.GivenUp++
	}
	if failed {
		x.report.Failing++
		if x.failing == nil || played.simpler(x.failing) {
			x.failing = played
		}
	}
	if x.options.Progress != nil {
		x.options.Progress(x.report.Played, x.report.Played+x.left())
	}
}

// left is how many schedules are known and not played.
func (x *explorer) left() int {
	n := 0
	for c := range classes {
		n += x.frontiers[c].size
	}
	return n
}

// cut says what was not played, or not to its end.
func (x *explorer) cut() string {
	var parts []string
	if left := x.report.Left; left > 0 {
		bound := fmt.Sprintf("%d schedules", x.report.Played)
		if x.report.Played < x.options.MaxSchedules {
			bound = x.options.Budget.String()
		}
		parts = append(parts, fmt.Sprintf("it was cut after %s; at least %d more were not played", bound, left))
	}
	if x.report.GivenUp > 0 {
		parts = append(parts, fmt.Sprintf("%d of those played were given up, and not judged, when an actor had sent %d commands",
			x.report.GivenUp, x.options.MaxSteps))
	}
	return strings.Join(parts, "; ")
}

// frontier holds beginnings that are yet to be played, those with the fewest
// switches first: when time runs out it has gone into orders that are easy to
// follow, and most mistakes show with few switches.
type frontier struct {
	bySwitches [][]string // as compact text, for there can be very many
	size       int
}

func (f *frontier) add(begin Schedule) {
	n := begin.switches()
	for len(f.bySwitches) <= n {
		f.bySwitches = append(f.bySwitches, nil)
	}
	f.bySwitches[n] = append(f.bySwitches[n], begin.String())
	f.size++
}

func (f *frontier) next() (Schedule, bool) {
	for n, begins := range f.bySwitches {
		if last := len(begins) - 1; last >= 0 {
			f.bySwitches[n], f.size = begins[:last], f.size-1
			schedule, _ := ParseSchedule(begins[last]) // written by String
			return schedule, true
		}
	}
	return nil, false
}
