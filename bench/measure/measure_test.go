package measure

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

var quick = Run{Rounds: 3, Slice: 100 * time.Millisecond, Items: 1000}

// Callers choose each by a sequence of its own, the same in each run, each item about
// as often as the others.
func TestClosed_choice(t *testing.T) {
	var mu sync.Mutex
	chosen := make([]int, quick.Items)
	sequences := map[context.Context][]int{} // each caller has a context of its own
	_, err := quick.Closed(t.Context(), []Peer{{Name: "counts", Do: func(ctx context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		chosen[i]++
		sequences[ctx] = append(sequences[ctx], i)
		return nil
	}}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, n := range chosen {
		all += n
	}
	slices.Sort(chosen)
	if mean := all / quick.Items; mean > 100 && (chosen[0] < mean/2 || chosen[len(chosen)-1] > 2*mean) {
		t.Errorf("of %d choices of %d items one was chosen %d times, another %d", all, quick.Items, chosen[0], chosen[len(chosen)-1])
	}
	begins := map[[3]int]int{}
	for _, s := range sequences {
		if len(s) >= 3 {
			begins[[3]int(s)]++
		}
	}
	if len(begins) != 4 {
		t.Errorf("%d sequences in %d turns of 4 callers, want the same 4 in each", len(begins), quick.Rounds+1)
	}
}

// The figures say what a call cost: its allocations, its commands, its time.
func TestClosed_figures(t *testing.T) {
	client := redistest.Client(t)
	how := quick
	how.Server = redistest.Client(t)
	var sink atomic.Pointer[[64]byte]
	figures, err := how.Closed(t.Context(), []Peer{
		{Name: "three commands", Do: func(ctx context.Context, _ int) error {
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for range 3 {
					p.Ping(ctx)
				}
				return nil
			})
			return err
		}},
		{Name: "five allocations", Do: func(context.Context, int) error {
			for range 5 {
				sink.Store(new([64]byte))
			}
			return nil
		}},
		{Name: "sleeps", Do: func(context.Context, int) error { time.Sleep(5 * time.Millisecond); return nil }},
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := figures[0].Commands; got < 2.9 || got > 3.5 {
		t.Errorf("three commands are counted as %.2f", got)
	}
	if got := figures[1].Allocations; got < 4.9 || got > 5.5 {
		t.Errorf("five allocations are counted as %.2f", got)
	}
	if got := figures[2].PerSecond; got > 400 {
		t.Errorf("two callers slept 5 ms each %.0f times a second", got)
	}
}

// An open loop counts from when a call was due: one pause holds up all that are due
// meanwhile, and a closed loop would not have asked.
func TestOpen_pause(t *testing.T) {
	const pause = 50 * time.Millisecond
	var mu sync.Mutex
	var calls int
	figures, err := quick.Open(t.Context(), []Peer{{Name: "pauses", Do: func(context.Context, int) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls%500 == 250 { // in the middle of each turn
			time.Sleep(pause)
		}
		return nil
	}}}, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if got := figures[0].P99; got < pause/2 {
		t.Errorf("the 99th percentile is %v although a pause of %v held up half of the calls", got, pause)
	}
}

// An error ends the measurement and names its peer.
func TestClosed_error(t *testing.T) {
	broken := errors.New("broken")
	_, err := quick.Closed(t.Context(), []Peer{{Name: "fails", Do: func(context.Context, int) error { return broken }}}, 8)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "fails: ") {
		t.Errorf("got %v", err)
	}
}
