package check

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
)

// maxRecorded is how many commands one measurement keeps; round trips are
// counted beyond it.
const maxRecorded = 100_000

// wire is what a task's clients go through: a tap, and what is recorded of it
// while something is measured.
type wire struct {
	upstream func() *redis.Options
	tap      *tap.Tap
	cancel   context.CancelFunc
	ended    chan error
	recorder atomic.Pointer[recorder] // nil while nothing is measured
}

// recorder is one measurement, and the one around it, if any.
type recorder struct {
	*trace.Recorder
	around *recorder
}

func newWire(upstream func() *redis.Options) (*wire, error) {
	o := upstream()
	w := &wire{upstream: upstream, ended: make(chan error, 1)}
	var err error
	w.tap, err = tap.New(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig, Sink: func(e trace.Event) {
		for r := w.recorder.Load(); r != nil; r = r.around {
			r.Sink()(e)
		}
	}})
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	go func() { w.ended <- w.tap.Run(ctx) }()
	return w, nil
}

// client opens a client through the tap. A pool size of zero is go-redis's own.
func (w *wire) client(name string, poolSize int) *redis.Client {
	o := w.upstream()
	o.Addr, o.TLSConfig = w.tap.Addr(), nil
	o.ClientName, o.PoolSize = name, poolSize
	return redis.NewClient(o)
}

// record returns what went over the wire while f ran. The tap reports a command
// before its reply is passed on, so whoever has the reply finds it recorded. What a
// record within f sees, this one sees too.
func (w *wire) record(f func()) *trace.Recorder {
	r := &recorder{trace.NewRecorder(maxRecorded), w.recorder.Load()}
	w.recorder.Store(r)
	defer w.recorder.Store(r.around)
	f()
	return r.Recorder
}

// close ends the tap and every connection through it.
func (w *wire) close() error {
	w.cancel()
	if err := <-w.ended; err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// line shows a command of the wire and its reply.
func line(e trace.Event, prefix string) string {
	shown := trace.Strip([]trace.Event{e}, prefix)[0]
	text := shown.Line() + " → " + shown.Reply.Text
	if e.Fault != "" {
		text += " (" + e.Fault + ")"
	}
	return text
}
