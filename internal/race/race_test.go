package race

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// envOf is an environment on a server; it fails the test if a race leaves a key
// or a goroutine behind.
func envOf(t testing.TB, addr string) Env {
	before := goleak.IgnoreCurrent()
	direct := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	env := Env{
		Dial: func(name string) *redis.Client {
			return redis.NewClient(&redis.Options{Addr: addr, ClientName: name, PoolSize: 1, MaxRetries: -1})
		},
		Direct: direct,
		Prefix: fmt.Sprintf("race-%s-%d:", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano()),
	}
	t.Cleanup(func() {
		keys, err := direct.Keys(context.Background(), env.Prefix+"*").Result()
		if err != nil || len(keys) > 0 {
			t.Errorf("keys left behind: %q, %v", keys, err)
		}
		_ = direct.Close()
		goleak.VerifyNone(t, before)
	})
	return env
}

// onBoth runs a test on a real server and on the embedded one.
func onBoth(t *testing.T, f func(t *testing.T, env Env)) {
	t.Run("redis", func(t *testing.T) { f(t, envOf(t, redistest.Addr(t))) })
	t.Run("embedded", func(t *testing.T) { f(t, envOf(t, miniredis.RunT(t).Addr())) })
}

// counter is a scenario in which each actor adds one to n.
func counter(actors int, add func(ctx context.Context, c Client, key string) error) Scenario {
	sc := Scenario{
		Name:  "counter",
		Watch: []string{"n"},
		Setup: func(ctx context.Context, c Client, k Keys) error { return c.Set(ctx, k("n"), 0, 0).Err() },
		Check: func(ctx context.Context, c Client, k Keys, ends []End) error {
			got, err := c.Get(ctx, k("n")).Int()
			if err != nil {
				return err
			}
			// An actor that ended well has added one; one that did not may have.
			done, unknown := 0, 0
			for _, end := range ends {
				if end.Crashed || end.Err != nil {
					unknown++
				} else {
					done++
				}
			}
			if got < done || got > done+unknown {
				return &Violation{Message: fmt.Sprintf("%d added, %s is %d", done, k("n"), got)}
			}
			return nil
		},
		Good: "nothing was lost",
	}
	for _, name := range []string{"alice", "bob", "carol"}[:actors] {
		sc.Actors = append(sc.Actors, Actor{Name: name, Do: func(ctx context.Context, c Client, k Keys) error {
			return add(ctx, c, k("n"))
		}})
	}
	return sc
}

func getSet(ctx context.Context, c Client, key string) error {
	n, err := c.Get(ctx, key).Int()
	if err != nil {
		return err
	}
	return c.Set(ctx, key, n+1, 0).Err()
}

func incr(ctx context.Context, c Client, key string) error { return c.Incr(ctx, key).Err() }

// incrAgain retries as a client does that does not know what a time-out means.
func incrAgain(ctx context.Context, c Client, key string) error {
	err := incr(ctx, c, key)
	if errors.Is(err, ErrReplyLost) {
		return incr(ctx, c, key)
	}
	return err
}

// watchSet adds one in a transaction and starts again when it lost the race.
func watchSet(ctx context.Context, c Client, key string) error {
	for {
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.Get(ctx, key).Int()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, key, n+1, 0).Err() })
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

var addScript = redis.NewScript(`return redis.call('INCR', KEYS[1])`)

func script(ctx context.Context, c Client, key string) error {
	return addScript.Run(ctx, c, []string{key}).Err()
}

func explore(t *testing.T, env Env, sc Scenario, o Options) *Report {
	t.Helper()
	report, err := Explore(t.Context(), env, sc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %+v", t.Name(), *report)
	return report
}

func TestExplore_counts(t *testing.T) {
	type counts struct{ Orders, Crashes, Lost, Failing int }
	for _, test := range []struct {
		name     string
		sc       Scenario
		faults   bool
		want     counts
		shortest string
	}{
		// C(4,2) = 6 orders; in the four that are not one after the other an update is
		// lost. A B B A has a switch less than A B A B.
		{"get and set", counter(2, getSet), false, counts{6, 0, 0, 4}, "A B B A"},
		{"incr", counter(2, incr), false, counts{Orders: 2}, ""},
		// Crash: two actors, before INCR. Lost: two actors, each before or behind the other.
		{"incr with faults", counter(2, incr), true, counts{2, 2, 4, 0}, ""},
		// Lost: A? A with B in three places, and the same for B?.
		{"incr again with faults", counter(2, incrAgain), true, counts{2, 2, 6, 6}, "A? A B"},
		// Six orders of two scripts of one step each would be wrong: EVALSHA and the EVAL
		// behind it are one step.
		{"script", counter(3, script), false, counts{Orders: 6}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, env Env) {
				report := explore(t, env, test.sc, Options{Faults: test.faults})
				got := counts{report.Orders, report.Crashes, report.Lost, report.Failing}
				if got != test.want || report.Cut != "" || report.Played != got.Orders+got.Crashes+got.Lost {
					t.Errorf("Explore = %+v, %d played, cut %q; want %+v, all of them", got, report.Played, report.Cut, test.want)
				}
				shortest := ""
				if report.Shortest != nil {
					shortest = report.Shortest.Schedule
				}
				if shortest != test.shortest {
					t.Errorf("shortest = %q, want %q", shortest, test.shortest)
				}
			})
		})
	}
}

// The faults of two actors with two commands each, counted by hand: a crash is
// tried at each command, right when it comes up, a lost reply anywhere.
func TestExplore_faultsOfGetSet(t *testing.T) {
	sc := counter(2, getSet)
	sc.Check = func(context.Context, Client, Keys, []End) error { return nil }
	report := explore(t, envOf(t, redistest.Addr(t)), sc, Options{Faults: true})
	// A crash before the first command leaves one order of the other's two; before
	// the second it leaves the three places of the first among them. A lost GET ends
	// its actor, which leaves three orders; a lost SET is the last anyway: six.
	if report.Orders != 6 || report.Crashes != 2*(1+3) || report.Lost != 2*(3+6) {
		t.Errorf("Explore = %d orders, %d crashes, %d lost; want 6, 8, 18", report.Orders, report.Crashes, report.Lost)
	}
}

func TestExplore_twoFaults(t *testing.T) {
	report := explore(t, envOf(t, redistest.Addr(t)), counter(2, incr), Options{Faults: true, MaxFaults: 2})
	// To the 2, 2 and 4 with one fault at most come A! B!, B! A!, A! B?, B! A?, and A?
	// B?, B? A?.
	if report.Orders != 2 || report.Crashes != 2+4 || report.Lost != 4+2 || report.Failing != 0 {
		t.Errorf("Explore = %d orders, %d crashes, %d lost, %d failing; want 2, 6, 6, 0",
			report.Orders, report.Crashes, report.Lost, report.Failing)
	}
}

func TestExplore_watchLoop(t *testing.T) {
	onBoth(t, func(t *testing.T, env Env) {
		report := explore(t, env, counter(2, watchSet), Options{})
		if report.Failing != 0 || report.Cut != "" || report.Orders < 20 {
			t.Errorf("Explore = %d of %d fail, cut %q; want none of at least 20", report.Failing, report.Played, report.Cut)
		}
	})
}

// A lost reply ends the connection, and with it what was watched: an actor that
// begins again must not fail for a WATCH of before.
func TestExplore_watchLosesReply(t *testing.T) {
	sc := counter(1, func(ctx context.Context, c Client, key string) error {
		err := watchSet(ctx, c, key)
		if errors.Is(err, ErrReplyLost) {
			if err := c.Incr(ctx, key).Err(); err != nil { // would break a WATCH that is left
				return err
			}
			return c.Watch(ctx, func(tx *redis.Tx) error {
				_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Ping(ctx).Err() })
				return err
			}, key+":other")
		}
		return err
	})
	sc.Check = func(_ context.Context, _ Client, _ Keys, ends []End) error {
		if ends[0].Err != nil {
			return &Violation{Message: ends[0].Err.Error()}
		}
		return nil
	}
	onBoth(t, func(t *testing.T, env Env) {
		report := explore(t, env, sc, Options{Faults: true})
		if report.Failing != 0 || report.Lost != 3 {
			t.Errorf("Explore = %d failing, %d lost; want none of 3", report.Failing, report.Lost)
		}
	})
}

func TestExplore_crashBetweenIncrAndExpire(t *testing.T) {
	sc := Scenario{
		Name: "limit",
		Actors: []Actor{{Name: "web-1", Do: func(ctx context.Context, c Client, k Keys) error {
			if err := c.Incr(ctx, k("hits")).Err(); err != nil {
				return err
			}
			return c.Expire(ctx, k("hits"), time.Minute).Err()
		}}},
		Watch: []string{"hits"},
		Check: func(ctx context.Context, c Client, k Keys, _ []End) error {
			ttl, err := c.TTL(ctx, k("hits")).Result()
			if err == nil && ttl == -1 {
				return &Violation{Message: k("hits") + " never expires"}
			}
			return err
		},
	}
	onBoth(t, func(t *testing.T, env Env) {
		report := explore(t, env, sc, Options{Faults: true})
		if report.Failing != 2 || report.Shortest == nil {
			t.Fatalf("Explore = %d of %d failing, want the crash and the lost INCR", report.Failing, report.Played)
		}
		got := report.Shortest
		if got.Schedule != "A?" || got.Violation != "hits never expires" {
			t.Errorf("shortest = %q: %q", got.Schedule, got.Violation)
		}
		// Of equal length and easier to meet: the crash behind INCR.
		crash, err := Play(t.Context(), env, sc, Schedule{{}, {Fault: Crash}})
		if err != nil {
			t.Fatal(err)
		}
		if crash.Violation != "hits never expires" || crash.Ends[0] != "crashed" || crash.Steps[1].Reply != "" {
			t.Errorf("Play(A A!) = %+v", crash)
		}
	})
}

func TestExplore_transferOfThree(t *testing.T) {
	transfer := func(from, to string) func(ctx context.Context, c Client, k Keys) error {
		return func(ctx context.Context, c Client, k Keys) error {
			balance, err := c.Get(ctx, k(from)).Int()
			if err != nil || balance < 10 {
				return err
			}
			_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.DecrBy(ctx, k(from), 10)
				p.IncrBy(ctx, k(to), 10)
				return nil
			})
			return err
		}
	}
	sc := Scenario{
		Name: "transfer",
		Setup: func(ctx context.Context, c Client, k Keys) error {
			return c.MSet(ctx, k("A"), 10, k("B"), 0, k("C"), 0).Err()
		},
		Actors: []Actor{
			{Name: "alice", Do: transfer("A", "B")},
			{Name: "bob", Do: transfer("A", "C")},
			{Name: "carol", Do: transfer("B", "C")},
		},
		Check: func(ctx context.Context, c Client, k Keys, _ []End) error {
			values, err := c.MGet(ctx, k("A"), k("B"), k("C")).Result()
			if err == nil && strings.HasPrefix(fmt.Sprint(values[0]), "-") {
				return &Violation{Message: fmt.Sprint("A is overdrawn: ", values[0])}
			}
			return err
		},
	}
	onBoth(t, func(t *testing.T, env Env) {
		report := explore(t, env, sc, Options{})
		// Alice and bob overdraw A when both read before either writes.
		if report.Failing == 0 || report.Shortest.Schedule != "A B B C A" || report.Cut != "" {
			t.Errorf("Explore = %+v, want the shortest to be A B B C A", *report)
		}
		exec := report.Shortest.Steps[2]
		if exec.Command != "MULTI; DECRBY A 10; INCRBY C 10; EXEC" || exec.Reply != "[0, 10]" {
			t.Errorf("the transaction reads %q, %q", exec.Command, exec.Reply)
		}
	})
}

func TestExplore_cut(t *testing.T) {
	endless := counter(2, func(ctx context.Context, c Client, key string) error {
		for range 25 {
			if err := c.Incr(ctx, key).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	env := envOf(t, redistest.Addr(t))
	report := explore(t, env, endless, Options{MaxSchedules: 10})
	for _, part := range []string{"after 10 schedules", "at least ", "10 of those played were given up", "20 commands"} {
		if !strings.Contains(report.Cut, part) {
			t.Errorf("Cut = %q, does not contain %q", report.Cut, part)
		}
	}
	if report.Failing != 0 {
		t.Errorf("%d schedules that were given up were judged", report.Failing)
	}
	report = explore(t, env, counter(3, watchSet), Options{Budget: 50 * time.Millisecond, Faults: true})
	if !strings.Contains(report.Cut, "after 50ms") || report.Orders == 0 || report.Crashes == 0 || report.Lost == 0 {
		t.Errorf("Explore in 50 ms = %+v, want some of each class and the cut named", *report)
	}
}

func TestExplore_progress(t *testing.T) {
	env := envOf(t, redistest.Addr(t))
	dial, dialled := env.Dial, 0
	env.Dial = func(name string) *redis.Client { dialled++; return dial(name) }
	var seen [][2]int
	report := explore(t, env, counter(2, getSet), Options{
		Progress: func(done, total int) { seen = append(seen, [2]int{done, total}) },
	})
	if len(seen) != report.Played || seen[len(seen)-1] != [2]int{6, 6} {
		t.Errorf("progress = %v, want six calls that end with 6 of 6", seen)
	}
	if dialled != 2 {
		t.Errorf("%d clients were dialled for %d schedules of two actors, want 2", dialled, report.Played)
	}
}

func TestExplore_otherErrorOfCheck(t *testing.T) {
	sc := counter(2, incr)
	broken := errors.New("no truth today")
	sc.Check = func(context.Context, Client, Keys, []End) error { return broken }
	if _, err := Explore(t.Context(), envOf(t, redistest.Addr(t)), sc, Options{}); !errors.Is(err, broken) {
		t.Errorf("Explore = %v, want %v", err, broken)
	}
}

func TestExplore_notDeterministic(t *testing.T) {
	runs := 0
	sc := counter(2, getSet)
	sc.Actors[0].Do = func(ctx context.Context, c Client, k Keys) error {
		if runs++; runs > 1 {
			return nil
		}
		return getSet(ctx, c, k("n"))
	}
	if _, err := Explore(t.Context(), envOf(t, redistest.Addr(t)), sc, Options{}); !errors.Is(err, ErrNotDeterministic) {
		t.Errorf("Explore = %v, want %v", err, ErrNotDeterministic)
	}
}

func TestOptions(t *testing.T) {
	if diff := cmp.Diff(Options{MaxSteps: 20, MaxSchedules: 20_000, MaxFaults: 1, Budget: 8 * time.Second}, func() Options {
		var o Options
		if err := o.complete(); err != nil {
			t.Fatal(err)
		}
		return o
	}()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	_, err := Explore(t.Context(), Env{}, counter(2, incr), Options{MaxSteps: -1})
	if err == nil || !strings.Contains(err.Error(), "Options.MaxSteps must not be negative, got -1") {
		t.Errorf("Explore with MaxSteps -1 = %v", err)
	}
}
