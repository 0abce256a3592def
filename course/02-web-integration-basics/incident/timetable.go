package incident2

import (
	"context"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	// pause is the quiet time between two events.
	pause = 500 * time.Millisecond
	// limit is how long a copy may take to be ready, and to leave until it is killed.
	limit = 8 * time.Second
	// livesEvery is how often the orchestrator asks each copy whether it is alive, and
	// livesFailures how many times on end it says no until it is killed.
	livesEvery    = 200 * time.Millisecond
	livesFailures = 3
	// hiccupLooks is how long Redis is away: until each copy was asked that often, so
	// that no busy machine makes a hiccup too short to be noticed.
	hiccupLooks = 5
	// backOff is how long the orchestrator waits before it starts what it has killed.
	backOff = time.Second
)

// timetable is the orchestrator, and what happens to it: deploys and hiccups in turn,
// never both at once, so that what fails can be told apart.
type timetable struct {
	scene    unit.Scene
	balancer *balancer

	deploys  recent[deploy]
	hiccups  recent[hiccup]
	restarts recent[bool]
}

// deploy is one copy that was replaced by another.
type deploy struct {
	began   time.Time
	overdue bool // it had to be killed
}

// hiccup is one time that Redis was away.
type hiccup struct {
	began  time.Time
	longer time.Duration // by how much the office was away longer
}

// whole says that all that came of what began then is still in the window.
func whole(began time.Time) bool { return time.Since(began) < window }

func (t *timetable) run(ctx context.Context) {
	runAll(ctx, t.keepAlive, func(ctx context.Context) {
		t.settle(ctx)
		for ctx.Err() == nil {
			t.deploy(ctx)
			sleep(ctx, pause)
			t.hiccup(ctx)
			sleep(ctx, pause)
		}
	})
}

// settle waits until as many copies are ready as there should be.
func (t *timetable) settle(ctx context.Context) {
	until(ctx, func() bool {
		_, ready := t.balancer.staying()
		return ready >= copyCount
	})
}

// deploy starts a copy, and tells the oldest to leave when the new one is ready.
func (t *timetable) deploy(ctx context.Context) {
	before, _ := t.balancer.staying()
	t.launch(ctx)
	until(ctx, func() bool {
		_, ready := t.balancer.staying()
		return ready > copyCount
	})
	if len(before) == 0 || ctx.Err() != nil {
		return
	}
	old := before[0]
	began := time.Now()
	close(old.leave)
	left := until(ctx, func() bool { return gone(old) })
	if ctx.Err() != nil {
		return
	}
	if !left {
		old.Kill()
	}
	until(ctx, func() bool { return !t.balancer.has(old) })
	t.deploys.add(deploy{began, !left})
}

func (t *timetable) launch(ctx context.Context) {
	c, err := t.scene.Launch(ctx)
	if err != nil {
		return // the dashboard tells of a copy that cannot be started
	}
	t.balancer.add(newInstance(c))
}

// hiccup lets Redis refuse all connections for a moment, as when it is restarted.
func (t *timetable) hiccup(ctx context.Context) {
	asked := map[*instance]int{}
	copies, _ := t.balancer.staying()
	for _, c := range copies {
		asked[c] = t.askedAlive(c)
	}
	began := time.Now()
	clear, err := t.scene.Throw(tap.Fault{Kind: tap.Refuse})
	if err != nil {
		panic(err) // the fault is ours
	}
	until(ctx, func() bool {
		for c, before := range asked {
			if !gone(c) && t.askedAlive(c) < before+hiccupLooks {
				return false
			}
		}
		return true
	})
	clear()
	back := time.Now()
	t.settle(ctx)
	if ctx.Err() == nil {
		t.hiccups.add(hiccup{began, time.Since(back)})
	}
}

func (t *timetable) askedAlive(c *instance) int {
	t.balancer.mu.Lock()
	defer t.balancer.mu.Unlock()
	return c.asked
}

func gone(c *instance) bool {
	select {
	case <-c.Ended:
		return true
	default:
		return false
	}
}

// keepAlive asks the copies that stay whether they are alive. It kills one that says no
// too often, and starts another in its place, after a while, as orchestrators do.
func (t *timetable) keepAlive(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	every(ctx, livesEvery, func() {
		copies, _ := t.balancer.staying()
		var looks sync.WaitGroup
		for _, c := range copies {
			looks.Go(func() {
				if t.isAlive(ctx, c) || ctx.Err() != nil {
					return
				}
				c.Kill()
				t.balancer.remove(c)
				t.restarts.add(true)
				all.Go(func() {
					if sleep(ctx, backOff) {
						t.launch(ctx)
					}
				})
			})
		}
		looks.Wait()
	})
}

// isAlive is false when a copy has said no, or nothing, too many times on end.
func (t *timetable) isAlive(ctx context.Context, c *instance) bool {
	yes := t.balancer.ask(ctx, c, "/livez", "orchestrator")
	t.balancer.mu.Lock()
	defer t.balancer.mu.Unlock()
	select {
	case <-c.leave: // meanwhile it was told to leave, and is asked no more
		return true
	default:
	}
	c.asked++
	c.refused++
	if yes {
		c.refused = 0
	}
	return c.refused < livesFailures
}

// until waits until done says so; false is that it took longer than limit.
func until(ctx context.Context, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !done() {
		if !sleep(ctx, 10*time.Millisecond) {
			return done()
		}
	}
	return true
}

// sleep waits; false is that ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// every calls do each period until ctx ends, one call at a time.
func every(ctx context.Context, period time.Duration, do func()) {
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			do()
		}
	}
}

// runAll runs all of them, and returns when they have returned.
func runAll(ctx context.Context, runs ...func(context.Context)) {
	var all sync.WaitGroup
	for _, run := range runs {
		all.Go(func() { run(ctx) })
	}
	all.Wait()
}
