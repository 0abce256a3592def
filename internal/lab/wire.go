package lab

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis-grind/grind/internal/tap"
)

// Wire is a tap in front of a server, with the switches that need no more than
// the wire. It is safe for concurrent use.
type Wire struct {
	tap   *tap.Tap
	panel *panel

	cancel    context.CancelFunc
	done      chan struct{} // closed when the tap has ended
	err       error         // of the tap; read after done
	closeOnce sync.Once
}

// Front puts a tap before the server at o.Upstream, also one that is not ours:
// nothing but the connections through the tap is touched. The caller owes it a
// Close.
func Front(o tap.Options) (*Wire, error) {
	t, err := tap.New(o)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	w := &Wire{tap: t, done: make(chan struct{})}
	w.panel = newPanel(wireLevers(t))
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	w.cancel = cancel
	go func() {
		defer close(w.done)
		w.err = t.Run(ctx)
	}()
	return w, nil
}

// TapAddr is where clients connect, host:port.
func (w *Wire) TapAddr() string { return w.tap.Addr() }

// Stats is what the tap counted.
func (w *Wire) Stats() tap.Stats { return w.tap.Stats() }

// Throw puts a fault of the caller's own making in force, until clear is called
// or the wire is closed. The switches' faults are independent of it.
func (w *Wire) Throw(f tap.Fault) (clear func(), err error) { return w.tap.Throw(f) }

// Switches lists the switches of the wire and how they stand.
func (w *Wire) Switches() []Switch { return w.panel.switches() }

// On turns the switch of that name on; see Switch.On.
func (w *Wire) On(ctx context.Context, name string) error { return w.panel.on(ctx, name) }

// Off turns the switch of that name off; see Switch.Off.
func (w *Wire) Off(ctx context.Context, name string) error { return w.panel.off(ctx, name) }

// Heal turns all switches off.
func (w *Wire) Heal(ctx context.Context) error { return w.panel.heal(ctx) }

// Close ends the tap, its connections and with them all faults, and returns when
// its goroutines have ended. A second call does nothing.
func (w *Wire) Close() error {
	w.closeOnce.Do(w.cancel)
	<-w.done
	return w.err
}
