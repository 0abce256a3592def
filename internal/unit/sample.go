package unit

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
)

// Sample says how to look at the wire.
type Sample struct {
	Title string
	Note  string // a sentence below the trace
	// Server is a private server to look at; nil is the Redis of the run.
	Server *lab.Server
	// Client changes the client that goes through the tap, such as its retries.
	Client func(*redis.Options)
	// Faults are thrown at the wire while the sample runs.
	Faults []tap.Fault
}

// maxSample is how many commands of a sample are kept.
const maxSample = 400

// Trace runs do with a client that goes through a tap, and shows what was on the
// wire: each command with its reply, grouped by who sent it. An error of do is
// returned after the trace was shown, so that a sample may end in a failure.
func (r *Run) Trace(ctx context.Context, s Sample, do func(ctx context.Context, c *redis.Client) error) (Trace, error) {
	recorder := trace.NewRecorder(maxSample)
	labels := new(trace.Labels)
	server := s.options(r)
	t, err := tap.New(tap.Options{Upstream: server.Addr, UpstreamTLS: server.TLSConfig, Sink: recorder.Sink(), Labels: labels})
	if err != nil {
		return Trace{}, fmt.Errorf("unit %s: tap: %w", r.unit.ID, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- t.Run(ctx) }()
	doErr := r.throughTap(ctx, t, labels, s, do)
	cancel()
	if err := <-ended; err != nil {
		return Trace{}, fmt.Errorf("unit %s: tap: %w", r.unit.ID, err)
	}
	out := Trace{
		Title: s.Title, Note: s.Note, Prefix: r.prefix, RoundTrips: recorder.RoundTrips(),
		Events: trace.Strip(trace.Strip(recorder.Events(), r.prefix), r.space()),
	}
	r.emit(out)
	return out, doErr
}

func (s Sample) options(r *Run) *redis.Options {
	if s.Server != nil {
		return s.Server.Options()
	}
	return r.redis.Options()
}

func (r *Run) throughTap(ctx context.Context, t *tap.Tap, labels *trace.Labels, s Sample, do func(context.Context, *redis.Client) error) error {
	for _, f := range s.Faults {
		if _, err := t.Throw(f); err != nil {
			return fmt.Errorf("unit %s: throw %s: %w", r.unit.ID, f.Kind, err)
		}
	}
	o := s.options(r)
	o.Addr, o.TLSConfig = t.Addr(), nil
	o.ClientName = "sample"
	if s.Client != nil {
		s.Client(o)
	}
	c := redis.NewClient(o)
	defer c.Close()
	c.AddHook(labels.Hook())
	return do(ctx, c)
}
