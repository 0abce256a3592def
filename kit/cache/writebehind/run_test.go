package writebehind_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// At the end of Run a sink at work finishes, and what it wrote is acknowledged.
func TestRun_finishes(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	w := open(t, redistest.Client(t), quick(options{Shards: 1, Sink: func(ctx context.Context, _ []write) error {
		close(begun)
		<-goOn
		return ctx.Err()
	}}))
	put(t, w, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-begun
	cancel()
	select {
	case err := <-done:
		t.Fatalf("Run returned %v while its sink was at work", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s := stats(t, w); s.Flushed != 1 || s.Pending != 0 {
		t.Errorf("stats %+v, want the write flushed", s)
	}
}

func TestRun_refused(t *testing.T) {
	t.Parallel()
	c, prefix := redistest.Client(t), redistest.Prefix(t)
	var db database
	none := open(t, c, options{Prefix: prefix})
	if err := none.Run(t.Context()); !errors.Is(err, writebehind.ErrNoSink) {
		t.Errorf("Run = %v, want ErrNoSink", err)
	}
	if err := none.Drain(t.Context()); !errors.Is(err, writebehind.ErrNoSink) {
		t.Errorf("Drain = %v, want ErrNoSink", err)
	}
	drain(t, open(t, c, options{Prefix: prefix, Sink: db.sink}))
	other := open(t, c, options{Prefix: prefix, Sink: db.sink, Shards: 17})
	if err := other.Run(t.Context()); !errors.Is(err, writebehind.ErrShards) {
		t.Errorf("Run with another number = %v, want ErrShards", err)
	}
	if err := other.Drain(t.Context()); !errors.Is(err, writebehind.ErrShards) {
		t.Errorf("Drain with another number = %v, want ErrShards", err)
	}
}

// Drain says how much is left when its time is over.
func TestDrain_tooLittleTime(t *testing.T) {
	t.Parallel()
	db := database{fail: func([]write) error { return errDown }}
	w := open(t, redistest.Client(t), quick(options{Sink: db.sink}))
	put(t, w, "a", 1)
	put(t, w, "b", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 writes are still pending") {
		t.Errorf("Drain = %v, want that 2 are pending", err)
	}
}

// Redis is killed with kill -9 and comes back with its append-only file, while
// writes come and go: nothing that was accepted is lost.
func TestRun_redisKilled(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{AppendOnly: true})
	c := redistest.ClientOf(t, s)
	var db database
	w := open(t, c, quick(options{Prefix: "wb", Sink: db.sink, Lease: 200 * time.Millisecond}))
	run(t, w)
	accepted := map[string]int{}
	for i := range 3000 {
		key := fmt.Sprint("key", i%40)
		if err := w.Put(t.Context(), key, i); err == nil {
			accepted[key] = i
		} else {
			delete(accepted, key) // unknown: this value or the one before
		}
		if i%1000 == 500 {
			if err := s.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	drain(t, w)
	for key, want := range accepted {
		if got := db.rows[key].Value; got != want {
			t.Errorf("%s is %d in the database, want %d", key, got, want)
		}
	}
	if len(accepted) < 30 {
		t.Errorf("only %d keys were accepted at last", len(accepted))
	}
}

// It works in a cluster, where shards lie on different nodes.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := redistest.ClusterClient(t)
	db := database{fail: func([]write) error { return writebehind.ErrReject }}
	w := open(t, c, quick(options{Sink: db.sink}))
	var all []string
	for i := range 100 {
		all = append(all, fmt.Sprint(i))
		put(t, w, all[i], i)
	}
	if pending, err := w.Pending(t.Context(), all...); len(pending) != 100 || err != nil {
		t.Errorf("%d pending, %v; want 100", len(pending), err)
	}
	drain(t, w)
	db.set(nil)
	if letters, err := w.DeadLetters(t.Context(), 1000); len(letters) != 100 || err != nil {
		t.Errorf("%d dead letters, %v; want 100", len(letters), err)
	}
	if n, err := w.Requeue(t.Context(), all...); n != 100 || err != nil {
		t.Errorf("requeued %d, %v; want 100", n, err)
	}
	drain(t, w)
	if len(db.rows) != 100 {
		t.Errorf("the database has %d rows, want 100", len(db.rows))
	}
	if n, err := w.Drop(t.Context(), all...); n != 0 || err != nil {
		t.Errorf("dropped %d, %v; want none", n, err)
	}
}

// Primaries of a cluster hand over to their replicas while writes come and go:
// nothing that was accepted is lost, and it goes on within seconds.
func TestCluster_failover(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redisproc.ClusterOptions{})
	var db database
	w := open(t, redistest.ClusterClientOf(t, cluster), quick(options{Prefix: "wb", Sink: db.sink, Lease: 200 * time.Millisecond}))
	run(t, w)
	accepted := map[string]int{}
	value, refused := 0, 0
	writeSome := func() {
		for range 2000 {
			value++
			key := fmt.Sprint("key", value%40)
			if err := w.Put(t.Context(), key, value); err == nil {
				accepted[key] = value
			} else {
				delete(accepted, key) // unknown: this value or the one before
				refused++
			}
		}
	}
	writeSome()
	for _, p := range cluster.Primaries(t.Context()) {
		done := make(chan error, 1)
		go func() {
			_, err := cluster.FailOver(t.Context(), p)
			done <- err
		}()
		writeSome()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	writeSome()
	t.Logf("%d writes had an error on the way", refused)
	drain(t, w)
	for key, want := range accepted {
		if got := db.rows[key].Value; got != want {
			t.Errorf("%s is %d in the database, want %d", key, got, want)
		}
	}
	if len(accepted) != 40 {
		t.Errorf("%d keys were accepted at last, want all", len(accepted))
	}
}

// A node of a cluster that is down, with no replica, does not hold up the shards
// of the others.
func TestCluster_nodeDown(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redisproc.ClusterOptions{
		Replicas: -1,
		Server:   redisproc.Options{Config: map[string]string{"cluster-require-full-coverage": "no"}},
	})
	var db database
	w := open(t, redistest.ClusterClientOf(t, cluster), quick(options{Prefix: "wb", Sink: db.sink}))
	run(t, w)
	rows := func() int {
		db.mu.Lock()
		defer db.mu.Unlock()
		return len(db.rows)
	}
	put(t, w, "before", 1)
	redistest.Eventually(t, "it is at work", func() bool { return rows() == 1 })
	if err := cluster.Primaries(t.Context())[0].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if w.Put(ctx, fmt.Sprint(i), i) == nil {
			accepted++
		}
		cancel()
	}
	if accepted < 5 {
		t.Fatalf("%d writes were accepted by two nodes of three", accepted)
	}
	redistest.Eventually(t, "what the others hold is flushed", func() bool { return rows() == 1+accepted })
}
