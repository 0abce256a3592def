package race

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/kit/redistest"
)

func play(t *testing.T, env Env, sc Scenario, schedule string) *Outcome {
	t.Helper()
	out, err := playErr(t, env, sc, schedule)
	if err != nil {
		t.Fatalf("Play(%s): %v", schedule, err)
	}
	return out
}

func playErr(t *testing.T, env Env, sc Scenario, schedule string) (*Outcome, error) {
	t.Helper()
	s, err := ParseSchedule(schedule)
	if err != nil {
		t.Fatal(err)
	}
	return Play(t.Context(), env, sc, s)
}

func TestPlay_outcome(t *testing.T) {
	onBoth(t, func(t *testing.T, env Env) {
		n := func(value string) []picture.Key {
			return []picture.Key{{Name: "n", Type: "string", TTL: -1, Length: 1, Items: []picture.Item{{Value: value}}}}
		}
		step := func(actor int, command, reply, after string) Step {
			return Step{Move: Move{Actor: actor}, Name: []string{"alice", "bob"}[actor], Command: command, Reply: reply, Keys: n(after)}
		}
		steps := []Step{
			step(0, "GET n", `"0"`, "0"), step(1, "GET n", `"0"`, "0"),
			step(0, "SET n 1", "OK", "1"), step(1, "SET n 1", "OK", "1"),
		}
		// Stepping: each beginning of the schedule says what may come next.
		next := [][]string{{"GET n", "GET n"}, {"SET n 1", "GET n"}, {"SET n 1", "SET n 1"}, {"", "SET n 1"}, {"", ""}}
		ends := [][]string{{"", ""}, {"", ""}, {"", ""}, {"done", ""}, {"done", "done"}}
		for i := range 5 {
			schedule := "A B A B"[:max(0, 2*i-1)]
			want := &Outcome{Schedule: schedule, Actors: []string{"alice", "bob"}, Steps: steps[:i], Next: next[i], Ends: ends[i], Keys: n("0")}
			if i == 4 {
				want.Done, want.Violation = true, "2 added, n is 1"
			}
			got := play(t, env, counter(2, getSet), schedule)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(picture.Key{}, "Encoding")); diff != "" {
				t.Errorf("Play(%s) (-want +got):\n%s", schedule, diff)
			}
		}
		if got := play(t, env, counter(2, getSet), "A A B B"); got.Violation != "" || got.Good != "nothing was lost" {
			t.Errorf("Play(A A B B) = %q, %q; want the good sentence", got.Violation, got.Good)
		}
	})
}

func TestPlay_deterministic(t *testing.T) {
	onBoth(t, func(t *testing.T, env Env) {
		for _, add := range []func(context.Context, Client, string) error{getSet, watchSet, incrAgain, script} {
			sc := counter(2, add)
			report := explore(t, env, sc, Options{Faults: true})
			schedule := "A"
			if report.Shortest != nil {
				schedule = report.Shortest.Schedule
			}
			first := play(t, env, sc, schedule)
			for range 100 {
				if diff := cmp.Diff(first, play(t, env, sc, schedule)); diff != "" {
					t.Fatalf("Play(%s) again (-first +again):\n%s", schedule, diff)
				}
			}
		}
	})
}

func TestPlay_wrongSchedule(t *testing.T) {
	env := envOf(t, redistest.Addr(t))
	for schedule, want := range map[string]string{
		"A A B B A": `race: schedule "A A B B A", step 5: alice has ended`,
		"A! A":      `step 2: alice has ended`,
		"A C":       `step 2: there are 2 actors`,
	} {
		_, err := playErr(t, env, counter(2, getSet), schedule)
		if _, ok := errors.AsType[*ScheduleError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("Play(%s) = %v, want %s", schedule, err, want)
		}
	}
	for _, move := range []Move{{Actor: -1}, {Fault: "fire"}} {
		_, err := Play(t.Context(), env, counter(2, getSet), Schedule{move})
		if _, ok := errors.AsType[*ScheduleError](err); !ok {
			t.Errorf("Play of %+v = %v, want a *ScheduleError", move, err)
		}
	}
}

// What a crashed or abandoned actor still tries must not reach Redis, whatever
// context it uses.
func TestPlay_nothingAfterTheEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, env Env) {
		var refusals []error
		sc := counter(2, func(ctx context.Context, c Client, key string) error {
			defer func() {
				err := c.Set(context.Background(), key, "cleaned up", 0).Err()
				_, pipe := c.Pipelined(context.Background(), func(p redis.Pipeliner) error { return p.Set(ctx, key, "cleaned up", 0).Err() })
				refusals = append(refusals, err, pipe, ctx.Err())
			}()
			if err := c.Get(ctx, key).Err(); err != nil {
				return err
			}
			return incr(ctx, c, key)
		})
		out := play(t, env, sc, "A A! B")
		want := []error{ErrCrashed, ErrCrashed, context.Canceled, errOver, errOver, context.Canceled}
		if diff := cmp.Diff(want, refusals, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("the clean-ups got (-want +got):\n%s", diff)
		}
		if got := out.Steps[2].Keys[0].Items[0].Value; got != "0" {
			t.Errorf("n = %q after the crash, want 0", got)
		}
		if diff := cmp.Diff([]string{"crashed", ""}, out.Ends); diff != "" {
			t.Errorf("Ends (-want +got):\n%s", diff)
		}
	})
}

// A goroutine that Do left behind must not send anything in the next run.
func TestPlay_leftBehind(t *testing.T) {
	late := make(chan error)
	send := make(chan struct{})
	runs := 0
	sc := counter(1, func(ctx context.Context, c Client, key string) error {
		if runs++; runs == 1 {
			go func() { <-send; late <- incr(ctx, c, key) }()
			return nil
		}
		close(send)
		if err := <-late; !errors.Is(err, errOver) {
			return fmt.Errorf("INCR of the run before = %v, want %v", err, errOver)
		}
		return incr(ctx, c, key)
	})
	s, err := newStage(envOf(t, redistest.Addr(t)), sc)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.play(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	out, err := s.play(t.Context(), Schedule{{}})
	if err != nil || out.Ends[0] != "done" {
		t.Errorf("second run = %+v, %v", out, err)
	}
}

func TestPlay_lostReply(t *testing.T) {
	onBoth(t, func(t *testing.T, env Env) {
		var lost []any
		sc := counter(1, func(ctx context.Context, c Client, key string) error {
			n, err := c.Incr(ctx, key).Result()
			lost = append(lost, n, err)
			cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, key); return nil })
			lost = append(lost, cmds[0].(*redis.IntCmd).Val(), cmds[0].Err(), err)
			return nil
		})
		out := play(t, env, sc, "A? A?")
		// Nothing but the error is heard; what happened shows in the data.
		want := []any{int64(0), error(ErrReplyLost), int64(0), error(ErrReplyLost), error(ErrReplyLost)}
		if diff := cmp.Diff(want, lost, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("the actor got (-want +got):\n%s", diff)
		}
		if !ErrReplyLost.Timeout() {
			t.Error("ErrReplyLost is no timeout")
		}
		if got := out.Steps[1]; got.Reply != "[2]" || got.Keys[0].Items[0].Value != "2" || got.Fault != LostReply {
			t.Errorf("second step = %+v, want both INCR executed", got)
		}
	})
}

func TestPlay_blocking(t *testing.T) {
	sc := Scenario{
		Name:  "queue",
		Watch: []string{"jobs"},
		Actors: []Actor{
			{Name: "worker", Do: func(ctx context.Context, c Client, k Keys) error {
				job, err := c.BLPop(ctx, 0, k("jobs")).Result()
				if err != nil {
					return err
				}
				return c.RPush(ctx, k("done"), job[1]).Err()
			}},
			{Name: "producer", Do: func(ctx context.Context, c Client, k Keys) error {
				if err := c.Ping(ctx).Err(); err != nil {
					return err
				}
				return c.RPush(ctx, k("jobs"), "mail").Err()
			}},
		},
		Check: func(ctx context.Context, c Client, k Keys, _ []End) error {
			done, err := c.LRange(ctx, k("done"), 0, -1).Result()
			if err == nil && len(done) != 1 {
				return &Violation{Message: fmt.Sprint("done: ", done)}
			}
			return err
		},
	}
	onBoth(t, func(t *testing.T, env Env) {
		out := play(t, env, sc, "A B")
		if !out.Steps[0].Waits || out.Steps[0].Reply != "" || out.Next[0] != "" || out.Ends[0] != "waits in Redis" || out.Done {
			t.Errorf("Play(A B) = %+v, want the worker to wait", out)
		}
		_, err := playErr(t, env, sc, "A A")
		if err == nil || !strings.Contains(err.Error(), "step 2: worker waits in Redis for the reply to BLPOP jobs 0") {
			t.Errorf("Play(A A) = %v, want that the worker waits", err)
		}
		out = play(t, env, sc, "A B B A")
		if !out.Done || out.Violation != "" || out.Steps[0].Reply != `["jobs", "mail"]` {
			t.Errorf("Play(A B B A) = %+v, want the job to be done", out)
		}
		// Orders: BLPOP stands first, second or third among PING and RPUSH; only behind
		// both is it answered at once. RPUSH to done is last in each.
		report := explore(t, env, sc, Options{})
		if report.Orders != 3 || report.Failing != 0 {
			t.Errorf("Explore = %d orders, %d failing; want 3, 0", report.Orders, report.Failing)
		}
		// A producer that ends too early leaves the worker waiting for ever.
		report = explore(t, env, sc, Options{Faults: true})
		if report.Failing == 0 || report.Shortest.Schedule != "A B?" ||
			report.Shortest.Violation != "worker waits for the reply to BLPOP jobs 0, and nobody is left who could bring it" {
			t.Errorf("Explore with faults = %+v, shortest %+v", *report, report.Shortest)
		}
	})
}

// A wait that ends by itself ends when nobody else can move.
func TestPlay_blockingTimeout(t *testing.T) {
	sc := counter(2, func(ctx context.Context, c Client, key string) error {
		if err := c.BLPop(ctx, time.Second, key+":none").Err(); !errors.Is(err, redis.Nil) {
			return fmt.Errorf("BLPOP = %v, want %v", err, redis.Nil)
		}
		return incr(ctx, c, key)
	})
	onBoth(t, func(t *testing.T, env Env) {
		out := play(t, env, sc, "A B A B")
		if !out.Done || out.Violation != "" || out.Steps[0].Reply != "(nil)" || !out.Steps[1].Waits {
			t.Errorf("Play = %+v, want both to end well", out)
		}
	})
}

func TestPlay_actorMistakes(t *testing.T) {
	type mistake struct {
		name, schedule, want string
		do                   func(ctx context.Context, c Client, key string) error
	}
	for _, test := range []mistake{
		{"waits for the other outside Redis", "", "race: alice neither ended nor sent a command within 5s: an actor must wait for others only through Redis",
			func(ctx context.Context, _ Client, _ string) error { <-ctx.Done(); return nil }},
		{"two commands at once", "A", "race: alice sent two commands at once",
			func(ctx context.Context, c Client, key string) error {
				started := make(chan struct{})
				finished := make(chan error)
				go func() { close(started); finished <- c.Incr(ctx, key).Err() }()
				<-started
				err := errors.Join(c.Incr(ctx, key).Err(), <-finished)
				return err
			}},
		{"client within Watch", "A", "race: alice sends GET n by its client while its Watch runs", within(
			func(ctx context.Context, c Client, key string) error { return c.Get(ctx, key).Err() })},
		{"pipeline of the client within Watch", "A", "race: alice sends MULTI; SET n 1; EXEC by its client while its Watch runs", within(
			func(ctx context.Context, c Client, key string) error {
				_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, key, 1, 0).Err() })
				return err
			})},
		{"Watch within Watch", "A", "race: alice sends WATCH by its client while its Watch runs", within(
			func(ctx context.Context, c Client, key string) error { return watchSet(ctx, c, key) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := playErr(t, envOf(t, redistest.Addr(t)), counter(1, test.do), test.schedule)
			if _, ok := errors.AsType[*ActorError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Play = %v, want %s", err, test.want)
			}
			if got, want := errors.Is(err, ErrOutsideTx), strings.Contains(test.name, "Watch"); got != want {
				t.Errorf("Play = %v, is ErrOutsideTx: %v, want %v", err, got, want)
			}
		})
	}
}

// within calls f from inside a Watch, where it must not use its client.
func within(f func(ctx context.Context, c Client, key string) error) func(ctx context.Context, c Client, key string) error {
	return func(ctx context.Context, c Client, key string) error {
		return c.Watch(ctx, func(*redis.Tx) error { return f(ctx, c, key) }, key)
	}
}

func TestPlay_oddEnds(t *testing.T) {
	for want, do := range map[string]func(ctx context.Context, c Client, key string) error{
		"panicked: oh":        func(context.Context, Client, string) error { panic("oh") },
		"ended its goroutine": func(context.Context, Client, string) error { runtime.Goexit(); return nil },
		"n is full":           func(_ context.Context, _ Client, key string) error { return errors.New(key + " is full") },
		"done":                func(context.Context, Client, string) error { return nil },
	} {
		out := play(t, envOf(t, redistest.Addr(t)), counter(1, do), "")
		if out.Ends[0] != want || !out.Done {
			t.Errorf("Ends = %q, want %q", out.Ends, want)
		}
	}
}

func TestPlay_cancelled(t *testing.T) {
	env := envOf(t, redistest.Addr(t))
	ctx, cancel := context.WithCancel(t.Context())
	sc := counter(2, func(ctx context.Context, c Client, key string) error {
		err := incr(ctx, c, key)
		cancel()
		<-ctx.Done()
		return err
	})
	if _, err := Play(ctx, env, sc, Schedule{{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Play = %v, want %v", err, context.Canceled)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancelled := Options{Progress: func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}}
	if _, err := Explore(ctx, env, counter(2, getSet), cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Explore = %v, want %v", err, context.Canceled)
	}
	// Between two moves: the actors stand at their gates.
	ctx, cancel = context.WithCancel(t.Context())
	s, err := newStage(env, counter(2, getSet))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	r, err := s.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := r.move(ctx, Move{}); !errors.Is(err, context.Canceled) {
		t.Errorf("move = %v, want %v", err, context.Canceled)
	}
	if err := r.close(ctx); err != nil {
		t.Errorf("close = %v", err)
	}
}

func TestPlay_badScenario(t *testing.T) {
	env := envOf(t, redistest.Addr(t))
	none, idle, unchecked := counter(0, incr), counter(1, incr), counter(1, incr)
	idle.Actors[0].Do, unchecked.Check = nil, nil
	broken := counter(1, incr)
	broken.Setup = func(context.Context, Client, Keys) error { return errors.New("no room") }
	for want, sc := range map[string]Scenario{
		"must have 1 to 26 actors, has 0": none,
		"alice has nothing to Do":         idle,
		"has no Check":                    unchecked,
		"race: set up counter: no room":   broken,
		"race: Env needs Dial and Direct": {},
	} {
		e := env
		if sc.Name == "" {
			e = Env{}
		}
		if _, err := Play(t.Context(), e, sc, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Play = %v, want %s", err, want)
		}
	}
}

// Do must not get a client that batches behind its back.
func TestPlay_clientHidesAutoPipeline(t *testing.T) {
	sc := counter(1, incr)
	sc.Actors[0].Do = func(ctx context.Context, c Client, k Keys) error {
		if _, ok := c.(interface {
			AutoPipeline() (*redis.AutoPipeliner, error)
		}); ok {
			return errors.New("has AutoPipeline")
		}
		if _, ok := c.(*redis.Client); ok {
			return errors.New("is a *redis.Client")
		}
		return c.Incr(ctx, k("n")).Err()
	}
	if out := play(t, envOf(t, redistest.Addr(t)), sc, "A"); out.Ends[0] != "done" {
		t.Errorf("Ends = %q", out.Ends)
	}
}
