//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/02-web-integration-basics/08-errors-retries/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// policy has a clock of its own: Sleep notes and does not wait.
func policy(c *check.C, idempotent bool) (exercise.Policy, *[]time.Duration) {
	var slept []time.Duration
	return exercise.Policy{
		Attempts: 4, Base: 10 * time.Millisecond, Max: time.Second,
		Rand:       c.Rand().Float64,
		Sleep:      func(ctx context.Context, d time.Duration) error { slept = append(slept, d); return ctx.Err() },
		Idempotent: idempotent,
	}, &slept
}

// client sends each command once.
func client(c *check.C, change func(*redis.Options)) *redis.Client {
	o := c.Redis().Options()
	mine := redis.Options{Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, MaxRetries: -1, DialerRetries: 1, PoolSize: 2}
	if change != nil {
		change(&mine)
	}
	return redis.NewClient(&mine)
}

func TestLater(t *testing.T) {
	check.Task(t, "later", func(c *check.C) {
		rdb := client(c, nil)
		defer rdb.Close()
		for i, text := range []string{
			"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
			"CLUSTERDOWN The cluster is down", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
			"OOM command not allowed when used memory > 'maxmemory'.",
		} {
			key := c.Key(fmt.Sprintf("gifts:%d", i))
			clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Command: "INCR", Times: 2, Message: text})
			p, slept := policy(c, false)
			err := exercise.Do(c.Context(), p, func(ctx context.Context) error { return rdb.Incr(ctx, key).Err() })
			clear()
			c.Written(err)
			if err != nil {
				c.Fail("Redis said %q twice and would have counted the third time: Do returned %v.", text, err)
			}
			if len(*slept) != 2 {
				c.Fail("Redis said %q twice: Do waited %d times, want twice.", text, len(*slept))
			}
			if n := c.Direct().Get(c.Context(), key).Val(); n != "1" {
				c.Fail("One gift was counted as %s.", n)
			}
		}
		nobody := closedPort(c)
		for name, refused := range map[string]func(context.Context) error{
			"a connection that was refused": func(ctx context.Context) error { return dial(ctx, nobody) },
			"no free connection":            func(context.Context) error { return fmt.Errorf("gift: %w", redis.ErrPoolTimeout) },
		} {
			calls := 0
			p, _ := policy(c, false)
			err := exercise.Do(c.Context(), p, func(ctx context.Context) error { calls++; return refused(ctx) })
			if calls != p.Attempts || err == nil {
				c.Fail("After %s nothing was executed: want %d attempts and the error, got %d and %v.", name, p.Attempts, calls, err)
			}
		}
	})
}

// closedPort is an address where nobody listens.
func closedPort(c *check.C) string {
	l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", "127.0.0.1:0")
	c.NoError(err, "listen")
	defer l.Close()
	return l.Addr().String()
}

func dial(ctx context.Context, addr string) error {
	nobody := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1})
	defer nobody.Close()
	return nobody.Ping(ctx).Err()
}

func TestUnsure(t *testing.T) {
	check.Task(t, "unsure", func(c *check.C) {
		for _, silent := range []bool{false, true} {
			what := "the connection broke before the reply came"
			if silent {
				what = "the reply never came"
			}
			rdb := client(c, func(o *redis.Options) { o.ReadTimeout = 150 * time.Millisecond })
			key := c.Key(fmt.Sprintf("gifts:%v", silent))
			clear := c.Throw(tap.Fault{Kind: tap.LoseReply, Command: "INCR", Times: 1, Silent: silent})
			p, _ := policy(c, false)
			err := exercise.Do(c.Context(), p, func(ctx context.Context) error { return rdb.Incr(ctx, key).Err() })
			clear()
			c.Written(err)
			if n := c.Direct().Get(c.Context(), key).Val(); n != "1" {
				c.Fail("One gift, %s, and INCR may not run twice: it was counted as %s.", what, n)
			}
			if err == nil {
				c.Fail("One gift, %s: Do returned no error, and nobody can know that it was counted.", what)
			}
			clear = c.Throw(tap.Fault{Kind: tap.LoseReply, Command: "SET", Times: 1, Silent: silent})
			p, _ = policy(c, true)
			err = exercise.Do(c.Context(), p, func(ctx context.Context) error { return rdb.Set(ctx, c.Key("name"), "nora", 0).Err() })
			clear()
			if err != nil {
				c.Fail("A SET, %s, and it may run twice: Do returned %v, want it tried again.", what, err)
			}
			c.NoError(rdb.Close(), "Close")
		}
	})
}

func TestNever(t *testing.T) {
	check.Task(t, "never", func(c *check.C) {
		rdb := client(c, nil)
		defer rdb.Close()
		list := c.Key("list")
		c.NoError(c.Direct().RPush(c.Context(), list, "a").Err(), "RPUSH")
		ours := errors.New("no such donor")
		for name, op := range map[string]func(ctx context.Context) error{
			"a miss":                        func(ctx context.Context) error { return rdb.Get(ctx, c.Key("nothing")).Err() },
			"WRONGTYPE":                     func(ctx context.Context) error { return rdb.Incr(ctx, list).Err() },
			"a wrong command":               func(ctx context.Context) error { return rdb.Do(ctx, "INKR", list).Err() },
			"an error of the program's own": func(context.Context) error { return ours },
		} {
			for _, idempotent := range []bool{false, true} {
				p, slept := policy(c, idempotent)
				calls := 0
				var last error
				err := exercise.Do(c.Context(), p, func(ctx context.Context) error { calls++; last = op(ctx); return last })
				c.Written(err)
				if calls != 1 || len(*slept) > 0 {
					c.Fail("%s (%v) will be the same each time: Do tried %d times.", name, last, calls)
				}
				if !errors.Is(err, last) {
					c.Fail("op ended with %v, and Do returned %v.", last, err)
				}
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	check.Task(t, "backoff", func(c *check.C) {
		down := func(context.Context) error { return redis.ErrPoolTimeout }
		for _, part := range []float64{0, 0.25, 0.5, 0.999} {
			p, slept := policy(c, false)
			p.Attempts, p.Rand = 9, func() float64 { return part }
			c.Written(exercise.Do(c.Context(), p, down))
			if len(*slept) != 8 {
				c.Fail("Nine attempts and no success: Do waited %d times, want 8.", len(*slept))
			}
			for n, d := range *slept {
				bound := min(p.Max, p.Base<<n)
				if want := time.Duration(part * float64(bound)); (d - want).Abs() > time.Microsecond {
					c.Fail("Rand is %g, and wait %d of at most %v was %v, want %v: without the random part all who failed together come back together.", part, n, bound, d, want)
				}
			}
		}
		// A herd: nobody may wait as long as another by design.
		waits := map[time.Duration]int{}
		for range 50 {
			p, slept := policy(c, false)
			p.Attempts = 2
			c.Written(exercise.Do(c.Context(), p, down))
			for _, d := range *slept {
				waits[d]++
			}
		}
		if len(waits) < 40 {
			c.Fail("50 callers failed at the same moment, and wait one of %d times: they come back as a herd.", len(waits))
		}
	})
}

func TestGone(t *testing.T) {
	check.Task(t, "gone", func(c *check.C) {
		p, _ := policy(c, true)
		over, cancel := context.WithCancel(c.Context())
		cancel()
		calls := 0
		err := exercise.Do(over, p, func(context.Context) error { calls++; return nil })
		c.Written(err)
		if calls > 0 || !errors.Is(err, context.Canceled) {
			c.Fail("The caller had left before: op was called %d times, and Do returned %v, want none and context.Canceled.", calls, err)
		}
		leaving, cancel := context.WithCancel(c.Context())
		p, slept := policy(c, true)
		err = exercise.Do(leaving, p, func(context.Context) error { calls++; cancel(); return io.EOF })
		if calls != 1 || !errors.Is(err, io.EOF) {
			c.Fail("The caller left during the first attempt: op was called %d times, after %d waits, and Do returned %v.", calls, len(*slept), err)
		}
		// In ten seconds nobody is there any more, and the wait would be longer.
		short, cancel := context.WithTimeout(c.Context(), 10*time.Second)
		defer cancel()
		p, slept = policy(c, true)
		p.Base, p.Max, p.Rand = time.Hour, time.Hour, func() float64 { return 0.5 }
		calls = 0
		err = exercise.Do(short, p, func(context.Context) error { calls++; return io.EOF })
		if calls != 1 || len(*slept) > 0 || !errors.Is(err, io.EOF) {
			c.Fail("The deadline is in ten seconds and the wait half an hour: Do waited %d times and called op %d times, want no wait, and the error of the first.", len(*slept), calls)
		}
		slow := p
		slow.Base, slow.Max = time.Second, time.Second
		slow.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
		calls = 0
		_ = exercise.Do(c.Context(), slow, func(context.Context) error { calls++; return io.EOF })
		if calls != 1 {
			c.Fail("The caller left during the wait (Sleep returned an error): op was called %d times, want once.", calls)
		}
	})
}
