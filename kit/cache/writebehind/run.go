package writebehind

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	randv2 "math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/script"
)

// pollEvery is how often Run asks which shards have work. It bounds, after
// Options.Delay, what a write waits for a worker that is free.
const pollEvery = 50 * time.Millisecond

// roundsPerTurn is how many batches of one shard are written before the other
// shards have their turn.
const roundsPerTurn = 16

// releaseWait bounds giving a shard back; if it fails, the lease ends by itself.
const releaseWait = time.Second

// Run writes to the sink until ctx ends: what this process accepted, and what
// others did or left when they died. Any number of processes may run it; a shard
// is always with one of them. At the end of ctx it takes nothing more, lets the
// sinks at work finish, for at most SinkTimeout each, and returns nil. What is
// pending then stays in Redis: call Drain to be rid of it.
//
// The error is ErrNoSink or ErrShards. Redis that does not answer is waited for.
//
// Redis: every 50 ms 1 round trip for all shards, EVALSHA ready.lua; for each
// batch 2, EVALSHA take.lua and ack.lua, 1 more with failures (fail.lua), and 1
// each third of a lease that the sink takes (renew.lua).
func (w *Writer[K, V]) Run(ctx context.Context) error {
	err := w.work(ctx, newCrew(w.o.Workers), 0, func() (bool, error) { return false, nil })
	if errors.Is(err, ErrShards) || errors.Is(err, ErrNoSink) {
		return err
	}
	return nil
}

// Drain writes to the sink, without waiting for Options.Delay, until nothing is
// pending, and returns nil then: for the end of a process, when no more Put comes.
// It works beside Run and after it. Writes that fail are tried again as always; a
// dead letter is not pending.
//
// It ends with ctx, and Redis that does not answer is waited for until then. The
// error says how many writes are still pending; they are as safe as before.
//
// Redis: every 50 ms 2 round trips for all shards, EVALSHA ready.lua and
// stats.lua; for batches as Run.
func (w *Writer[K, V]) Drain(ctx context.Context) error {
	c := newCrew(w.o.Workers)
	err := w.work(ctx, c, w.o.Delay, func() (done bool, err error) {
		c.wg.Wait()
		stats, err := w.Stats(ctx)
		return err == nil && stats.Pending == 0, err
	})
	if err == nil || errors.Is(err, ErrShards) || errors.Is(err, ErrNoSink) {
		return err
	}
	stats, statsErr := w.Stats(context.WithoutCancel(ctx)) // bounded by the client's time-outs
	if statsErr != nil {
		return fmt.Errorf("writebehind: drain: nobody knows how many writes are still pending: %w", err)
	}
	return fmt.Errorf("writebehind: drain: %d writes are still pending: %w", stats.Pending, err)
}

// work lets a crew work until done says so, which is asked after each look; then it
// returns nil, or until ctx ends: then the cause, and the last error on the way.
func (w *Writer[K, V]) work(ctx context.Context, c *crew, ahead time.Duration, done func() (bool, error)) error {
	if w.o.Sink == nil {
		return ErrNoSink
	}
	defer c.wg.Wait()
	var last error
	for agreed := false; ctx.Err() == nil; wait(ctx, pollEvery) {
		err := error(nil)
		if !agreed {
			if err = w.agree(ctx); errors.Is(err, ErrShards) {
				return err
			}
			agreed = err == nil
		}
		if agreed {
			err = w.dispatch(ctx, c, ahead)
			over, doneErr := done()
			if over {
				return nil
			}
			err = cmp.Or(err, doneErr)
		}
		if ctx.Err() == nil {
			last = err
			c.report(ctx, w.o.Logger, err)
		}
	}
	return errors.Join(context.Cause(ctx), last)
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// agree makes sure that all processes have the same number of shards.
func (w *Writer[K, V]) agree(ctx context.Context) error {
	key := w.space.Key("shards", "count")
	var found *redis.StringCmd
	_, err := w.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SetNX(ctx, key, w.o.Shards, 0)
		found = p.Get(ctx, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("writebehind: compare the number of shards: %w", err)
	}
	if found.Val() != strconv.Itoa(w.o.Shards) {
		return fmt.Errorf("%w: %d here, %s in %s", ErrShards, w.o.Shards, found.Val(), key)
	}
	return nil
}

// crew is the workers of one Run or Drain.
type crew struct {
	wg    sync.WaitGroup
	slots chan struct{} // one for each sink at work
	down  bool          // Redis did not answer the last time

	mu     sync.Mutex
	busy   map[int]bool
	pauses map[int]pause
}

// pause keeps a shard from being tried again at once.
type pause struct {
	until time.Time
	times int
}

func newCrew(workers int) *crew {
	return &crew{slots: make(chan struct{}, workers), busy: map[int]bool{}, pauses: map[int]pause{}}
}

// report logs the first of a row of errors, and its end.
func (c *crew) report(ctx context.Context, logger *slog.Logger, err error) {
	switch down := err != nil; {
	case down && !c.down:
		logger.WarnContext(ctx, "write-behind: Redis does not answer, not all is flushed", "error", err)
	case !down && c.down:
		logger.InfoContext(ctx, "write-behind: Redis answers again")
	}
	c.down = err != nil
}

// claim reports whether a shard may be worked on now, and marks it.
func (c *crew) claim(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[n] || time.Now().Before(c.pauses[n].until) {
		return false
	}
	c.busy[n] = true
	return true
}

// yield takes the mark off, and puts the shard's next turn off if it went badly.
func (c *crew) yield(n int, wellDone bool, backoff func(times int) time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, n)
	if wellDone {
		delete(c.pauses, n)
		return
	}
	times := c.pauses[n].times
	c.pauses[n] = pause{until: time.Now().Add(backoff(times)), times: times + 1}
}

// dispatch starts a turn for each shard that has work, waiting for a free worker.
func (w *Writer[K, V]) dispatch(ctx context.Context, c *crew, ahead time.Duration) error {
	ready, err := w.ready(ctx, ahead)
	randv2.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
	for _, n := range ready {
		if !c.claim(n) {
			continue
		}
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			c.yield(n, true, nil)
			return err
		}
		c.wg.Go(func() {
			ok := w.turn(ctx, n, ahead)
			c.yield(n, ok, w.backoff)
			<-c.slots
		})
	}
	return err
}

// ready asks for the shards that have work which is due within ahead, and no
// worker. With an error it returns those that answered: a node of a cluster that
// is down does not hold up the others.
func (w *Writer[K, V]) ready(ctx context.Context, ahead time.Duration) ([]int, error) {
	answers := make([]*script.Result, len(w.shards))
	err := script.Pipelined(ctx, w.client, func(b *script.Batch) error {
		for n, s := range w.shards {
			answers[n] = readyScript.Queue(ctx, b, []string{s.due, s.owner}, script.Millis(ahead))
		}
		return nil
	})
	var ready []int
	for n, answer := range answers {
		if has, _, err := answer.Bool(); err == nil && has {
			ready = append(ready, n)
		}
	}
	if err != nil {
		err = fmt.Errorf("writebehind: look for work: %w", err)
	}
	return ready, err
}

// turn works on one shard until nothing is due, the turn is over, or something
// fails; it reports whether the shard may have its next turn at once.
func (w *Writer[K, V]) turn(ctx context.Context, n int, ahead time.Duration) (ok bool) {
	t := turn{shard: w.shards[n], token: rand.Text()}
	for range roundsPerTurn {
		batch, err := w.take(ctx, t, ahead)
		if err == nil && len(batch.entries) == 0 {
			return true // take gave the shard back
		}
		if err == nil {
			ok, err = w.flush(ctx, t, batch)
		}
		if err != nil && ctx.Err() == nil {
			w.o.Logger.WarnContext(ctx, "write-behind: a shard could not be worked on", "shard", n, "error", err)
		}
		if err != nil || !ok || ctx.Err() != nil {
			ok = ok && err == nil
			break
		}
	}
	releaseCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseWait)
	defer cancel()
	_ = releaseScript.Run(releaseCtx, w.client, []string{t.owner}, t.token).Err() // else its lease ends
	return ok
}

// turn is one worker's lease of a shard.
type turn struct {
	shard
	token string
}

// batch is what take read.
type batch struct {
	takenMS int64
	entries []entry
}

func (w *Writer[K, V]) take(ctx context.Context, t turn, ahead time.Duration) (b batch, err error) {
	values, _, err := takeScript.Run(ctx, w.client, []string{t.pending, t.due, t.since, t.owner},
		t.token, script.Millis(w.o.Lease), w.o.Batch, script.Millis(ahead)).Values()
	if err != nil {
		return b, err
	}
	b.takenMS, _ = values[0].(int64)
	for i := 1; i+2 < len(values); i += 3 {
		field, _ := values[i].(string)
		text, _ := values[i+1].(string)
		e, err := parseEntry(field, text)
		if err != nil {
			return b, err
		}
		e.sinceMS, _ = values[i+2].(int64)
		b.entries = append(b.entries, e)
	}
	return b, nil
}

// backoff is the wait after a failure: doubling, bounded, and jittered by half so
// that what failed together does not come back together.
func (w *Writer[K, V]) backoff(times int) time.Duration {
	d := w.o.MaxBackoff
	if times < 32 { // beyond it the shift would overflow, and be the bound anyway
		d = min(w.o.Backoff<<times, w.o.MaxBackoff)
	}
	return d/2 + randv2.N(d/2+1)
}
