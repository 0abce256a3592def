package warm_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/redis-grind/grind/kit/cache/warm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOrigin = errors.New("the origin is down")

// cache has the semantics of kit/cache: what is there stays, the rest is loaded and
// stored.
type cache struct {
	mu     sync.Mutex
	values map[int]string
}

func (c *cache) FetchMany(ctx context.Context, keys []int, load func(context.Context, []int) (map[int]string, error)) (map[int]string, error) {
	found := map[int]string{}
	var missing []int
	c.mu.Lock()
	for _, key := range keys {
		if v, ok := c.values[key]; ok {
			found[key] = v
		} else {
			missing = append(missing, key)
		}
	}
	c.mu.Unlock()
	if len(missing) == 0 {
		return found, nil
	}
	loaded, err := load(ctx, missing)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil {
		c.values = map[int]string{}
	}
	maps.Copy(c.values, loaded)
	maps.Copy(found, loaded)
	return found, err
}

// origin has a value for each even key, and notes what it was asked.
type origin struct {
	mu    sync.Mutex
	asked []int
	at    []time.Time // of each key
	busy  int
	most  int // calls at the same time
	takes time.Duration
	fail  func(keys []int) error
}

func (o *origin) load(ctx context.Context, keys []int) (map[int]string, error) {
	o.mu.Lock()
	o.busy++
	o.most = max(o.most, o.busy)
	for _, key := range keys {
		o.asked, o.at = append(o.asked, key), append(o.at, time.Now())
	}
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.busy--
		o.mu.Unlock()
	}()
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if o.fail != nil {
		if err := o.fail(keys); err != nil {
			return nil, err
		}
	}
	values := map[int]string{}
	for _, key := range keys {
		if key%2 == 0 {
			values[key] = fmt.Sprint("new ", key)
		}
	}
	return values, nil
}

func upTo(n int) []int {
	keys := make([]int, n)
	for i := range keys {
		keys[i] = i
	}
	return keys
}

func newWarmer(t testing.TB, c *cache, o *origin, options warm.Options[int]) *warm.Warmer[int, string] {
	t.Helper()
	w, err := warm.New(c, o.load, options)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// What is in the cache stays as it is and reaches no origin; what does not exist is
// no failure.
func TestRun(t *testing.T) {
	c := cache{values: map[int]string{4: "newer", 7: "newer"}}
	var o origin
	w := newWarmer(t, &c, &o, warm.Options[int]{Rate: -1, Batch: 10, Total: 100})
	if err := w.Run(t.Context(), warm.List(upTo(100))); err != nil {
		t.Fatal(err)
	}
	slices.Sort(o.asked)
	if want := slices.DeleteFunc(upTo(100), func(k int) bool { return k == 4 || k == 7 }); !slices.Equal(o.asked, want) {
		t.Errorf("the origin was asked for %v", o.asked)
	}
	if c.values[4] != "newer" || c.values[7] != "newer" || c.values[8] != "new 8" || len(c.values) != 51 {
		t.Errorf("the cache has %v", c.values)
	}
	p := w.Progress()
	if p.Done != 100 || p.Loaded != 49 || p.Failed != 0 || p.Cursor != 100 || p.Last != 99 || p.Left != 0 {
		t.Errorf("progress %+v", p)
	}
	if err := w.Run(t.Context(), warm.List(upTo(1))); !errors.Is(err, warm.ErrUsed) {
		t.Errorf("the second Run = %v, want ErrUsed", err)
	}
}

// At no time has the origin got more than its rate allows, whatever was in the
// cache before.
func TestRun_rate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		options := warm.Options[int]{
			Rate:        float64(rapid.IntRange(10, 1000).Draw(rt, "rate")),
			Batch:       rapid.IntRange(1, 50).Draw(rt, "batch"),
			Concurrency: rapid.IntRange(1, 4).Draw(rt, "concurrency"),
		}
		c := cache{values: map[int]string{}}
		keys := upTo(rapid.IntRange(1, 2000).Draw(rt, "keys"))
		for from := 0; from < len(keys); { // runs of what is there and what is not
			until := min(len(keys), from+rapid.IntRange(1, 500).Draw(rt, "run"))
			if rapid.Bool().Draw(rt, "there") {
				for _, key := range keys[from:until] {
					c.values[key] = "there"
				}
			}
			from = until
		}
		o := origin{takes: time.Duration(rapid.IntRange(0, 100).Draw(rt, "takes")) * time.Millisecond}
		synctest.Test(t, func(t *testing.T) {
			w := newWarmer(t, &c, &o, options)
			if err := w.Run(t.Context(), warm.List(keys)); err != nil {
				rt.Fatal(err)
			}
			if o.most > options.Concurrency {
				rt.Fatalf("%d calls of the origin at the same time, want at most %d", o.most, options.Concurrency)
			}
		})
		burst := float64(options.Batch * (1 + options.Concurrency))
		for i := range o.at {
			for j := i; j < len(o.at); j += 7 {
				if n, most := float64(j-i+1), burst+options.Rate*o.at[j].Sub(o.at[i]).Seconds()+1e-6; n > most {
					rt.Fatalf("%v keys in %v, want at most %v", n, o.at[j].Sub(o.at[i]), most)
				}
			}
		}
	})
}

// A cache that is warm already is passed at full speed.
func TestRun_warmAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache{values: map[int]string{}}
		for _, key := range upTo(10_000) {
			c.values[key] = "there"
		}
		w := newWarmer(t, &c, &origin{}, warm.Options[int]{Rate: 10, Batch: 10, Concurrency: 2})
		begin := time.Now()
		if err := w.Run(t.Context(), warm.List(upTo(10_000))); err != nil {
			t.Fatal(err)
		}
		// The first batch of the second worker has to wait for its turn.
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v, want the time of one batch", took)
		}
	})
}

// Batches that fail are counted, the first errors kept, and the others loaded.
func TestRun_failing(t *testing.T) {
	var c cache
	o := origin{fail: func(keys []int) error {
		if keys[0] < 30 {
			return fmt.Errorf("%w: %d", errOrigin, keys[0])
		}
		return nil
	}}
	w := newWarmer(t, &c, &o, warm.Options[int]{Rate: -1, Batch: 10, Concurrency: 1, KeepErrors: 2})
	err := w.Run(t.Context(), warm.List(upTo(100)))
	if !errors.Is(err, warm.ErrFailed) || !errors.Is(err, errOrigin) {
		t.Errorf("Run = %v, want ErrFailed with the origin's error", err)
	}
	p := w.Progress()
	if p.Done != 100 || p.Failed != 30 || p.Loaded != 35 || len(p.Errors) != 2 || !strings.Contains(p.Errors[1].Error(), ": 10") {
		t.Errorf("progress %+v", p)
	}
	if !w.Ready() {
		t.Error("it is not ready although Run has ended")
	}
}

// A Run that was cancelled is gone on with from its cursor, and nothing is left out
// or, but for the batches at work, done twice.
func TestRun_resumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cache
		o := origin{takes: 100 * time.Millisecond}
		keys := upTo(1000)
		options := warm.Options[int]{Rate: 100, Batch: 10, Concurrency: 3, Total: 1000}
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("a deploy")
		time.AfterFunc(4*time.Second+50*time.Millisecond, func() { cancel(cause) })
		first := newWarmer(t, &c, &o, options)
		if err := first.Run(ctx, warm.List(keys)); !errors.Is(err, cause) {
			t.Errorf("Run = %v, want the cause of its end", err)
		}
		p := first.Progress()
		if p.Cursor < 300 || p.Cursor > 450 || p.Last != p.Cursor-1 || p.Failed != 0 {
			t.Errorf("after 4 s: %+v", p)
		}
		options.Skip = p.Cursor
		second := newWarmer(t, &c, &o, options)
		if err := second.Run(t.Context(), warm.List(keys)); err != nil {
			t.Fatal(err)
		}
		if q := second.Progress(); q.Done != 1000 || q.Cursor != 1000 || q.Last != 999 {
			t.Errorf("after the second: %+v", q)
		}
		if len(c.values) != 500 {
			t.Errorf("the cache has %d values, want 500", len(c.values))
		}
		if twice := len(o.asked) - 1000; twice > 3*10*2 {
			t.Errorf("%d keys were asked for twice", twice)
		}
	})
}

// A deadline that the rate cannot keep ends Run with that.
func TestRun_deadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w := newWarmer(t, &cache{}, &origin{}, warm.Options[int]{Rate: 10, Batch: 10})
		if err := w.Run(ctx, warm.List(upTo(1000))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run = %v, want context.DeadlineExceeded", err)
		}
		if p := w.Progress(); p.Done != p.Cursor || p.Done < 90 || p.Done > 120 {
			t.Errorf("progress %+v, want about 100", p)
		}
	})
}

// An error of the source of keys ends Run, after what it gave was dealt with.
func TestRun_source(t *testing.T) {
	broken := func(n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for key := range n {
				if !yield(key, nil) {
					return
				}
			}
			yield(0, errOrigin)
		}
	}
	w := newWarmer(t, &cache{}, &origin{}, warm.Options[int]{Rate: -1, Batch: 10})
	if err := w.Run(t.Context(), broken(25)); !errors.Is(err, errOrigin) {
		t.Errorf("Run = %v, want the error of the source", err)
	}
	if p := w.Progress(); p.Done != 25 || p.Cursor != 25 {
		t.Errorf("progress %+v, want 25 done", p)
	}
}

// When Ready becomes true.
func TestReady(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options warm.Options[int]
		want    time.Duration
	}{
		{"all", warm.Options[int]{Total: 100, ReadyAfter: -1}, 10 * time.Second},
		{"a share", warm.Options[int]{Total: 100, ReadyAt: 0.5, ReadyAfter: -1}, 5 * time.Second},
		{"resumed", warm.Options[int]{Total: 100, ReadyAt: 0.5, Skip: 40, ReadyAfter: -1}, time.Second},
		{"unknown total", warm.Options[int]{ReadyAfter: -1}, 10 * time.Second},
		{"time limit", warm.Options[int]{Total: 100, ReadyAfter: 3500 * time.Millisecond}, 3500 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.options.Rate, tt.options.Batch, tt.options.Concurrency = -1, 10, 1
				w := newWarmer(t, &cache{}, &origin{takes: time.Second}, tt.options)
				begin, done := time.Now(), make(chan error, 1)
				if w.Ready() {
					t.Error("ready before Run")
				}
				go func() { done <- w.Run(t.Context(), warm.List(upTo(100))) }()
				if err := w.WaitReady(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took != tt.want || !w.Ready() {
					t.Errorf("ready after %v, want %v", took, tt.want)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWaitReady_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWarmer(t, &cache{}, &origin{}, warm.Options[int]{})
	if err := w.WaitReady(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitReady = %v, want context.Canceled", err)
	}
}

// Progress is told at most once in each Every, and at the end; the time left
// follows the pace.
func TestOnProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []warm.Progress[int]
		w := newWarmer(t, &cache{}, &origin{takes: time.Second}, warm.Options[int]{
			Rate: -1, Batch: 10, Concurrency: 1, Total: 100, Every: 3 * time.Second,
			OnProgress: func(p warm.Progress[int]) { told = append(told, p) },
		})
		if err := w.Run(t.Context(), warm.List(upTo(100))); err != nil {
			t.Fatal(err)
		}
		var done []int
		for _, p := range told {
			done = append(done, p.Done)
			if p.Left != time.Duration(100-p.Done)*100*time.Millisecond || p.Elapsed != time.Duration(p.Done)*100*time.Millisecond {
				t.Errorf("at %d: %v elapsed and %v left", p.Done, p.Elapsed, p.Left)
			}
		}
		if !slices.Equal(done, []int{10, 40, 70, 100, 100}) {
			t.Errorf("told at %v", done)
		}
	})
}

func TestNew_refused(t *testing.T) {
	for _, tt := range []struct {
		o    warm.Options[int]
		want string
	}{
		{warm.Options[int]{Rate: math.NaN()}, "Options.Rate"},
		{warm.Options[int]{Batch: -1}, "Options.Batch"},
		{warm.Options[int]{Concurrency: -1}, "Options.Concurrency"},
		{warm.Options[int]{Total: -1}, "Options.Total"},
		{warm.Options[int]{Skip: -1}, "Options.Skip"},
		{warm.Options[int]{ReadyAt: 1.1}, "Options.ReadyAt"},
		{warm.Options[int]{ReadyAt: -0.1}, "Options.ReadyAt"},
		{warm.Options[int]{ReadyAt: math.NaN()}, "Options.ReadyAt"},
	} {
		if _, err := warm.New(&cache{}, (&origin{}).load, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want an error that names %s", tt.o, err, tt.want)
		}
	}
}

func ExampleNew() {
	var products cache // a *cache.Cache
	loadMany := (&origin{}).load

	w, err := warm.New(&products, loadMany, warm.Options[int]{Rate: 1000, Total: 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready:", w.Ready())
	err = w.Run(context.Background(), warm.List([]int{2, 4, 6, 8, 9, 10})) // usually in a goroutine
	p := w.Progress()
	fmt.Println("ready:", w.Ready(), "loaded:", p.Loaded, "of", p.Done, err)
	// Output:
	// ready: false
	// ready: true loaded: 5 of 6 <nil>
}
