//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/07-blocking/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestWorks(t *testing.T) {
	check.Task(t, "works", func(c *check.C) {
		const left = "job 0"
		c.NoError(c.Direct().LPush(c.Context(), c.Key("jobs:hand"), left).Err(), "LPUSH")
		want := []string{left}
		for i := range 5 + c.Rand().IntN(10) {
			job := fmt.Sprintf("job %d", i+1)
			c.NoError(c.Direct().LPush(c.Context(), c.Key("jobs"), job).Err(), "LPUSH")
			want = append(want, job)
		}
		w := start(c, "jobs", nil)
		var got []string
		for len(got) < len(want)-1 {
			got = append(got, w.next())
		}
		if !slices.Contains(got, left) {
			c.Fail("%q was in hand when Work began, left by a worker that died. It should be done first, and Work did %s.", left, strings.Join(got, ", "))
		}
		got = append(got, w.next())
		if !slices.Equal(got, want) {
			c.Fail("Work should do %s, and did %s.", strings.Join(want, ", "), strings.Join(got, ", "))
		}
		w.push("the last") // when it is begun, the one before is over
		w.next()
		if held := w.in(w.hand); len(held) > 1 {
			c.Fail("Every job is done but the last, and hand holds %s.", w.list(w.hand))
		}
		w.stop()
	})
}

func TestQuiet(t *testing.T) {
	check.Task(t, "quiet", func(c *check.C) {
		w := start(c, "jobs", nil)
		w.asleep()
		sent := c.Commands(func() { time.Sleep(300 * time.Millisecond) })
		if len(sent) > 2 {
			c.Fail("There was no job, and in 0.3 seconds Work sent %d commands, such as %s: it asks again and again.", len(sent), c.Line(sent[0]))
		}
		var late []time.Duration
		for i := range 3 {
			time.Sleep(time.Duration(10+c.Rand().IntN(30)) * time.Millisecond)
			begun := time.Now()
			w.push(fmt.Sprintf("job %d", i))
			w.next()
			late = append(late, time.Since(begun))
		}
		slices.Sort(late)
		if middle := late[len(late)/2]; middle > 100*time.Millisecond {
			c.Fail("Work had nothing to do, and half of the jobs that came had to wait for %v and more.", middle.Round(time.Millisecond))
		}
		w.stop()
	})
}

func TestStops(t *testing.T) {
	check.Task(t, "stops", func(c *check.C) {
		w := start(c, "jobs", nil)
		w.asleep()
		w.finish("while it waited for a job")
	})
}

func TestHand(t *testing.T) {
	check.Task(t, "hand", func(c *check.C) {
		atWork(c)
		atTheDoor(c)
		failing(c)
	})
}

// atWork tells the worker to stop in the middle of a job.
func atWork(c *check.C) {
	cut := make(chan bool, 10)
	told := make(chan struct{})
	w := start(c, "at-work", func(ctx context.Context, _ string) error {
		<-told
		time.Sleep(20 * time.Millisecond)
		cut <- ctx.Err() != nil
		return nil
	})
	w.push("first", "second")
	w.next()
	w.stop()
	close(told)
	w.join("in the middle of a job")
	switch {
	case <-cut:
		c.Fail("Work was told to stop in the middle of a job, and the context of do ended: the job is cut off half done.")
	case len(w.begun) > 0:
		c.Fail("Work was told to stop in the middle of a job, and after that it began another one.")
	case slices.Contains(w.in(w.hand), "first"):
		c.Fail("The job was done, Work returned nil, and the job is still in hand: the next worker will do it again.")
	}
	w.noted("second", "in the middle of another job")
}

// atTheDoor tells the worker to stop while it waits, and then a job comes.
func atTheDoor(c *check.C) {
	w := start(c, "at-the-door", nil)
	w.asleep()
	w.stop()
	time.Sleep(20 * time.Millisecond)
	w.push("late")
	w.join("while it waited, and then a job came")
	w.noted("late", "while it waited, before the job came")
}

// noted fails unless a job is either done or in the queue, once.
func (w *worker) noted(job, when string) {
	places := 0
	for _, there := range []bool{w.did(job), slices.Contains(w.in(w.queue), job)} {
		if there {
			places++
		}
	}
	switch {
	case slices.Contains(w.in(w.hand), job):
		w.c.Fail("Work was told to stop %s. It returned nil, and %q was left in hand.", when, job)
	case places == 0:
		w.c.Fail("Work was told to stop %s. %q was not done, and it is in no list: it is lost.", when, job)
	case places == 2:
		w.c.Fail("Work was told to stop %s. %q was done, and it is in the queue again.", when, job)
	}
}

// failing lets do fail.
func failing(c *check.C) {
	oops := errors.New("the lift is broken")
	w := start(c, "failing", func(context.Context, string) error { return oops })
	defer w.stop()
	w.push("heavy")
	w.next()
	select {
	case err := <-w.ended:
		if !errors.Is(err, oops) {
			c.Fail("do returned the error %q, and Work returned: %v", oops, err)
		}
	case <-time.After(2 * time.Second):
		c.Fail("do returned an error, and Work did not end.")
	}
	if !slices.Contains(w.in(w.hand), "heavy") {
		c.Fail("do returned an error, and the job is not in hand any more. In the queue: %s.", w.list(w.queue))
	}
}

func TestCrash(t *testing.T) {
	check.Task(t, "crash", func(c *check.C) {
		const job = "towels"
		places := []string{"queue", "hand", "done"}
		c.Explore(race.Scenario{
			Name: "crash", Title: "a worker that dies",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return rdb.LPush(ctx, k("queue"), job).Err()
			},
			Actors: []race.Actor{{Name: "worker", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				ctx, stop := context.WithCancel(ctx)
				defer stop()
				return exercise.Work(ctx, rdb, k("queue"), k("hand"), func(ctx context.Context, job string) error {
					stop() // after this one
					return rdb.LPush(ctx, k("done"), job).Err()
				})
			}}},
			Check: func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
				for _, place := range places {
					n, err := rdb.LLen(ctx, k(place)).Result()
					if err != nil {
						return err
					}
					if n > 0 {
						return nil
					}
				}
				return &race.Violation{Message: "The job was not done, and it is neither in the queue nor in hand: it is lost."}
			},
		})
	})
}
