package writebehind_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redistest"
)

var errDown = errors.New("the database is down")

// holds reports whether a batch has a key.
func holds(writes []write, key string) bool {
	return slices.ContainsFunc(writes, func(w write) bool { return w.Key == key })
}

// While the database is down nothing dies, however often it is tried, and all
// is written when it is back.
func TestFlush_down(t *testing.T) {
	t.Parallel()
	db := database{fail: func([]write) error { return errDown }}
	w := open(t, redistest.Client(t), quick(options{Sink: db.sink, Shards: 2, MaxAttempts: 2}))
	run(t, w)
	for i := range 20 {
		put(t, w, fmt.Sprint(i), i)
	}
	redistest.Eventually(t, "each write was tried alone more often than it may fail", func() bool {
		alone := map[string]int{}
		for _, writes := range db.sinkCalls() {
			if len(writes) == 1 {
				alone[writes[0].Key]++
			}
		}
		tried := 0
		for _, n := range alone {
			if n > 2 {
				tried++
			}
		}
		return tried == 20
	})
	if s := stats(t, w); s.Pending != 20 || s.Dead != 0 || s.Lag <= 0 {
		t.Errorf("stats %+v, want all pending and none dead", s)
	}
	db.set(nil)
	drain(t, w)
	if s := stats(t, w); s.Flushed != 20 || s.Dead != 0 || len(db.rows) != 20 {
		t.Errorf("stats %+v, %d rows; want all flushed", s, len(db.rows))
	}
}

// A database that is down is asked a few times and then left alone, however much is
// waiting.
func TestFlush_downIsSpared(t *testing.T) {
	t.Parallel()
	db := database{fail: func([]write) error { return errDown }}
	w := open(t, redistest.Client(t), quick(options{Sink: db.sink, Shards: 1, Backoff: time.Hour, MaxBackoff: time.Hour}))
	for i := range 50 {
		put(t, w, fmt.Sprint(i), i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain = %v, want the end of its time", err)
	}
	var sizes []int
	for _, writes := range db.sinkCalls() {
		sizes = append(sizes, len(writes))
	}
	if !slices.Equal(sizes, []int{50, 1, 1, 1}) {
		t.Errorf("the sink was called with %v writes, want with all and with three", sizes)
	}
}

// A poison entry holds up nobody and ends as a dead letter, whether the sink tells
// it apart or not.
func TestFlush_poison(t *testing.T) {
	t.Parallel()
	errPoison := errors.New("violates a constraint")
	for name, fail := range map[string]func([]write) error{
		"whole batch fails": func(writes []write) error {
			if holds(writes, "bad") {
				return errPoison
			}
			return nil
		},
		"panics": func(writes []write) error {
			if holds(writes, "bad") {
				panic(errPoison)
			}
			return nil
		},
		"rejected": func(writes []write) error {
			if holds(writes, "bad") {
				return fmt.Errorf("%w: %w", writebehind.ErrReject, errPoison)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database{fail: fail}
			var cache invalidated
			w := open(t, redistest.Client(t), quick(options{Sink: db.sink, Shards: 1, MaxAttempts: 3, Invalidator: &cache}))
			run(t, w)
			put(t, w, "bad", 666)
			for i := 0; stats(t, w).Dead == 0; i++ {
				put(t, w, fmt.Sprint(i), i)
				redistest.Eventually(t, "the others get through", func() bool {
					return stats(t, w).Pending <= 1
				})
				if i > 1000 {
					t.Fatal("it never died")
				}
			}
			letters, err := w.DeadLetters(t.Context(), 10)
			if err != nil || len(letters) != 1 {
				t.Fatalf("dead letters %+v, %v; want one", letters, err)
			}
			l := letters[0]
			if l.Write.Key != "bad" || l.Write.Value != 666 || string(l.Payload) != "666" || !strings.Contains(l.Reason, "violates a constraint") || time.Since(l.At) > time.Minute {
				t.Errorf("dead letter %+v", l)
			}
			if name == "whole batch fails" && l.Attempts != 3 {
				t.Errorf("it died after %d attempts, want 3", l.Attempts)
			}
			if pending, err := w.Pending(t.Context(), "bad"); len(pending) != 0 || err != nil {
				t.Errorf("the dead letter is pending: %v, %v", pending, err)
			}
			if keys := cache.take(); keys[0] != "bad" || !slices.Contains(keys[1:], "bad") {
				t.Errorf("invalidated %v, want bad at its Put and at its death", keys)
			}
		})
	}
}

// A sink that tells which writes failed is never asked to write them one by one.
func TestFlush_partial(t *testing.T) {
	t.Parallel()
	var db database
	w := open(t, redistest.Client(t), quick(options{Shards: 1, MaxAttempts: 2, Sink: func(ctx context.Context, writes []write) error {
		failed := &writebehind.PartialError{Failed: map[int]error{99: errDown}}
		for i, one := range writes {
			if strings.HasPrefix(one.Key, "bad") {
				failed.Failed[i] = errDown
			} else if err := db.sink(ctx, []write{one}); err != nil {
				return err
			}
		}
		return failed
	}}))
	for i := range 5 {
		put(t, w, fmt.Sprint("bad", i), i)
		put(t, w, fmt.Sprint("good", i), i)
	}
	run(t, w)
	for i := 0; stats(t, w).Dead < 5; i++ {
		put(t, w, fmt.Sprint("more", i), i)
		redistest.Eventually(t, "the others get through", func() bool { return stats(t, w).Pending <= 5 })
	}
	if len(db.rows) < 5 {
		t.Errorf("the database has %v", db.rows)
	}
	for _, one := range db.sinkCalls() {
		if strings.HasPrefix(one[0].Key, "bad") {
			t.Errorf("%v was written", one)
		}
	}
}

// A write that nobody can decode is a dead letter at once.
func TestFlush_undecodable(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	texts, err := writebehind.New(c, writebehind.Options[string, string]{Prefix: prefix, Shards: 1, Delay: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := texts.Put(t.Context(), "a", "not a number"); err != nil {
		t.Fatal(err)
	}
	var db database
	w := open(t, c, quick(options{Prefix: prefix, Shards: 1, Sink: db.sink}))
	put(t, w, "b", 1)
	if _, err := w.Pending(t.Context(), "a"); err == nil {
		t.Error("Pending of what cannot be decoded: got no error")
	}
	drain(t, w)
	letters, err := w.DeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 1 || string(letters[0].Payload) != `"not a number"` || letters[0].Write.Key != "a" {
		t.Errorf("dead letters %+v, %v; want a with its payload", letters, err)
	}
	if db.rows["b"].Value != 1 || len(db.rows) != 1 {
		t.Errorf("the database has %v, want b alone", db.rows)
	}
}

// What becomes of dead letters: a requeued one is written, a dropped one is gone,
// and a newer write takes the place of one.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	db := database{fail: func([]write) error { return writebehind.ErrReject }}
	w := open(t, redistest.Client(t), quick(options{Sink: db.sink, Shards: 2, MaxPending: 6}))
	for i, key := range []string{"requeued", "dropped", "superseded"} {
		put(t, w, key, i+1)
	}
	drain(t, w)
	if s := stats(t, w); s.Dead != 3 || s.Died != 3 || s.Pending != 0 {
		t.Fatalf("stats %+v, want three dead", s)
	}
	if some, err := w.DeadLetters(t.Context(), 2); len(some) != 2 || err != nil {
		t.Errorf("two dead letters: %v, %v", some, err)
	}
	before, err := w.DeadLetters(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	db.set(nil)
	if n, err := w.Requeue(t.Context(), "requeued", "nobody"); n != 1 || err != nil {
		t.Errorf("Requeue = %d, %v; want 1", n, err)
	}
	if n, err := w.Drop(t.Context(), "dropped", "nobody"); n != 1 || err != nil {
		t.Errorf("Drop = %d, %v; want 1", n, err)
	}
	put(t, w, "superseded", 30)
	if s := stats(t, w); s.Dead != 0 || s.Pending != 2 || s.Lag <= 0 {
		t.Errorf("stats %+v, want none dead and two pending", s)
	}
	drain(t, w)
	if db.rows["requeued"].Value != 1 || db.rows["superseded"].Value != 30 || len(db.rows) != 2 {
		t.Errorf("the database has %+v", db.rows)
	}
	for _, l := range before {
		if l.Write.Key == "requeued" && db.rows["requeued"].Version != l.Write.Version {
			t.Errorf("it was requeued with version %d, want that of the write, %d", db.rows["requeued"].Version, l.Write.Version)
		}
	}
}

// Dead letters count against the bound, so that nobody's attention fills Redis.
func TestDeadLetters_full(t *testing.T) {
	t.Parallel()
	db := database{fail: func([]write) error { return writebehind.ErrReject }}
	w := open(t, redistest.Client(t), quick(options{Sink: db.sink, Shards: 1, MaxPending: 2}))
	put(t, w, "a", 1)
	put(t, w, "b", 1)
	drain(t, w)
	if err := w.Put(t.Context(), "c", 1); !errors.Is(err, writebehind.ErrFull) {
		t.Errorf("Put beside two dead letters = %v, want ErrFull", err)
	}
	put(t, w, "a", 2)
}

// A write that comes while an older one of its key is on its way stays pending,
// and both arrive in order.
func TestFlush_newerMeanwhile(t *testing.T) {
	t.Parallel()
	var db database
	var w *writer
	first := sync.OnceValue(func() error { return w.Put(context.Background(), "a", 2) })
	w = open(t, redistest.Client(t), quick(options{Shards: 1, Sink: func(ctx context.Context, writes []write) error {
		if err := first(); err != nil {
			t.Error(err)
		}
		return db.sink(ctx, writes)
	}}))
	put(t, w, "a", 1)
	drain(t, w)
	calls := db.sinkCalls()
	if len(calls) != 2 || calls[0][0].Value != 1 || calls[1][0].Value != 2 || calls[0][0].Version >= calls[1][0].Version {
		t.Errorf("the sink got %+v, want 1 and then 2", calls)
	}
	if s := stats(t, w); s.Pending != 0 || s.Flushed != 1 || s.Coalesced != 1 {
		t.Errorf("stats %+v, want none pending, and the first write replaced", s)
	}
}

// The newer write of a key that fails is tried alone and put off as the older one.
func TestFlush_newerOfPoison(t *testing.T) {
	t.Parallel()
	var w *writer
	var mu sync.Mutex
	var sizes []int
	value := 0
	w = open(t, redistest.Client(t), quick(options{Shards: 1, Backoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, Sink: func(_ context.Context, writes []write) error {
		if !holds(writes, "bad") {
			return nil
		}
		mu.Lock()
		sizes = append(sizes, len(writes))
		value++
		v := value
		mu.Unlock()
		if err := w.Put(context.Background(), "bad", v); err != nil {
			return err
		}
		return errDown
	}}))
	put(t, w, "bad", 0)
	for i := range 5 {
		put(t, w, fmt.Sprint(i), i)
	}
	run(t, w)
	redistest.Eventually(t, "it is tried again and again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(sizes) > 5
	})
	mu.Lock()
	defer mu.Unlock()
	for i, n := range sizes[1:] {
		if n != 1 {
			t.Errorf("try %d was with %d others, want alone", i+2, n-1)
		}
	}
}

// An owner that hangs keeps its shard for SinkTimeout and a lease, not longer.
// What it writes late is refused by its version.
func TestFlush_stalledOwner(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	var db database
	o := quick(options{Prefix: prefix, Shards: 1, Lease: 100 * time.Millisecond, SinkTimeout: 200 * time.Millisecond})
	stalled, goOn := make(chan struct{}), make(chan struct{})
	o.Sink = func(ctx context.Context, writes []write) error {
		close(stalled)
		<-goOn // whatever ctx says
		return db.sink(ctx, writes)
	}
	slow := open(t, c, o)
	o.Sink = db.sink
	quickOne := open(t, c, o)

	put(t, slow, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- slow.Run(ctx) }()
	<-stalled
	put(t, quickOne, "a", 2)
	drain(t, quickOne)
	if got := db.rows["a"].Value; got != 2 {
		t.Errorf("after the takeover the database has %d, want 2", got)
	}
	cancel()
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := db.rows["a"].Value; got != 2 || len(db.sinkCalls()) != 2 {
		t.Errorf("after the late write the database has %d by %d calls, want 2 by 2", got, len(db.sinkCalls()))
	}
	if s := stats(t, quickOne); s.Flushed != 1 || s.Pending != 0 {
		t.Errorf("stats %+v, want that the late acknowledgement counted nothing", s)
	}
}

// A sink that is slower than the lease keeps its shard, because it is renewed; one
// whose lease is lost is told by its context.
func TestFlush_lease(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	owner := prefix + ":{0}:owner"
	ended := make(chan error, 1)
	begun := make(chan struct{}, 10)
	w := open(t, c, quick(options{Prefix: prefix, Shards: 1, Lease: 60 * time.Millisecond, Sink: func(ctx context.Context, _ []write) error {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}}))
	put(t, w, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-begun
	token := c.Get(t.Context(), owner).Val()
	for range 20 { // three leases and more
		select {
		case err := <-ended:
			t.Fatalf("the sink was stopped: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		if got := c.Get(t.Context(), owner).Val(); got != token || token == "" {
			t.Fatalf("the owner is %q, want %q all the time", got, token)
		}
	}
	if err := c.Set(t.Context(), owner, "another", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "lease") {
		t.Errorf("the sink was stopped by %v, want the loss of its lease", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := c.Get(t.Context(), owner).Val(); got != "another" {
		t.Errorf("the owner is %q, want that the other one stays", got)
	}
	// version, tries, attempts, time of failure: the other one decides about it.
	if entry := c.HGet(t.Context(), prefix+":{0}:pending", "a").Val(); !strings.HasSuffix(entry, " 0 0 0 P 1") {
		t.Errorf("the entry is %q, want that the failure is not recorded", entry)
	}
}

// A newer write of a key that failed is tried alone, as the older one would be.
func TestFlush_newerAfterFailure(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	begun := make(chan struct{}, 1)
	db := database{fail: func([]write) error { begun <- struct{}{}; return errDown }}
	w := open(t, c, quick(options{Prefix: prefix, Shards: 1, Sink: db.sink}))
	put(t, w, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-begun
	cancel()
	if err := <-done; err != nil { // what failed is recorded
		t.Fatal(err)
	}
	if n := c.Exists(t.Context(), prefix+":{0}:owner").Val(); n != 0 {
		t.Error("Run has ended and kept its shard")
	}
	db.set(nil)
	put(t, w, "a", 2)
	put(t, w, "b", 2)
	drain(t, w)
	for _, writes := range db.sinkCalls()[1:] {
		if holds(writes, "a") && (len(writes) != 1 || writes[0].Attempt != 2) {
			t.Errorf("the newer write was tried as %+v, want alone, the second time", writes)
		}
	}
}
