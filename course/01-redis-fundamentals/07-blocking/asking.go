package blocking

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

const (
	porters = 2                     // workers that look for jobs
	pause   = 25 * time.Millisecond // between two jobs, on average
)

// region: poll

// poll asks for a job, and sleeps when there is none.
func poll(ctx context.Context, rdb redis.Cmdable, queue string, every time.Duration) (string, error) {
	for {
		job, err := rdb.RPop(ctx, queue).Result()
		if !errors.Is(err, redis.Nil) {
			return job, err
		}
		time.Sleep(every)
	}
}

// endregion

// region: block

// block has Redis answer when there is a job, or after a second without one.
func block(ctx context.Context, rdb redis.Cmdable, queue string) (string, error) {
	for {
		popped, err := rdb.BRPop(ctx, time.Second, queue).Result()
		if err == nil {
			return popped[1], nil // popped[0] is the list, for BRPOP can wait on several
		}
		if !errors.Is(err, redis.Nil) {
			return "", err
		}
	}
}

// endregion

// manner is one way of waiting for a job.
type manner struct {
	metric, label string
	next          func(ctx context.Context, rdb redis.Cmdable, queue string) (string, error)
}

func polling(metric, label string, every time.Duration) manner {
	return manner{metric, label, func(ctx context.Context, rdb redis.Cmdable, queue string) (string, error) {
		return poll(ctx, rdb, queue, every)
	}}
}

var manners = []manner{
	polling("100ms", "ask every 100 ms", 100*time.Millisecond),
	polling("10ms", "ask every 10 ms", 10*time.Millisecond),
	polling("spin", "ask without a pause", 0),
	{"brpop", "BRPOP", block},
}

// watched is what a manner of waiting has cost.
type watched struct {
	jobs     int
	commands int64
	late     time.Duration // in the middle: half of the jobs were found later
	cpu      float64       // of the server, in seconds
}

// asking gives the same jobs to porters who ask, and to porters who wait.
func asking(ctx context.Context, r *unit.Run) error {
	window := r.Duration("window")
	load := unit.Chart{Kind: unit.Bars, Title: "Commands that the porters sent", Series: []unit.Series{{Name: "commands"}}}
	lag := unit.Chart{Kind: unit.Bars, Title: "From the ring to the door", Unit: "ms", Timing: true, Series: []unit.Series{{Name: "middle"}}}
	cpu := unit.Chart{Kind: unit.Bars, Title: "CPU of Redis", Unit: "%", Timing: true, Series: []unit.Series{{Name: "of one core"}}}
	for _, m := range manners {
		r.Step("%d porters, a guest every %s or so: %s.", porters, unit.Span(pause), m.label)
		w, err := m.watch(ctx, r, window)
		if err != nil {
			return err
		}
		share := 100 * w.cpu / window.Seconds()
		r.Metric(unit.Metric{Name: "commands_" + m.metric, Label: fmt.Sprintf("commands for %d jobs: %s", w.jobs, m.label), Value: float64(w.commands)})
		r.Metric(unit.Metric{Name: "vain_" + m.metric, Label: "commands that brought no job: " + m.label, Value: float64(w.commands) - float64(w.jobs), Minor: true})
		r.Metric(unit.Metric{Name: "late_" + m.metric, Label: "until a job is found: " + m.label, Value: ms(w.late), Unit: "ms", Timing: true, Minor: true})
		r.Metric(unit.Metric{Name: "cpu_" + m.metric, Label: "CPU of Redis, of one core: " + m.label, Value: share, Unit: "%", Timing: true, Minor: true})
		load.Series[0].Points = append(load.Series[0].Points, unit.Point{Label: m.label, Y: float64(w.commands)})
		lag.Series[0].Points = append(lag.Series[0].Points, unit.Point{Label: m.label, Y: ms(w.late)})
		cpu.Series[0].Points = append(cpu.Series[0].Points, unit.Point{Label: m.label, Y: share})
	}
	r.Chart(load)
	r.Chart(lag)
	r.Chart(cpu)
	return nil
}

// watch has the porters wait this way for as long as the window is, while jobs
// come in. A job is the moment at which it was put in.
func (m manner) watch(ctx context.Context, r *unit.Run, window time.Duration) (watched, error) {
	queue := r.Key("jobs:" + m.metric)
	rdb := r.Client("porters", func(o *redis.Options) { o.PoolSize = porters })
	sent := new(atomic.Int64)
	rdb.AddHook(counter{sent})
	found := make(chan time.Duration, 10_000)
	ended := make(chan error, porters)
	before, err := cpuTime(ctx, r)
	if err != nil {
		return watched{}, err
	}
	for i := range porters {
		go func() {
			time.Sleep(time.Duration(i) * 50 * time.Millisecond) // so that two do not ask at the same moment
			ended <- m.work(ctx, rdb, queue, found)
		}()
	}
	w, err := ring(ctx, r, queue, window)
	if err != nil {
		return watched{}, err
	}
	after, err := cpuTime(ctx, r)
	if err != nil {
		return watched{}, err
	}
	w.commands, w.cpu = sent.Load(), after-before
	for range porters { // and now they may go home
		if err := r.Redis().LPush(ctx, queue, "0").Err(); err != nil {
			return watched{}, err
		}
	}
	for range porters {
		if err := <-ended; err != nil {
			return watched{}, err
		}
	}
	close(found)
	var lags []time.Duration
	for lag := range found {
		lags = append(lags, lag)
	}
	slices.Sort(lags)
	w.late = lags[len(lags)/2]
	return w, nil
}

// work takes jobs until the one that says stop.
func (m manner) work(ctx context.Context, rdb redis.Cmdable, queue string, found chan<- time.Duration) error {
	for {
		job, err := m.next(ctx, rdb, queue)
		if err != nil {
			return err
		}
		at, err := strconv.ParseInt(job, 10, 64)
		if err != nil || at == 0 {
			return err
		}
		found <- time.Since(time.Unix(0, at))
	}
}

// ring puts jobs into the queue at odd moments until the window is over.
func ring(ctx context.Context, r *unit.Run, queue string, window time.Duration) (watched, error) {
	var w watched
	chance := rand.New(rand.NewPCG(1, 7)) // the same moments for every manner
	for until := time.Now().Add(window); time.Now().Before(until); w.jobs++ {
		time.Sleep(pause/2 + time.Duration(chance.Int64N(int64(pause))))
		if err := r.Redis().LPush(ctx, queue, time.Now().UnixNano()).Err(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// counter counts how often a client asks for a job. Handshakes of its connections
// are not asking.
type counter struct{ sent *atomic.Int64 }

func (c counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if name := cmd.Name(); name == "rpop" || name == "brpop" {
			c.sent.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (c counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// cpuTime is what the server has used so far, in seconds. The embedded one is a
// part of this process and has none of its own.
func cpuTime(ctx context.Context, r *unit.Run) (seconds float64, err error) {
	if r.Embedded() {
		return 0, nil
	}
	info, err := r.Redis().Info(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name != "used_cpu_sys" && name != "used_cpu_user" {
			continue
		}
		part, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("INFO cpu: %w", err)
		}
		seconds += part
	}
	return seconds, nil
}
