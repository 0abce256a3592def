package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
)

// The breaker's bounds. Failures are counted in a row, so a single lost packet
// changes nothing; a second without Redis is short beside what opened it.
const (
	breakAfter = 5
	breakFor   = time.Second
)

// errOutage is what a step answers that was not taken.
var errOutage = errors.New("cache: Redis did not answer lately and is given a second")

// breaker keeps readers from waiting for a Redis that does not answer: open,
// it refuses steps; after breakFor it lets one through to see.
type breaker struct {
	failures atomic.Int32
	until    atomic.Int64 // nanoseconds since start: refuse until then; 0 when closed
	start    time.Time
	logger   *slog.Logger
}

// allow reports whether a step may be taken.
func (b *breaker) allow() bool {
	until := b.until.Load()
	if until == 0 {
		return true
	}
	now := int64(time.Since(b.start))
	// Whoever moves the end forward is the one that looks whether Redis is back.
	return now >= until && b.until.CompareAndSwap(until, now+int64(breakFor))
}

// note learns how a step ended. A caller that gave up, and an answer of the
// server that refuses this one command, say nothing about its health.
func (b *breaker) note(class fault.Class) {
	switch {
	case class == fault.None || class == fault.Bug:
		if b.failures.Load() != 0 {
			b.failures.Store(0)
		}
		if b.until.Load() != 0 && b.until.Swap(0) != 0 {
			b.logger.Info("cache: Redis answers again")
		}
	case class.Down():
		if b.failures.Add(1) >= breakAfter && b.until.CompareAndSwap(0, int64(time.Since(b.start)+breakFor)) {
			b.logger.Warn("cache: Redis does not answer, reads go to the origin", "error_class", class.String())
		}
	}
}

// open reports whether steps are refused at the moment.
func (b *breaker) open() bool { return b.until.Load() != 0 }

// heedsDeadlines reports whether a client ends a command when its context does.
// One whose ContextTimeoutEnabled is false waits for its own timeouts.
func heedsDeadlines(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c.Options().ContextTimeoutEnabled
	}
	return false
}

// impatient lets callers of a client go when their context ends, whatever the
// client does. Each command costs a goroutine, which ends with the client's own
// timeouts; clients of kit/connect heed deadlines and need none of this.
//
// Not by a copy of the client with timeouts of its own (WithTimeout): go-redis 9.23
// leaves out the hooks there, and with them traces and metrics.
type impatient struct{ redis.UniversalClient }

// Process is the client's, left alone when the context ends.
func (c impatient) Process(ctx context.Context, cmd redis.Cmder) error {
	return within(ctx, func() error { return c.UniversalClient.Process(ctx, cmd) })
}

// within calls something that may not heed the context, and leaves it behind
// when that ends.
func within(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AsyncAutoPipelineWithOptions is the client's, if it has it.
func (c impatient) AsyncAutoPipelineWithOptions(o *redis.AutoPipelineOptions) (*redis.AutoPipeliner, error) {
	if b, ok := c.UniversalClient.(interface {
		AsyncAutoPipelineWithOptions(*redis.AutoPipelineOptions) (*redis.AutoPipeliner, error)
	}); ok {
		return b.AsyncAutoPipelineWithOptions(o)
	}
	return nil, errors.ErrUnsupported
}

// ReloadState is the client's, if it is one of a cluster.
func (c impatient) ReloadState(ctx context.Context) {
	if cluster, ok := c.UniversalClient.(interface{ ReloadState(context.Context) }); ok {
		cluster.ReloadState(ctx)
	}
}

// bulkhead bounds how many loads run at once. A nil one has no bound.
type bulkhead chan struct{}

func newBulkhead(limit int) bulkhead {
	if limit < 0 {
		return nil
	}
	return make(bulkhead, limit)
}

// enter takes a place and reports whether there was one.
func (b bulkhead) enter() bool {
	if b == nil {
		return true
	}
	select {
	case b <- struct{}{}:
		return true
	default:
		return false
	}
}

// leave gives the place back.
func (b bulkhead) leave() {
	if b != nil {
		<-b
	}
}
