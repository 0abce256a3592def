package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The decisions a caller can make.
var (
	// ErrNoSwitch says that there is no switch of this name. The error that
	// wraps it lists those there are.
	ErrNoSwitch = errors.New("no such switch")

	// ErrDown says that a switch needs a server that answers, and that another
	// switch paused or killed it.
	ErrDown = errors.New("the server is down")
)

// The names of the switches. Those of the process exist for a Server only.
const (
	Pause       = "pause"
	Kill        = "kill"
	Restart     = "restart"
	ReadOnly    = "readonly"
	OOM         = "oom"
	ScriptFlush = "script-flush"

	Latency   = "latency"
	Bandwidth = "bandwidth"
	Cut       = "cut"
	Reset     = "reset"
	LoseReply = "lose-reply"
	Refuse    = "refuse"
	Loading   = "loading"
	Error     = "error"
)

// Switch is a failure that can be turned on and off. On and Off may be called
// in any order and more than once: turning on what is on does nothing, nor does
// turning off what is off.
type Switch struct {
	// Name identifies it: lose-reply.
	Name string `json:"name"`
	// Title is what stands on a button: Lose replies.
	Title string `json:"title"`
	// What is one sentence on what happens.
	What string `json:"what"`
	// Momentary means that it is over at once: there is nothing to turn off.
	Momentary bool `json:"momentary,omitempty"`
	// Active says that it was on when the list was made.
	Active bool `json:"active,omitempty"`

	// On makes the failure happen, and returns when it does. After an error it
	// is as if On had not been called, as far as the server could be reached.
	On func(ctx context.Context) error `json:"-"`
	// Off ends it, and returns when the server works as before. After an error
	// the switch is still on.
	Off func(ctx context.Context) error `json:"-"`
}

// undo ends a failure.
type undo func(ctx context.Context) error

// lever is a switch from the inside: throw makes the failure and says how to
// end it. It runs while the panel is locked, so one at a time.
type lever struct {
	name, title, what string
	momentary         bool
	throw             func(ctx context.Context) (undo, error)
}

// panel is a set of levers and what is on.
type panel struct {
	levers []lever

	mu     sync.Mutex
	active []active // in the order in which they were turned on
}

type active struct {
	name string
	undo undo
}

func newPanel(levers []lever) *panel { return &panel{levers: levers} }

func (p *panel) switches() []Switch {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Switch
	for _, l := range p.levers {
		all = append(all, Switch{
			Name: l.name, Title: l.title, What: l.what, Momentary: l.momentary,
			Active: p.find(l.name) >= 0,
			On:     func(ctx context.Context) error { return p.on(ctx, l.name) },
			Off:    func(ctx context.Context) error { return p.off(ctx, l.name) },
		})
	}
	return all
}

// find returns the place of a switch among the active ones, -1 if it is off.
func (p *panel) find(name string) int {
	return slices.IndexFunc(p.active, func(a active) bool { return a.name == name })
}

// lever returns the lever of that name.
func (p *panel) lever(name string) (lever, error) {
	var names []string
	for _, l := range p.levers {
		if l.name == name {
			return l, nil
		}
		names = append(names, l.name)
	}
	return lever{}, fmt.Errorf("lab: %q (there are %s): %w", name, strings.Join(names, ", "), ErrNoSwitch)
}

func (p *panel) on(ctx context.Context, name string) error {
	l, err := p.lever(name)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.find(name) >= 0 {
		return nil
	}
	end, err := l.throw(ctx)
	if err != nil {
		return fmt.Errorf("lab: turn %s on: %w", name, err)
	}
	if !l.momentary {
		p.active = append(p.active, active{name, end})
	}
	return nil
}

func (p *panel) off(ctx context.Context, name string) error {
	if _, err := p.lever(name); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end(ctx, name)
}

// end ends one failure. The panel is locked.
func (p *panel) end(ctx context.Context, name string) error {
	at := p.find(name)
	if at < 0 {
		return nil
	}
	if err := p.active[at].undo(ctx); err != nil {
		return fmt.Errorf("lab: turn %s off: %w", name, err)
	}
	p.forget(name)
	return nil
}

// forget takes switches for off whose failure ended by itself. The panel is
// locked.
func (p *panel) forget(names ...string) {
	p.active = slices.DeleteFunc(p.active, func(a active) bool { return slices.Contains(names, a.name) })
}

// heal ends all failures, the latest first: who paused a server that was made
// read-only must wake it before it can be written to again.
func (p *panel) heal(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, a := range slices.Backward(slices.Clone(p.active)) {
		errs = append(errs, p.end(ctx, a.name))
	}
	return errors.Join(errs...)
}
