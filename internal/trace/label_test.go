package trace_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }

// wire returns a labelled client, the tap it goes through and its events.
func wire(t *testing.T) (*redis.Client, *tap.Tap, *trace.Recorder) {
	t.Helper()
	rec, labels := trace.NewRecorder(0), new(trace.Labels)
	tp, err := tap.New(tap.Options{Upstream: redistest.Addr(t), Sink: rec.Sink(), Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tp.Run(ctx) }()
	c := redis.NewClient(&redis.Options{Addr: tp.Addr()})
	c.AddHook(labels.Hook())
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c, tp, rec
}

func TestLabels(t *testing.T) {
	c, _, rec := wire(t)
	key := redistest.Prefix(t) + "k"
	alice := trace.WithActor(t.Context(), "alice")
	seven := trace.WithRequest(alice, "7")
	c.Get(t.Context(), key)
	c.Get(alice, key)
	c.Get(seven, key)
	if _, err := c.TxPipelined(seven, func(p redis.Pipeliner) error {
		p.Incr(seven, key)
		p.Incr(seven, key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []trace.Label{{}, {Actor: "alice"}}
	for range 5 { // GET, MULTI, INCR, INCR, EXEC
		want = append(want, trace.Label{Actor: "alice", Request: "7"})
	}
	events := rec.Commands()
	if len(events) != len(want) {
		t.Fatalf("commands: got %d, want %d", len(events), len(want))
	}
	for i, e := range events {
		if e.Label != want[i] {
			t.Errorf("%s: got label %+v, want %+v", e.Line(), e.Label, want[i])
		}
	}
}

// TestLabels_Arguments sends each type of argument that go-redis takes: the
// hook must know the command by the bytes that the wire sees.
func TestLabels_Arguments(t *testing.T) {
	c, _, rec := wire(t)
	key := redistest.Prefix(t) + "k"
	ctx := trace.WithActor(t.Context(), "alice")
	n, s, none := 42, "text", (*int)(nil)
	for _, v := range []any{
		nil, "é\x00", []byte{0, 255}, 1, int8(-1), int64(1) << 60, uint16(7), uint64(1) << 63, float32(0.1), 1e21, 1.5, true, false,
		time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), 3 * time.Second, net.IPv4(127, 0, 0, 1), marshaler{}, &n, &s, none,
		strings.Repeat("long", 1000),
	} {
		rec.Reset()
		if err := c.Do(ctx, "set", key, v).Err(); err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		if e := rec.Commands(); len(e) != 1 || e[0].Label.Actor != "alice" {
			t.Errorf("%T: got %+v, want one event of alice", v, e)
		}
	}
	rec.Reset()
	many := []any{"mget"}
	for i := range 100 {
		many = append(many, fmt.Sprint(key, i))
	}
	c.Do(ctx, many...)
	if e := rec.Commands(); len(e) != 1 || e[0].Label.Actor != "alice" || e[0].More != 100-trace.MaxArgs {
		t.Errorf("many arguments: got %+v, want one event of alice with %d more", e, 100-trace.MaxArgs)
	}
}

type marshaler struct{}

func (marshaler) MarshalBinary() ([]byte, error) { return []byte("marshalled"), nil }

func TestLabels_retry(t *testing.T) {
	c, tp, rec := wire(t)
	if _, err := tp.Throw(tap.Fault{Kind: tap.LoseReply, Command: "INCR", Times: 2}); err != nil {
		t.Fatal(err)
	}
	if n := c.Incr(trace.WithActor(t.Context(), "alice"), redistest.Prefix(t)+"n").Val(); n != 3 {
		t.Fatalf("INCR: got %d, want 3", n)
	}
	events := rec.Commands()
	for _, e := range events {
		if e.Label.Actor != "alice" {
			t.Errorf("%s: got label %+v, want alice on each try", e.Line(), e.Label)
		}
	}
	if len(events) != 3 {
		t.Errorf("commands: got %d, want 3", len(events))
	}
}

// TestLabels_equal holds equal commands of several actors under way at once:
// which is which nobody can tell, but each label must be used in its turn.
func TestLabels_equal(t *testing.T) {
	const actors = 8
	labels := new(trace.Labels)
	var under, all sync.WaitGroup
	release := make(chan struct{})
	process := labels.Hook().ProcessHook(func(context.Context, redis.Cmder) error {
		under.Done()
		<-release
		return nil
	})
	under.Add(actors)
	for i := range actors {
		ctx := trace.WithActor(t.Context(), fmt.Sprint(i))
		all.Go(func() { _ = process(ctx, redis.NewCmd(ctx, "incr", "n")) })
	}
	under.Wait()
	seen := map[string]int{}
	for range 2 * actors { // each is retried once
		seen[labels.Attach(trace.Event{Kind: trace.Command, Name: "INCR", Args: []string{"n"}}).Label.Actor]++
	}
	for i := range actors {
		if got := seen[fmt.Sprint(i)]; got != 2 {
			t.Errorf("actor %d: got %d commands, want 2", i, got)
		}
	}
	close(release)
	all.Wait()
	if l := labels.Attach(trace.Event{Kind: trace.Command, Name: "INCR", Args: []string{"n"}}).Label; l != (trace.Label{}) {
		t.Errorf("after the commands: got %+v, want no label", l)
	}
}

func TestLabels_Sink(t *testing.T) {
	var got trace.Event
	labels := new(trace.Labels)
	process := labels.Hook().ProcessHook(func(context.Context, redis.Cmder) error {
		labels.Sink(func(e trace.Event) { got = e })(trace.Event{Kind: trace.Command, Name: "GET", Args: []string{"k"}})
		return nil
	})
	if err := process(trace.WithActor(t.Context(), "alice"), redis.NewCmd(t.Context(), "get", "k")); err != nil {
		t.Fatal(err)
	}
	if got.Label.Actor != "alice" {
		t.Errorf("got %+v, want the label of alice", got)
	}
	if e := labels.Attach(got); e.Label != got.Label || labels.Attach(trace.Event{Kind: trace.Command, Name: "GET", Args: []string{"k"}}).Label != (trace.Label{}) {
		t.Error("after the command: got a label, want none")
	}
}
