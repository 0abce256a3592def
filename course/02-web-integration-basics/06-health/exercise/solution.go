//go:build solution

// Package exercise answers an orchestrator.
package exercise

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Options of Probes. All of them are set.
type Options struct {
	// Check says whether the program can serve. It may hang, and look at no context.
	Check func(ctx context.Context) error
	// Timeout is the longest that one look may take.
	Timeout time.Duration
	// Down failures in a row make the program not ready, Up successes in a row ready.
	Down, Up int
	// MaxAge is how old the latest result may be; what is older is not believed.
	MaxAge time.Duration
	// Now is the time.
	Now func() time.Time
}

// Probes know whether a program is alive, started and ready.
type Probes struct {
	o Options

	mu        sync.Mutex
	good, bad int // results in a row
	at        time.Time
	up        bool
	started   bool
	draining  bool
}

// New returns Probes of a program that has not started yet.
func New(o Options) (*Probes, error) { return &Probes{o: o}, nil }

// Look calls Check once and notes what came of it.
func (p *Probes) Look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	said := make(chan error, 1) // room for an answer that nobody waits for
	go func() { said <- p.o.Check(ctx) }()
	var err error
	select {
	case err = <-said:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.note(err)
}

func (p *Probes) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = p.o.Now()
	if err != nil {
		p.good = 0
		p.bad++
		p.up = p.up && p.bad < p.o.Down
		return
	}
	p.bad = 0
	p.good++
	p.up = p.up || p.good >= p.o.Up
	p.started = p.started || p.up
}

// Drain makes the program not ready for good.
func (p *Probes) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
}

// Handler answers from what is known.
func (p *Probes) Handler() http.Handler {
	mux := http.NewServeMux()
	probe := func(path string, ok func() bool) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if !ok() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
	}
	probe("/livez", func() bool { return true })
	probe("/readyz", func() bool { return p.up && !p.draining && p.o.Now().Sub(p.at) <= p.o.MaxAge })
	probe("/startupz", func() bool { return p.started })
	return mux
}

// Works writes a value with an end.
func Works(rdb redis.UniversalClient, key string) func(ctx context.Context) error {
	return func(ctx context.Context) error { return rdb.Set(ctx, key, "works", time.Minute).Err() }
}
