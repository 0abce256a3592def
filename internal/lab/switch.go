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

// The names of the switches. Those of the process exist for a Server only; in a
// topology Pause, Kill and Restart are there for each node: see Of.
const (
	Pause       = "pause"
	Kill        = "kill"
	Restart     = "restart"
	ReadOnly    = "readonly"
	OOM         = "oom"
	ScriptFlush = "script-flush"

	// FailOver and CutOff are for a topology. In a cluster FailOver is there for
	// each shard: see Of.
	FailOver = "fail-over"
	CutOff   = "cut-off"

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
// end it. One runs at a time.
type lever struct {
	name, title, what string
	momentary         bool
	throw             func(ctx context.Context) (undo, error)
}

// panel is a set of levers and what is on.
type panel struct {
	levers []lever

	flip sync.Mutex // held while a failure is made or ended, which may take seconds

	mu     sync.Mutex // held for a moment: a picture is wanted also while something is flipped
	active []active   // in the order in which they were turned on
}

type active struct {
	name string
	undo undo
}

func newPanel(levers []lever) *panel { return &panel{levers: levers} }

func (p *panel) switches() []Switch {
	on := p.snapshot()
	var all []Switch
	for _, l := range p.levers {
		all = append(all, Switch{
			Name: l.name, Title: l.title, What: l.what, Momentary: l.momentary,
			Active: slices.ContainsFunc(on, func(a active) bool { return a.name == l.name }),
			On:     func(ctx context.Context) error { return p.on(ctx, l.name) },
			Off:    func(ctx context.Context) error { return p.off(ctx, l.name) },
		})
	}
	return all
}

// snapshot is what is on.
func (p *panel) snapshot() []active {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.active)
}

// find returns the switch if it is on.
func (p *panel) find(name string) (found active, on bool) {
	for _, a := range p.snapshot() {
		if a.name == name {
			return a, true
		}
	}
	return active{}, false
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
	p.flip.Lock()
	defer p.flip.Unlock()
	if _, on := p.find(name); on {
		return nil
	}
	end, err := l.throw(ctx)
	if err != nil {
		return fmt.Errorf("lab: turn %s on: %w", name, err)
	}
	if !l.momentary {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.active = append(p.active, active{name, end})
	}
	return nil
}

func (p *panel) off(ctx context.Context, name string) error {
	if _, err := p.lever(name); err != nil {
		return err
	}
	p.flip.Lock()
	defer p.flip.Unlock()
	return p.end(ctx, name)
}

// end ends one failure; flip is held.
func (p *panel) end(ctx context.Context, name string) error {
	a, on := p.find(name)
	if !on {
		return nil
	}
	if err := a.undo(ctx); err != nil {
		return fmt.Errorf("lab: turn %s off: %w", name, err)
	}
	p.forget(name)
	return nil
}

// forget takes switches for off whose failure ended by itself.
func (p *panel) forget(names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = slices.DeleteFunc(p.active, func(a active) bool { return slices.Contains(names, a.name) })
}

// heal ends all failures, the latest first: who paused a server that was made
// read-only must wake it before it can be written to again.
func (p *panel) heal(ctx context.Context) error {
	p.flip.Lock()
	defer p.flip.Unlock()
	var errs []error
	for _, a := range slices.Backward(p.snapshot()) {
		errs = append(errs, p.end(ctx, a.name))
	}
	return errors.Join(errs...)
}
