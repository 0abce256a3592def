//go:build solution

// Package exercise fills a cache before the readers come.
package exercise

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Options of a Warm.
type Options struct {
	// Batch is the most keys that one load may be asked for.
	Batch int
	// Loads is the most loads that may be under way at a time.
	Loads int
	// TTL is how long a value lives.
	TTL time.Duration
	// Progress is told how many of the keys are dealt with; never two calls at a time,
	// the number never falls, and the last is all of them.
	Progress func(done, total int)
}

// Result says what came of it. Together they are all keys.
type Result struct {
	Stored  int // loaded and stored
	Present int // there already, or stored by somebody else meanwhile
	Missing int // load did not return a value for them
	Failed  int // of batches whose load, or whose commands, failed
}

// Load reads values from the origin. A key that is not in the map has none.
type Load func(ctx context.Context, keys []string) (map[string]string, error)

// Warm stores what load returns for the keys that are not in Redis. What is there is
// neither loaded nor changed, also if it came there while load was under way. A batch
// that fails does not keep the others from being warmed; the error then holds the
// errors of all of them. A batch costs at most two round trips.
func Warm(ctx context.Context, rdb redis.Cmdable, keys []string, load Load, o Options) (Result, error) {
	w := &warmer{rdb: rdb, load: load, o: o, total: len(keys)}
	parts := make(chan []string)
	var all sync.WaitGroup
	for range o.Loads {
		all.Go(func() {
			for part := range parts {
				r, err := w.batch(ctx, part)
				w.note(r, len(part), err)
			}
		})
	}
	for part := range slices.Chunk(keys, o.Batch) {
		parts <- part
	}
	close(parts)
	all.Wait()
	return w.result, errors.Join(w.errs...)
}

type warmer struct {
	rdb   redis.Cmdable
	load  Load
	o     Options
	total int

	mu     sync.Mutex
	done   int
	result Result
	errs   []error
}

// batch warms one batch.
func (w *warmer) batch(ctx context.Context, keys []string) (Result, error) {
	failed := Result{Failed: len(keys)}
	there, err := w.rdb.MGet(ctx, keys...).Result()
	if err != nil {
		return failed, err
	}
	var absent []string
	for i, value := range there {
		if value == nil {
			absent = append(absent, keys[i])
		}
	}
	r := Result{Present: len(keys) - len(absent)}
	if len(absent) == 0 {
		return r, nil
	}
	found, err := w.load(ctx, absent)
	if err != nil {
		r.Failed = len(absent)
		return r, err
	}
	r.Missing = len(absent) - len(found)
	// NX: what somebody stored meanwhile is newer than what we read.
	stored := make([]*redis.BoolCmd, 0, len(found))
	_, err = w.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for key, value := range found {
			stored = append(stored, pipe.SetNX(ctx, key, value, w.o.TTL))
		}
		return nil
	})
	for _, s := range stored {
		switch ok, err := s.Result(); {
		case err != nil:
			r.Failed++
		case ok:
			r.Stored++
		default:
			r.Present++
		}
	}
	return r, err
}

// note adds what came of a batch, and tells how far it is.
func (w *warmer) note(r Result, keys int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Stored += r.Stored
	w.result.Present += r.Present
	w.result.Missing += r.Missing
	w.result.Failed += r.Failed
	if err != nil {
		w.errs = append(w.errs, err)
	}
	w.done += keys
	w.o.Progress(w.done, w.total)
}
