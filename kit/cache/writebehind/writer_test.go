package writebehind_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

// What was accepted is seen by a loader at once, and by the database later.
func TestWriter_Put(t *testing.T) {
	t.Parallel()
	var db database
	var cache invalidated
	w := open(t, redistest.Client(t), options{Sink: db.sink, Invalidator: &cache, Delay: time.Hour})
	load := w.Loader(db.read)
	if _, err := load(t.Context(), "a"); !errors.Is(err, errNoRow) {
		t.Errorf("before the first Put: %v, want what the database says", err)
	}
	put(t, w, "a", 1)
	put(t, w, "b", 2)
	put(t, w, "a", 3)
	if got := fmt.Sprint(cache.take()); got != "[a b a]" {
		t.Errorf("invalidated %s, want [a b a]", got)
	}
	for key, want := range map[string]int{"a": 3, "b": 2} {
		if got, err := load(t.Context(), key); got != want || err != nil {
			t.Errorf("load %s while it is pending = %d, %v; want %d", key, got, err, want)
		}
	}
	if s := stats(t, w); s.Pending != 2 || s.Coalesced != 1 || s.Flushed != 0 {
		t.Errorf("stats %+v, want 2 pending and 1 coalesced", s)
	}
	drain(t, w) // does not wait for the delay
	if calls := db.sinkCalls(); len(calls) == 0 || len(calls) > 2 {
		t.Errorf("the sink was called with %v, want one write for each key", calls)
	}
	if got := fmt.Sprint(len(cache.take())); got != "2" {
		t.Errorf("the flush invalidated %s keys, want 2", got)
	}
	if s := stats(t, w); s.Pending != 0 || s.Flushed != 2 || s.Lag != 0 {
		t.Errorf("stats %+v, want 2 flushed and none pending", s)
	}
	if got, err := load(t.Context(), "a"); got != 3 || err != nil {
		t.Errorf("load a from the database = %d, %v; want 3", got, err)
	}
}

func TestWriter_Delete(t *testing.T) {
	t.Parallel()
	var db database
	notFound := errors.New("not found")
	w := open(t, redistest.Client(t), options{Sink: db.sink, NotFound: notFound, Delay: time.Hour})
	many := w.LoaderMany(func(_ context.Context, keys []string) (map[string]int, error) {
		return map[string]int{"c": 30, keys[0]: 30}, nil
	})
	put(t, w, "a", 1)
	put(t, w, "b", 2)
	if err := w.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Loader(db.read)(t.Context(), "a"); !errors.Is(err, notFound) {
		t.Errorf("load of a deleted key = %v, want Options.NotFound", err)
	}
	got, err := many(t.Context(), []string{"a", "b", "c"})
	if diff := cmp.Diff(map[string]int{"b": 2, "c": 30}, got); diff != "" || err != nil {
		t.Errorf("load many: %v (-want +got)\n%s", err, diff)
	}
	pending, err := w.Pending(t.Context(), "a", "b", "c")
	if len(pending) != 2 || !pending["a"].Deleted || pending["b"].Value != 2 || err != nil {
		t.Errorf("pending %+v, %v; want a deleted and b with 2", pending, err)
	}
	drain(t, w)
	if row := db.rows["a"]; !row.Deleted || row.Value != 0 {
		t.Errorf("the database got %+v, want a deletion", row)
	}
}

// A full buffer takes only keys that it has, and says so with a decision.
func TestWriter_full(t *testing.T) {
	t.Parallel()
	var db database
	w := open(t, redistest.Client(t), options{Sink: db.sink, Shards: 1, MaxPending: 3, Delay: time.Hour})
	for i := range 3 {
		put(t, w, fmt.Sprint(i), i)
	}
	if err := w.Put(t.Context(), "3", 3); !errors.Is(err, writebehind.ErrFull) {
		t.Errorf("the fourth key = %v, want ErrFull", err)
	}
	put(t, w, "2", 20)
	if pending, err := w.Pending(t.Context(), "3"); len(pending) != 0 || err != nil {
		t.Errorf("what was refused is pending: %v, %v", pending, err)
	}
	drain(t, w)
	put(t, w, "3", 3)
}

// The value that is not invalidated is accepted all the same.
func TestWriter_notInvalidated(t *testing.T) {
	t.Parallel()
	var db database
	cause := errors.New("no way to the cache")
	w := open(t, redistest.Client(t), options{Sink: db.sink, Invalidator: &invalidated{err: cause}, Delay: time.Hour})
	if err := w.Put(t.Context(), "a", 1); !errors.Is(err, writebehind.ErrNotInvalidated) || !errors.Is(err, cause) {
		t.Errorf("Put = %v, want ErrNotInvalidated and its cause", err)
	}
	if s := stats(t, w); s.Pending != 1 {
		t.Errorf("stats %+v, want it pending", s)
	}
}

// lossy loses replies: the server has answered, and the connection breaks.
type lossy struct{ lose atomic.Int32 }

type lossyConn struct {
	net.Conn
	*lossy
}

func (c lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.lose.Load() > 0 {
		c.lose.Add(-1)
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// A Put whose reply was lost took effect once, its caller learns that nobody
// knows, and repeating it leaves the value once.
func TestWriter_Put_replyLost(t *testing.T) {
	t.Parallel()
	var db database
	var l lossy
	c := redistest.Client(t, func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return lossyConn{conn, &l}, err
		}
	})
	w := open(t, c, options{Sink: db.sink, Delay: time.Hour})
	put(t, w, "warm", 0)
	l.lose.Store(1)
	if err := w.Put(t.Context(), "a", 1); !errors.Is(err, script.ErrUnknown) {
		t.Errorf("Put = %v, want script.ErrUnknown", err)
	}
	if s := stats(t, w); s.Pending != 2 || s.Coalesced != 0 {
		t.Errorf("stats %+v, want that it was accepted once", s)
	}
	put(t, w, "a", 1)
	drain(t, w)
	if calls, s := db.sinkCalls(), stats(t, w); s.Flushed != 2 || db.rows["a"].Value != 1 {
		t.Errorf("the sink got %v, stats %+v; want each key once", calls, s)
	}
}

// An acknowledgement whose reply was lost is repeated by the client and counts
// once; the batch is not written twice.
func TestWriter_ack_replyLost(t *testing.T) {
	t.Parallel()
	var l lossy
	c := redistest.Client(t, func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return lossyConn{conn, &l}, err
		}
	})
	var calls atomic.Int32
	w := open(t, c, quick(options{Shards: 1, Sink: func(context.Context, []write) error {
		if calls.Add(1) == 2 {
			l.lose.Store(1) // the next reply is that of ack.lua
		}
		return nil
	}}))
	for i := range 2 {
		put(t, w, "a", i)
		drain(t, w)
	}
	if s := stats(t, w); s.Flushed != 2 || s.Pending != 0 || calls.Load() != 2 || l.lose.Load() != 0 {
		t.Errorf("stats %+v after %d calls of the sink, want 2 flushed by 2 calls", s, calls.Load())
	}
}

// Versions grow for a key and for a shard, also when Redis has lost all.
func TestWriter_versions(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	prefix := redistest.Prefix(t)
	w := open(t, c, options{Prefix: prefix, Shards: 1, Delay: time.Hour})
	last := int64(0)
	for i := range 200 {
		put(t, w, "a", i)
		if i == 100 {
			if err := c.Del(t.Context(), prefix+":{0}:meta", prefix+":{0}:pending").Err(); err != nil {
				t.Fatal(err)
			}
			put(t, w, "a", i)
		}
		pending, err := w.Pending(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if v := pending["a"].Version; v <= last {
			t.Fatalf("put %d has version %d after %d", i, v, last)
		} else {
			last = v
		}
	}
	// The clock went back: one more than the last.
	ahead := time.Now().Add(time.Hour).UnixMicro()
	if err := c.HSet(t.Context(), prefix+":{0}:meta", "version", ahead).Err(); err != nil {
		t.Fatal(err)
	}
	put(t, w, "a", 0)
	if pending, err := w.Pending(t.Context(), "a"); pending["a"].Version != ahead+1 {
		t.Errorf("version %d, %v; want %d, one more than the last", pending["a"].Version, err, ahead+1)
	}
}

// Values of any bytes come through, and so do keys.
func TestWriter_anyBytes(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{}
		got := map[string]string{}
		w, err := writebehind.New(c, writebehind.Options[string, string]{
			Prefix: prefix, Codec: plain{}, Delay: -1,
			Sink: func(_ context.Context, writes []writebehind.Write[string, string]) error {
				for _, w := range writes {
					got[w.Key] = w.Value
				}
				return nil
			},
			Workers: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 5).Draw(t, "writes") {
			key, value := string(rapid.SliceOf(rapid.Byte()).Draw(t, "key")), string(rapid.SliceOf(rapid.Byte()).Draw(t, "value"))
			want[key] = value
			if err := w.Put(context.Background(), key, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

// plain is a codec that changes nothing.
type plain struct{}

func (plain) Encode(_, value string) ([]byte, error)       { return []byte(value), nil }
func (plain) Decode(_ string, data []byte) (string, error) { return string(data), nil }

// 5,000 writes of 200 keys from 50 callers at once: the database sees a fraction.
func TestWriter_burst(t *testing.T) {
	t.Parallel()
	const callers, each, keys = 50, 100, 200
	var db database
	w := open(t, redistest.Client(t), options{Sink: db.sink, Delay: 300 * time.Millisecond})
	run(t, w)
	var slowest atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				n := caller*each + i
				start := time.Now()
				if err := w.Put(t.Context(), fmt.Sprint("key", n%keys), n); err != nil {
					t.Error(err)
				}
				slowest.Store(max(slowest.Load(), int64(time.Since(start))))
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	drain(t, w)
	s := stats(t, w)
	t.Logf("5,000 writes in %v, the slowest %v; the sink got %d in %d batches", took, time.Duration(slowest.Load()), s.Flushed, len(db.sinkCalls()))
	if s.Flushed+s.Coalesced != callers*each || s.Pending != 0 {
		t.Errorf("stats %+v, want that each write was flushed or coalesced", s)
	}
	if s.Flushed > callers*each/2 {
		t.Errorf("the sink got %d of %d writes, want at most half", s.Flushed, callers*each)
	}
	if len(db.rows) != keys {
		t.Errorf("the database has %d keys, want %d", len(db.rows), keys)
	}
}

func TestNew_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    options
		want string
	}{
		{options{Shards: -1}, "Options.Shards"},
		{options{Shards: 1025}, "Options.Shards"},
		{options{MaxPending: 15}, "Options.MaxPending"},
		{options{Batch: -1}, "Options.Batch"},
		{options{Workers: -1}, "Options.Workers"},
		{options{Lease: time.Microsecond}, "Options.Lease"},
		{options{SinkTimeout: -1}, "Options.SinkTimeout"},
		{options{Backoff: -1}, "Options.Backoff"},
		{options{Backoff: time.Second, MaxBackoff: time.Millisecond}, "Options.MaxBackoff"},
		{options{Prefix: "a{b"}, "Options.Prefix"},
		{options{FormatKey: strings.ToLower}, "Options.FormatKey"},
	} {
		if _, err := writebehind.New(redistest.Client(t), tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want an error that names %s", tt.o, err, tt.want)
		}
	}
	if _, err := writebehind.New(redistest.Client(t), writebehind.Options[struct{}, int]{}); err == nil {
		t.Error("keys of a struct without FormatKey: got no error")
	}
}

// Keys of integer types are written as numbers, whatever String they have.
func TestNew_keys(t *testing.T) {
	t.Parallel()
	prefix := redistest.Prefix(t)
	var got []writebehind.Write[weekday, string]
	w, err := writebehind.New(redistest.Client(t), writebehind.Options[weekday, string]{
		Prefix: prefix, Delay: -1, Workers: 1,
		Sink: func(_ context.Context, writes []writebehind.Write[weekday, string]) error {
			got = append(got, writes...)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(t.Context(), -3, "x"); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Key != -3 || got[0].Value != "x" || got[0].Attempt != 1 || time.Since(got[0].Since) > time.Minute {
		t.Errorf("the sink got %+v", got)
	}
}

type weekday int8

func (weekday) String() string { return "a day" }

// The round trips that the comments state.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	var db database
	c := redistest.Client(t)
	trips := redistest.Count(c)
	w := open(t, c, options{Sink: db.sink, Shards: 1, Delay: time.Hour})
	ctx := t.Context()
	load := w.Loader(db.read)
	for round := range 2 {
		for _, step := range []struct {
			name string
			do   func() error
			want int
		}{
			{"Put", func() error { return w.Put(ctx, "a", 1) }, 1},
			{"Delete", func() error { return w.Delete(ctx, "b") }, 1},
			{"Pending", func() error { _, err := w.Pending(ctx, "a", "b", "c", "d"); return err }, 1},
			{"Pending of nothing", func() error { _, err := w.Pending(ctx); return err }, 0},
			{"Loader", func() error { _, err := load(ctx, "a"); return err }, 1},
			{"Stats", func() error { _, err := w.Stats(ctx); return err }, 1},
			{"DeadLetters", func() error { _, err := w.DeadLetters(ctx, 10); return err }, 1},
			{"Requeue", func() error { _, err := w.Requeue(ctx, "a", "b", "c", "d"); return err }, 1},
			{"Drop", func() error { _, err := w.Drop(ctx, "a", "b", "c", "d"); return err }, 1},
			// The number of shards; what is ready; a batch, its acknowledgement, and
			// the empty take that ends the turn; stats.
			{"Drain", func() error { return w.Drain(ctx) }, 6},
		} {
			trips.Reset()
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			// In the first round the server learns the scripts.
			if got := trips.RoundTrips(); got != step.want && round > 0 {
				t.Errorf("%s: %d round trips, want %d", step.name, got, step.want)
			}
		}
	}
}
