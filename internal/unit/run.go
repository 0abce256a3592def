package unit

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/kit/redisproc"
)

// Run is what an experiment sees: a Redis under a prefix of its own, the
// parameters, and the ways to tell what happens. Its methods may be called from
// many goroutines.
type Run struct {
	unit     *Unit
	redis    *localredis.Redis
	client   *redis.Client
	settings map[string]string
	quick    bool
	prefix   string
	emit     func(Event)

	mu      sync.Mutex
	metrics Metrics
	units   map[string]string // of the metrics
	keys    map[string]struct{}
	spaced  bool // Space was asked for
	closers []func() error
}

func newRun(u *Unit, r *localredis.Redis, settings map[string]string, quick bool, emit func(Event)) *Run {
	run := &Run{
		unit: u, redis: r, settings: settings, quick: quick,
		prefix:  newPrefix(u.ID),
		metrics: Metrics{}, units: map[string]string{}, keys: map[string]struct{}{},
	}
	var order sync.Mutex // events of concurrent actors arrive one by one
	run.emit = func(e Event) {
		order.Lock()
		defer order.Unlock()
		emit(e)
	}
	run.client = run.Client("grind-"+u.ID, nil)
	return run
}

// newPrefix makes the prefix of one run.
func newPrefix(id string) string {
	return "grind:{" + id + "-" + strings.ToLower(rand.Text()[:6]) + "}:"
}

// Redis returns the client of this run. It goes straight to the server.
func (r *Run) Redis() *redis.Client { return r.client }

// Client opens another client with a pool of its own, straight to the server. It
// is closed when the run ends. change may be nil.
func (r *Run) Client(name string, change func(*redis.Options)) *redis.Client {
	o := r.redis.Options()
	o.ClientName = name
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	r.atEnd(c.Close)
	return c
}

// Server starts a private server with a tap in front and switches for failure.
// It is stopped when the run ends. Experiments that send KEYS, CONFIG, FLUSHALL
// or SHUTDOWN, or that need a fault, must use one.
func (r *Run) Server(ctx context.Context, o redisproc.Options) (*lab.Server, error) {
	s, err := lab.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	r.atEnd(s.Close)
	return s, nil
}

// Key returns the full name of a key of this run, and remembers it for the
// cleaning up. The same name always gives the same key.
func (r *Run) Key(name string) string {
	key := r.prefix + name
	r.mu.Lock()
	r.keys[key] = struct{}{}
	r.mu.Unlock()
	return key
}

// Space returns a name for a package of kit that makes keys of its own behind it,
// <name>:{<entity>}:<part>. It has no braces, so that the keys spread over slots as
// they do in an application. What begins with it is looked for and removed when the
// run ends.
func (r *Run) Space(name string) string {
	r.mu.Lock()
	r.spaced = true
	r.mu.Unlock()
	return r.space() + name
}

// space begins the names of Space.
func (r *Run) space() string { return strings.NewReplacer("{", "", "}", "").Replace(r.prefix) }

// Short cuts the run's prefix off a key or a text, for people.
func (r *Run) Short(s string) string {
	return strings.NewReplacer(r.prefix, "", r.space(), "").Replace(s)
}

// Quick says that this run is a test: at most two seconds.
func (r *Run) Quick() bool { return r.quick }

// Embedded says that the server is the embedded one: it has no CONFIG, OBJECT
// ENCODING, BITFIELD and more, and its timings mean nothing.
func (r *Run) Embedded() bool { return !r.redis.Timings() }

// Has says whether this machine has what only a part of the unit needs, such as
// NeedOwnServer. A unit that can do nothing without it names it in Unit.Needs.
func (r *Run) Has(n Need) bool { return n.lacks(r.redis) == "" }

// How says how to get what Has says is missing; empty when it is there.
func (r *Run) How(n Need) string { return n.lacks(r.redis) }

// Int returns an int parameter.
func (r *Run) Int(name string) int {
	n, err := strconv.Atoi(r.setting(name))
	if err != nil {
		panic(fmt.Sprintf("unit %s: parameter %s is not an int", r.unit.ID, name))
	}
	return n
}

// Duration returns a duration parameter.
func (r *Run) Duration(name string) time.Duration {
	d, err := time.ParseDuration(r.setting(name))
	if err != nil {
		panic(fmt.Sprintf("unit %s: parameter %s is not a duration", r.unit.ID, name))
	}
	return d
}

// Text returns an enum parameter.
func (r *Run) Text(name string) string { return r.setting(name) }

// Bool returns a bool parameter.
func (r *Run) Bool(name string) bool { return r.setting(name) == "true" }

// setting panics for a name that is not declared: that is a mistake in the
// unit's own literal, found the first time it runs.
func (r *Run) setting(name string) string {
	value, ok := r.settings[name]
	if !ok {
		panic(fmt.Sprintf("unit %s: no parameter %s is declared", r.unit.ID, name))
	}
	return value
}

// Step says what happens next.
func (r *Run) Step(format string, args ...any) { r.emit(Step{Text: fmt.Sprintf(format, args...)}) }

// Progress says how far a long step is. Total zero means unknown.
func (r *Run) Progress(label string, done, total int) {
	r.emit(Progress{Label: label, Done: done, Total: total})
}

// Metric reports a figure. Timings are left out on the embedded server.
func (r *Run) Metric(m Metric) {
	if m.Timing && r.Embedded() {
		return
	}
	r.mu.Lock()
	r.metrics[m.Name], r.units[m.Name] = m.Value, m.Unit
	r.mu.Unlock()
	r.emit(m)
}

// Table reports figures side by side.
func (r *Run) Table(t Table) { r.emit(t) }

// Chart reports a picture of figures. Timings are left out on the embedded server.
func (r *Run) Chart(c Chart) {
	if c.Timing && r.Embedded() {
		return
	}
	r.emit(c)
}

// Keys shows keys of this run, by their short names, as they are now.
func (r *Run) Keys(ctx context.Context, title string, names ...string) error {
	frame, err := r.Frame(ctx, title, names...)
	if err != nil {
		return err
	}
	r.emit(Keys{Title: title, Keys: frame.Keys})
	return nil
}

// atEnd has close called when the run ends, the last first.
func (r *Run) atEnd(close func() error) {
	r.mu.Lock()
	r.closers = append(r.closers, close)
	r.mu.Unlock()
}

// end removes the run's keys and closes what it opened. The context of the run
// may be over by now, so it takes its own.
func (r *Run) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r.mu.Lock()
	keys := slices.Collect(maps.Keys(r.keys))
	closers := slices.Backward(slices.Clone(r.closers))
	spaced := r.spaced
	r.mu.Unlock()
	var first error
	if spaced {
		found := r.client.Scan(ctx, 0, r.space()+"*", 1000).Iterator()
		for found.Next(ctx) {
			keys = append(keys, found.Val())
		}
		first = found.Err()
	}
	for batch := range slices.Chunk(keys, 500) {
		if err := r.client.Unlink(ctx, batch...).Err(); err != nil && first == nil {
			first = fmt.Errorf("unit %s: remove %d keys under %s: %w", r.unit.ID, len(keys), r.prefix, err)
		}
	}
	for _, closeIt := range closers {
		if err := closeIt(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
