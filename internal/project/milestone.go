package project

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// Milestone is one thing that the application must do.
type Milestone struct {
	// ID is its name in reports: stampede.
	ID string
	// Title says what is so when it is reached: "a stampede costs one origin call".
	Title string
	// Why says, in a sentence or two, what it is good for.
	Why string
	// Limit is its longest time; zero means DefaultLimit.
	Limit time.Duration
	// Check judges. It ends by s.Fail, or the milestone is reached.
	Check func(s *Site)
}

// DefaultLimit is the longest time of a milestone.
const DefaultLimit = time.Minute

// verdict ends a milestone; see Fail.
type verdict struct {
	status  check.Status
	message string
}

// run judges one milestone and heals Redis after it.
func (s *Site) run(ctx context.Context, m Milestone) exercise.Test {
	limit := m.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.ctx = limited
	begun, requests, commands, calls := time.Now(), s.requests.Load(), s.seen.all(), s.calls.Load()
	end := guard(func() { m.Check(s) })
	if end == nil && limited.Err() != nil {
		end = &verdict{check.Fail, fmt.Sprintf("it took longer than %v", limit)}
	}
	cancel()
	s.beside.Wait()
	if err := s.redis.Heal(ctx); err != nil && end == nil {
		end = &verdict{check.Error, err.Error()}
	}
	t := exercise.Test{Name: m.Title, Task: m.ID, Status: check.Pass, Cost: &exercise.Cost{
		Requests: int(s.requests.Load() - requests),
		Commands: s.seen.all() - commands,
		Origin:   int(s.calls.Load() - calls),
		Millis:   time.Since(begun).Milliseconds(),
	}}
	if end != nil {
		t.Status, t.Message = end.status, end.message
		if gone := s.gone(); gone != "" {
			t.Message += "\n" + gone
		}
	}
	return t
}

// guard calls f and returns how it was ended, nil if by itself.
func guard(f func()) (end *verdict) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case verdict:
			end = &r
		default:
			end = &verdict{check.Error, fmt.Sprintf("the milestone itself crashed: %v\n%s", r, debug.Stack())}
		}
	}()
	f()
	return nil
}

// Context ends with the milestone.
func (s *Site) Context() context.Context { return s.ctx }

// Fail ends the milestone with the sentence that the learner reads.
func (s *Site) Fail(format string, args ...any) {
	panic(verdict{check.Fail, fmt.Sprintf(format, args...)})
}

// unable ends the milestone for a reason that is not the learner's.
func (s *Site) unable(err error) {
	if errors.Is(err, context.DeadlineExceeded) && s.ctx.Err() != nil {
		s.Fail("the milestone took too long, and was ended during: %v", err)
	}
	panic(verdict{check.Error, err.Error()})
}

// Go calls f beside the milestone. wait returns when f has, and ends the milestone
// if f has failed it; what nobody waited for ends with the milestone.
func (s *Site) Go(f func()) (wait func()) {
	ended := make(chan *verdict, 1)
	s.beside.Go(func() { ended <- guard(f) })
	return func() {
		if end := <-ended; end != nil {
			panic(*end)
		}
	}
}

// Parallel calls f n times at the same time and returns when all have returned. A
// Fail in one of them ends the milestone.
func (s *Site) Parallel(n int, f func(i int)) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first *verdict
	)
	for i := range n {
		all.Go(func() {
			if end := guard(func() { f(i) }); end != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = end
				}
			}
		})
	}
	all.Wait()
	if first != nil {
		panic(*first)
	}
}

// Within asks again and again until there is nothing left to complain about, and
// ends the milestone with the last complaint when that takes longer than limit.
// It returns how long it took.
func (s *Site) Within(limit time.Duration, complaint func() string) time.Duration {
	begun := time.Now()
	for {
		text := complaint()
		switch {
		case text == "":
			return time.Since(begun)
		case time.Since(begun) > limit, s.ctx.Err() != nil:
			s.Fail("%s\nthat was so for longer than %v", text, limit)
		}
		s.Sleep(20 * time.Millisecond)
	}
}

// Sleep waits, but not longer than the milestone.
func (s *Site) Sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
}
