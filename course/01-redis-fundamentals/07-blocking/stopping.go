package blocking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// waiter is a BLPOP under way.
type waiter struct {
	stop     context.CancelFunc // what a deploy does to it
	answered chan answered
}

type answered struct {
	popped []string
	err    error
	after  time.Duration
}

// begin sends a BLPOP and does not wait for its reply.
func begin(ctx context.Context, rdb *redis.Client, queue string, timeout time.Duration) waiter {
	ctx, stop := context.WithCancel(ctx)
	w := waiter{stop, make(chan answered, 1)}
	begun := time.Now()
	go func() {
		popped, err := rdb.BLPop(ctx, timeout, queue).Result()
		w.answered <- answered{popped, err, time.Since(begun)}
	}()
	return w
}

// warm connects a pool of two, so that a command is on its way as soon as its
// connection is taken.
func warm(ctx context.Context, rdb *redis.Client) error {
	one, two := rdb.Conn(), rdb.Conn()
	err := errors.Join(one.Ping(ctx).Err(), two.Ping(ctx).Err())
	return errors.Join(err, one.Close(), two.Close())
}

// deploy is two workers who were told to stop while they waited.
type deploy struct {
	queue           string
	endless, second waiter
	told            time.Time
}

// telling lets two workers wait, and tells them to stop.
func telling(ctx context.Context, r *unit.Run) (*deploy, error) {
	r.Step("A deploy: two workers wait, one without a timeout and one for a second at most, and are told to stop by their context. We leave them alone, and look after them at the end.")
	rdb := r.Client("workers", func(o *redis.Options) { o.PoolSize = 2 })
	if err := warm(ctx, rdb); err != nil {
		return nil, err
	}
	d := &deploy{queue: r.Key("jobs:deploy")}
	d.endless, d.second = begin(ctx, rdb, d.queue, 0), begin(ctx, rdb, r.Key("jobs:empty"), time.Second)
	for rdb.PoolStats().IdleConns > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // both commands are on their way
	d.endless.stop()
	d.second.stop()
	d.told = time.Now()
	return d, ctx.Err()
}

// looking looks after the two workers.
func (d *deploy) looking(ctx context.Context, r *unit.Run) error {
	back := <-d.second.answered
	deaf := time.Since(d.told).Round(100 * time.Millisecond)
	r.Step("Back to the two workers who were told to stop %s ago. Now a job comes for the first one.", unit.Span(deaf))
	select {
	case early := <-d.endless.answered:
		return fmt.Errorf("the BLPOP without a timeout ended with its context: %w", early.err)
	default:
	}
	r.Metric(unit.Metric{Name: "deaf", Label: "workers that still wait: BLPOP without a timeout", Value: 1, Tone: unit.Bad})
	if err := r.Redis().LPush(ctx, d.queue, "room-12").Err(); err != nil {
		return err
	}
	late := <-d.endless.answered
	given := 0.0
	if late.err == nil {
		given = 1
	}
	r.Metric(unit.Metric{Name: "late_job", Label: "jobs handed to the worker that was told to stop", Value: given, Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "second", Label: "BLPOP of one second, until it came back", Value: ms(back.after), Unit: "ms", Timing: true, Minor: true})
	r.Table(unit.Table{Title: "What the two commands returned, after their contexts had ended", Columns: []string{"command", "came back", "with"}, Rows: [][]string{
		{"BLPOP jobs 0", "when a job came", late.text()},
		{"BLPOP jobs 1", "after its second", back.text()},
	}})
	return nil
}

// text is a reply of BLPOP for people.
func (a answered) text() string {
	switch {
	case errors.Is(a.err, redis.Nil):
		return "redis.Nil: no job"
	case a.err != nil:
		return a.err.Error()
	}
	return fmt.Sprintf("%q, and no error", a.popped[1])
}
