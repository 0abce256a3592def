//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/07-blocking/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

// worker is a Work under way, and what it has done.
type worker struct {
	c           *check.C
	queue, hand string
	stop        context.CancelFunc
	ended       chan error
	begun       chan string // each job, as do gets it

	mu   sync.Mutex
	done []string
}

// start lets a worker begin. each is what do does before a job counts as done; it
// may be nil.
func start(c *check.C, name string, each func(ctx context.Context, job string) error) *worker {
	ctx, stop := context.WithCancel(c.Context())
	w := &worker{c: c, queue: c.Key(name), hand: c.Key(name + ":hand"), stop: stop, ended: make(chan error, 1), begun: make(chan string, 1000)}
	go func() {
		defer func() {
			if r := recover(); r != nil {
				w.ended <- fmt.Errorf("it panicked: %v", r)
			}
		}()
		w.ended <- exercise.Work(ctx, c.Redis(), w.queue, w.hand, func(ctx context.Context, job string) error {
			w.begun <- job
			if each != nil {
				if err := each(ctx, job); err != nil {
					return err
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.done = append(w.done, job)
			return nil
		})
	}()
	return w
}

// push puts jobs into the queue.
func (w *worker) push(jobs ...string) {
	for _, job := range jobs {
		w.c.NoError(w.c.Direct().LPush(w.c.Context(), w.queue, job).Err(), "LPUSH")
	}
}

// next waits for the next job that do gets.
func (w *worker) next() string {
	select {
	case job := <-w.begun:
		return job
	case err := <-w.ended:
		w.ended <- err
		select {
		case job := <-w.begun: // its last
			return job
		default:
		}
		if err == nil {
			w.c.Fail("Work returned though nobody told it to stop.")
		}
		w.c.Fail("Work returned an error: %v", err)
	case <-time.After(3 * time.Second):
		w.c.Fail("A job came, and three seconds later do had not been called for it. In the queue: %s; in hand: %s.", w.list(w.queue), w.list(w.hand))
	}
	return ""
}

// asleep returns when the worker waits in Redis, or after a while.
func (w *worker) asleep() {
	for range 20 {
		select {
		case err := <-w.ended:
			w.ended <- err
			w.c.Written(err)
			return
		case <-time.After(10 * time.Millisecond):
		}
		clients, err := w.c.Direct().ClientList(w.c.Context()).Result()
		w.c.NoError(err, "CLIENT LIST")
		for line := range strings.Lines(clients) {
			if strings.Contains(line, " name=check ") && strings.Contains(line, " flags=b ") {
				return
			}
		}
	}
}

// finish tells the worker to stop and waits until it has. at says what it is at.
func (w *worker) finish(at string) {
	w.stop()
	w.join(at)
}

// join waits for the end of a worker that was told to stop.
func (w *worker) join(at string) {
	select {
	case err := <-w.ended:
		if err != nil {
			w.c.Fail("Work was told to stop %s. It should return nil, and returned: %v", at, err)
		}
	case <-time.After(2 * time.Second):
		w.c.Fail("Work was told to stop %s, and two seconds later it had not returned: a deploy would kill it now.", at)
	}
}

func (w *worker) did(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.done, job)
}

// list is what stands in a list of jobs, for people.
func (w *worker) list(key string) string {
	jobs := w.in(key)
	if len(jobs) == 0 {
		return "nothing"
	}
	return strings.Join(jobs, ", ")
}

func (w *worker) in(key string) []string {
	jobs, err := w.c.Direct().LRange(w.c.Context(), key, 0, -1).Result()
	w.c.NoError(err, "LRANGE")
	return jobs
}
