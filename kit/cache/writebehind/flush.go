package writebehind

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/redis-grind/grind/kit/script"
)

// probes is how many writes are tried one by one, when a batch failed, before the
// sink is taken to be down.
const probes = 3

// maxReason bounds the text of an error that is kept with a dead letter, in bytes.
const maxReason = 1000

// errLost cancels a sink whose shard another worker has.
var errLost = errors.New("writebehind: the lease of the shard is lost")

// item is a write with what Redis holds of it.
type item[K comparable, V any] struct {
	entry
	write Write[K, V]
}

// failure is a write that the sink did not take.
type failure struct {
	entry
	err error
}

// outcome of a batch. What is in neither list was not tried.
type outcome[K comparable, V any] struct {
	written []item[K, V]
	failed  []failure
}

// flush writes a batch and settles it in Redis. It reports false if the sink seems
// to be down. A cancelled ctx keeps what has begun from nothing: only what would
// begin after it.
func (w *Writer[K, V]) flush(ctx context.Context, t turn, b batch) (ok bool, err error) {
	var items []item[K, V]
	var out outcome[K, V]
	for _, e := range b.entries {
		write, err := w.write(e)
		if err != nil { // whoever tries again will not read it either
			out.failed = append(out.failed, failure{e, fmt.Errorf("%w: %w", ErrReject, err)})
			continue
		}
		items = append(items, item[K, V]{e, write})
	}
	w.sink(ctx, t, items, &out)
	if err := w.settle(context.WithoutCancel(ctx), t, b.takenMS, out); err != nil {
		return false, err
	}
	return len(out.written)+len(out.failed) == len(b.entries), nil
}

// sink hands writes to the sink: those that never failed together, those that did
// one by one, so that one bad write spoils no batch but its first. A sink that
// tells which writes failed gets all together.
//
// When a batch fails as a whole, its writes are tried one by one, to find the one
// at fault. If the first few all fail the sink is down, and the rest waits.
func (w *Writer[K, V]) sink(ctx context.Context, t turn, items []item[K, V], out *outcome[K, V]) {
	var together, alone []item[K, V]
	for _, i := range items {
		if i.tries == 0 || w.partial.Load() {
			together = append(together, i)
		} else {
			alone = append(alone, i)
		}
	}
	if len(together) > 0 && !w.sinkOnce(ctx, t, together, out) {
		alone = append(together, alone...)
	}
	for n, i := range alone {
		if ctx.Err() != nil || n >= probes && len(out.written) == 0 {
			return
		}
		w.sinkOnce(ctx, t, []item[K, V]{i}, out)
	}
}

// sinkOnce calls the sink once, and reports whether the outcome of each of these
// writes is known.
func (w *Writer[K, V]) sinkOnce(ctx context.Context, t turn, items []item[K, V], out *outcome[K, V]) (known bool) {
	writes := make([]Write[K, V], len(items))
	for i := range items {
		writes[i] = items[i].write
	}
	err := w.call(ctx, t, writes)
	partial, ok := errors.AsType[*PartialError](err)
	switch {
	case err == nil:
		out.written = append(out.written, items...)
	case ok:
		w.partial.Store(true)
		for i := range items {
			if err := partial.Failed[i]; err != nil {
				out.failed = append(out.failed, failure{items[i].entry, err})
			} else {
				out.written = append(out.written, items[i])
			}
		}
	case len(items) == 1:
		out.failed = append(out.failed, failure{items[0].entry, err})
	default:
		w.o.Logger.WarnContext(ctx, "write-behind: a batch failed, its writes are tried one by one", "writes", len(items), "error", err)
		return false
	}
	return true
}

// call runs the sink under a time limit, while the lease is renewed. After the
// limit it is renewed no more, so a sink that hangs holds its shard no longer. A
// panic is an error: it would else stop every process that meets this write.
func (w *Writer[K, V]) call(ctx context.Context, t turn, writes []Write[K, V]) (err error) {
	ctx, timeout := context.WithTimeout(context.WithoutCancel(ctx), w.o.SinkTimeout)
	defer timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		w.renew(ctx, cancel, t)
	}()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("writebehind: the sink panicked: %v\n%s", value, debug.Stack())
		}
		cancel(nil)
		<-renewed
	}()
	return w.o.Sink(ctx, writes)
}

// renew keeps the lease until ctx ends, and ends ctx when the lease is lost.
func (w *Writer[K, V]) renew(ctx context.Context, cancel context.CancelCauseFunc, t turn) {
	ticker := time.NewTicker(w.o.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// An error proves nothing; if the lease is gone, a later answer says so.
		if ours, _, err := renewScript.Run(ctx, w.client, []string{t.owner}, t.token, script.Millis(w.o.Lease)).Bool(); err == nil && !ours {
			cancel(errLost)
			return
		}
	}
}

// settle tells Redis how a batch went. The cached values go first, for a process
// may have died between accepting a write and removing them: until they are gone
// the write stays pending.
func (w *Writer[K, V]) settle(ctx context.Context, t turn, takenMS int64, out outcome[K, V]) error {
	if len(out.written) > 0 {
		fields := make([]K, len(out.written))
		args := []any{takenMS, script.Millis(w.o.Delay)}
		for i, item := range out.written {
			fields[i] = item.write.Key
			args = append(args, item.field, item.version)
		}
		if err := w.invalidate(ctx, fields...); err != nil {
			return fmt.Errorf("written, but not invalidated: %w", err)
		}
		answer, _, err := ackScript.Run(ctx, w.client, []string{t.pending, t.due, t.since, t.meta}, args...).Int64s()
		if err != nil {
			return fmt.Errorf("written, but not acknowledged: %w", err)
		}
		w.aliveMS.Store(answer[0])
	}
	if len(out.failed) > 0 {
		return w.settleFailed(ctx, t, out.failed)
	}
	return nil
}

func (w *Writer[K, V]) settleFailed(ctx context.Context, t turn, failed []failure) error {
	args := []any{t.token}
	var dead []K
	for _, f := range failed {
		attempts := f.attempts
		if w.counts(f.entry) {
			attempts++
		}
		wait := script.Millis(w.backoff(f.tries))
		level := w.o.Logger.WarnContext
		what := "write-behind: a write failed"
		if errors.Is(f.err, ErrReject) || w.o.MaxAttempts > 0 && attempts >= w.o.MaxAttempts {
			wait, level, what = -script.Millis(time.Millisecond), w.o.Logger.ErrorContext, "write-behind: a write is a dead letter now"
			if key, err := w.o.ParseKey(f.field); err == nil {
				dead = append(dead, key)
			}
		}
		level(ctx, what, "key", f.field, "version", f.version, "try", f.tries+1, "error", f.err)
		reason := f.err.Error()
		args = append(args, f.field, f.version, f.tries+1, attempts, wait, reason[:min(len(reason), maxReason)])
	}
	_, _, err := failScript.Run(ctx, w.client, []string{t.pending, t.due, t.since, t.dead, t.meta, t.owner}, args...).Int64s()
	if err != nil {
		return fmt.Errorf("record what failed: %w", err)
	}
	// Readers go back to what the database holds.
	return w.invalidate(ctx, dead...)
}

// counts reports whether a failure is the write's own: the sink has written
// something since the one before, or since the write was accepted.
func (w *Writer[K, V]) counts(e entry) bool {
	return w.aliveMS.Load() > max(e.failedMS, e.sinceMS)
}
