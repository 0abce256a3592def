package warm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The decisions a caller can make.
var (
	// ErrFailed says that Run dealt with all keys and could not have some of them.
	// Progress says how many, and the error holds the first reasons.
	ErrFailed = errors.New("warm: some keys failed")

	// ErrUsed says that a Warmer was run before.
	ErrUsed = errors.New("warm: a Warmer runs once")
)

// Fetcher is a cache: a *cache.Cache is one. FetchMany asks load for what the cache
// does not have, and stores it.
type Fetcher[K comparable, V any] interface {
	FetchMany(ctx context.Context, keys []K, load func(context.Context, []K) (map[K]V, error)) (map[K]V, error)
}

// Warmer fills a cache once. Most callers use Run and Ready. It is safe for
// concurrent use.
type Warmer[K comparable, V any] struct {
	cache   Fetcher[K, V]
	load    func(context.Context, []K) (map[K]V, error)
	o       Options[K]
	limiter *rate.Limiter

	ready   chan struct{} // closed when it is
	isReady func()

	mu    sync.Mutex
	tally tally[K]
	told  time.Time // when OnProgress was called last
}

// New returns a Warmer for a cache and the loader of its origin. Nothing happens
// before Run.
func New[K comparable, V any](cache Fetcher[K, V], load func(context.Context, []K) (map[K]V, error), o Options[K]) (*Warmer[K, V], error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	w := &Warmer[K, V]{
		cache:   cache,
		load:    load,
		o:       o,
		limiter: rate.NewLimiter(limit, o.Batch),
		ready:   make(chan struct{}),
		tally:   tally[K]{o: o, beyond: map[int]batch[K]{}},
	}
	w.isReady = sync.OnceFunc(func() { close(w.ready) })
	w.tally.now = Progress[K]{Done: o.Skip, Cursor: o.Skip, Total: o.Total}
	return w, nil
}

// List is a source of keys for Run.
func List[K comparable](keys []K) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// Run fetches all keys, and returns nil when all could be had or do not exist,
// ErrFailed when all were dealt with and some failed. An error of the source of
// keys, or the end of ctx, ends it early; what is at work is waited for. Then
// Progress has the Cursor from which another Warmer can go on.
//
// Redis: the round trips of FetchMany, for each Options.Batch keys.
func (w *Warmer[K, V]) Run(ctx context.Context, keys iter.Seq2[K, error]) error {
	w.mu.Lock()
	used := !w.tally.begun.IsZero()
	if !used {
		w.tally.begun = time.Now()
	}
	w.mu.Unlock()
	if used {
		return ErrUsed
	}
	defer w.isReady()
	if w.o.ReadyAfter > 0 {
		timer := time.AfterFunc(w.o.ReadyAfter, w.isReady)
		defer timer.Stop()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan batch[K])
	var wg sync.WaitGroup
	for range w.o.Concurrency {
		wg.Go(func() {
			if err := w.work(ctx, batches); err != nil {
				cancel(err)
			}
		})
	}
	err := w.divide(ctx, keys, batches)
	close(batches)
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(true)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("warm: ended after %d keys: %w", w.tally.now.Done, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("warm: read the keys, after %d of them: %w", w.tally.now.Done, err)
	}
	return w.tally.err()
}

// divide makes batches of the keys, and returns an error of their source.
func (w *Warmer[K, V]) divide(ctx context.Context, keys iter.Seq2[K, error], batches chan<- batch[K]) error {
	next := batch[K]{first: w.o.Skip}
	send := func() bool {
		select {
		case batches <- next:
			next = batch[K]{first: next.first + len(next.keys)}
			return true
		case <-ctx.Done():
			return false
		}
	}
	position := 0
	for key, err := range keys {
		if err != nil {
			if len(next.keys) > 0 {
				send()
			}
			return err
		}
		if position++; position <= w.o.Skip {
			continue
		}
		if next.keys = append(next.keys, key); len(next.keys) == w.o.Batch && !send() {
			return nil
		}
	}
	if len(next.keys) > 0 {
		send()
	}
	return nil
}

// work fetches batches until there are no more. What a batch found in the cache is
// credited to the next one. As each batch spends its credit first, that is never more
// than one batch: an origin that was spared for long does not meet it all at once.
func (w *Warmer[K, V]) work(ctx context.Context, batches <-chan batch[K]) error {
	credit := 0
	for b := range batches {
		spent := min(credit, len(b.keys))
		if err := w.limiter.WaitN(ctx, len(b.keys)-spent); err != nil {
			if ctx.Err() == nil { // a limiter does not wait for a turn after the deadline
				err = fmt.Errorf("%w: no time for the rest at this rate", context.DeadlineExceeded)
			}
			return err
		}
		loads := w.fetch(ctx, b)
		credit += len(b.keys) - loads - spent
	}
	return nil
}

// fetch fetches a batch, notes how it went, and returns how many keys reached the
// origin.
func (w *Warmer[K, V]) fetch(ctx context.Context, b batch[K]) (asked int) {
	var mu sync.Mutex // a cache may call the loader where it likes
	loaded := 0
	found, err := w.cache.FetchMany(ctx, b.keys, func(ctx context.Context, keys []K) (map[K]V, error) {
		mu.Lock()
		asked += len(keys)
		mu.Unlock()
		values, err := w.load(ctx, keys)
		mu.Lock()
		loaded += len(values)
		mu.Unlock()
		return values, err
	})
	mu.Lock()
	defer mu.Unlock()
	failed := 0
	if err != nil {
		if ctx.Err() != nil {
			return asked // not dealt with
		}
		for _, key := range b.keys {
			if _, ok := found[key]; !ok {
				failed++
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.add(b, loaded, failed, err)
	if w.tally.enough() {
		w.isReady()
	}
	w.tell(false)
	return asked
}

// tell calls OnProgress, if it is time. The caller holds the lock.
func (w *Warmer[K, V]) tell(last bool) {
	if w.o.OnProgress == nil || !last && !w.told.IsZero() && time.Since(w.told) < w.o.Every {
		return
	}
	w.told = time.Now()
	w.o.OnProgress(w.tally.progress())
}

// Progress tells how far Run is, or where it ended. It must not be called from
// Options.OnProgress, which has it.
//
// Redis: none.
func (w *Warmer[K, V]) Progress() Progress[K] {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tally.progress()
}

// Ready reports whether enough is warm: see Options.ReadyAt and ReadyAfter. Before
// Run it is false, after it true. It costs nothing and suits a readiness probe.
//
// Redis: none.
func (w *Warmer[K, V]) Ready() bool {
	select {
	case <-w.ready:
		return true
	default:
		return false
	}
}

// WaitReady waits until Ready is true, or ctx ends; then it returns its error.
//
// Redis: none.
func (w *Warmer[K, V]) WaitReady(ctx context.Context) error {
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("warm: wait until it is warm: %w", context.Cause(ctx))
	}
}
