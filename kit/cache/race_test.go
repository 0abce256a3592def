package cache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/kit/redistest"
)

// raceConn makes a client of a race one that the cache can use.
type raceConn struct{ race.Client }

func (c raceConn) Process(ctx context.Context, cmd redis.Cmder) error {
	p := c.Pipeline()
	_ = p.Process(ctx, cmd) // of a pipeline: it queues
	_, err := p.Exec(ctx)
	return err
}

// numbers is the cache of a race: of one process, over a database that is a key
// in Redis. Nobody waits for a lease, so each actor ends; no time matters.
func numbers(c race.Client, k race.Keys, change ...func(*Options[string, int])) *Cache[string, int] {
	o := Options[string, int]{
		Name: k("numbers"), Wait: -1, EarlyRefresh: -1, TTL: time.Hour,
		LeaseTTL: time.Hour, LoadTimeout: time.Minute, RedisTimeout: time.Minute,
	}
	for _, f := range change {
		f(&o)
	}
	cache, err := newCache(raceConn{c}, o)
	if err != nil {
		panic(err)
	}
	return cache
}

// fromDB is the loader.
func fromDB(c race.Client, k race.Keys) func(context.Context, string) (int, error) {
	return func(ctx context.Context, _ string) (int, error) { return c.Get(ctx, k("db")).Int() }
}

// untilDone repeats what is safe to repeat, as a caller does that got an error.
func untilDone(ctx context.Context, do func() error) error {
	var err error
	for range 3 {
		if err = do(); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

const raceKey = "n"

func setDB(n int) func(context.Context, race.Client, race.Keys) error {
	return func(ctx context.Context, c race.Client, k race.Keys) error { return c.Set(ctx, k("db"), n, 0).Err() }
}

// reader fetches once.
func reader(name string) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		_, err := numbers(c, k).Fetch(ctx, raceKey, fromDB(c, k))
		return err
	}}
}

// changer commits a new value, invalidates, and reads: then it must not see an
// older one, whatever others did.
func changer(name string, value int) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		if err := untilDone(ctx, func() error { return setDB(value)(ctx, c, k) }); err != nil {
			return err
		}
		cache := numbers(c, k)
		if err := untilDone(ctx, func() error { return cache.Invalidate(ctx, raceKey) }); err != nil {
			return err
		}
		got, err := cache.Fetch(ctx, raceKey, fromDB(c, k))
		if err == nil && got < value {
			err = tooOldError(fmt.Sprintf("after its invalidation of %d %s read %d", value, name, got))
		}
		return err
	}}
}

// tooOldError is what an actor returns that has seen what nobody may see.
type tooOldError string

func (e tooOldError) Error() string { return string(e) }

// coherent is the truth of all races here: what the cache holds is what the
// database holds, or nothing, unless somebody died before it could say so.
func coherent(mayDie ...int) func(context.Context, race.Client, race.Keys, []race.End) error {
	return func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
		for _, end := range ends {
			if old, ok := errors.AsType[tooOldError](end.Err); ok {
				return &race.Violation{Message: string(old)}
			}
		}
		for _, i := range mayDie {
			if ends[i].Crashed {
				return nil
			}
		}
		db, err := c.Get(ctx, k("db")).Int()
		if err != nil {
			return err
		}
		cached, ok, err := numbers(c, k).Peek(ctx, raceKey)
		if err != nil {
			return err
		}
		if ok && cached != db {
			return &race.Violation{Message: fmt.Sprintf("the cache holds %d, the database %d", cached, db)}
		}
		return nil
	}
}

func tagged(o *Options[string, int]) {
	o.TagFunc = func(string, int) []string { return []string{"all"} }
}

// writer writes through, and then must not read what was there before.
func writer(name string, value int) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		cache := numbers(c, k)
		err := cache.Write(ctx, raceKey, value, func(ctx context.Context) error { return setDB(value)(ctx, c, k) })
		if errors.Is(err, ErrNotTold) {
			err = untilDone(ctx, func() error { return cache.Invalidate(ctx, raceKey) })
		}
		if err != nil {
			return err
		}
		got, err := cache.Fetch(ctx, raceKey, fromDB(c, k))
		if err == nil && got == 0 {
			err = tooOldError(fmt.Sprintf("after its write of %d %s read 0", value, name))
		}
		return err
	}}
}

// warm has the first value in the cache at the start.
func warm(ctx context.Context, c race.Client, k race.Keys) error {
	if err := setDB(0)(ctx, c, k); err != nil {
		return err
	}
	_, err := numbers(c, k).Fetch(ctx, raceKey, fromDB(c, k))
	return err
}

// taggedLoad loads once under a lease, with a tag. It does not load again when it
// is refused: how near in time two clocks are to be told apart is no part of the
// order of commands, and either way it sends as many.
func taggedLoad(name string) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		cache := numbers(c, k, tagged)
		n, token := cache.nameOf(raceKey), newToken()
		g, err := cache.remote.acquire(ctx, n, token, "")
		if err != nil || g.kind != granted {
			return err
		}
		load := fromDB(c, k)
		out, _ := cache.loadLeased(ctx, raceKey, n, lease{token: token, grant: g},
			func(ctx context.Context, _ *Entry) (int, error) { return load(ctx, raceKey) }, epoch{})
		return out.err
	}}
}

// tagChanger commits a new value and invalidates by tag: then the cache must not
// hold an older one.
func tagChanger(name string, value int) race.Actor {
	return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		if err := untilDone(ctx, func() error { return setDB(value)(ctx, c, k) }); err != nil {
			return err
		}
		cache := numbers(c, k, tagged)
		if err := untilDone(ctx, func() error { return cache.InvalidateTag(ctx, "all") }); err != nil {
			return err
		}
		got, ok, err := cache.Peek(ctx, raceKey)
		if err == nil && ok && got < value {
			err = tooOldError(fmt.Sprintf("after its invalidation of %d %s read %d", value, name, got))
		}
		return err
	}}
}

// explore plays a scenario in every order, with a crash and a lost reply at each
// command.
func explore(t *testing.T, sc race.Scenario, o race.Options) {
	t.Helper()
	t.Parallel()
	direct := redistest.Client(t)
	env := race.Env{
		Dial: func(name string) *redis.Client {
			return redis.NewClient(&redis.Options{Addr: redistest.Addr(t), ClientName: name, PoolSize: 1, MaxRetries: -1})
		},
		Direct: direct,
		Prefix: redistest.Prefix(t) + ":",
	}
	sc.Name = t.Name()
	o.Budget = 3 * time.Second
	if long() {
		o.Budget, o.MaxSchedules = -1, 500_000
	}
	report, err := race.Explore(t.Context(), env, sc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d schedules in %d ms: %d orders, %d with a crash, %d with a lost reply; %s",
		report.Played, report.Millis, report.Orders, report.Crashes, report.Lost, report.Cut)
	if s := report.Shortest; s != nil {
		for _, step := range s.Steps {
			t.Logf("%s %s: %s → %s", step.Name, step.Fault, step.Command, step.Reply)
		}
		t.Errorf("%d of %d schedules fail; %s: %s", report.Failing, report.Played, s.Schedule, s.Violation)
	}
}

func TestRace_invalidate(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  setDB(0),
		Actors: []race.Actor{reader("ann"), changer("ben", 1)},
		Check:  coherent(1),
	}, race.Options{Faults: true})
}

func TestRace_invalidateWarm(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  warm,
		Actors: []race.Actor{reader("ann"), changer("ben", 1), reader("cleo")},
		Check:  coherent(1),
	}, race.Options{Faults: true})
}

func TestRace_invalidateTag(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  setDB(0),
		Actors: []race.Actor{taggedLoad("ann"), tagChanger("ben", 1)},
		Check:  coherent(1),
	}, race.Options{Faults: true})
}

// A load that has entered the index and not yet stored.
func TestRace_invalidateTagWarm(t *testing.T) {
	explore(t, race.Scenario{
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			if err := setDB(0)(ctx, c, k); err != nil {
				return err
			}
			_, err := numbers(c, k, tagged).Fetch(ctx, raceKey, fromDB(c, k))
			return errors.Join(err, c.Del(ctx, numbers(c, k).nameOf(raceKey).value).Err())
		},
		Actors: []race.Actor{taggedLoad("ann"), tagChanger("ben", 1)},
		Check:  coherent(1),
	}, race.Options{Faults: true})
}

func TestRace_write(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  setDB(0),
		Actors: []race.Actor{reader("ann"), writer("ben", 1)},
		Check:  coherent(),
	}, race.Options{Faults: true})
}

func TestRace_writeWrite(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  warm,
		Actors: []race.Actor{writer("ben", 1), writer("cleo", 2)},
		Check:  coherent(),
	}, race.Options{Faults: true})
}

func TestRace_writeInvalidate(t *testing.T) {
	explore(t, race.Scenario{
		Setup:  warm,
		Actors: []race.Actor{writer("ben", 2), changer("cleo", 1)},
		// What the database holds in the end is decided there, by who comes last.
		Check: coherent(1),
	}, race.Options{Faults: true})
}

// A write that lasts longer than its lease: a reader loads meanwhile what the
// database still holds.
func TestRace_writeExpired(t *testing.T) {
	time := race.Actor{Name: "time", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
		return c.Del(ctx, numbers(c, k).nameOf(raceKey).lease()).Err()
	}}
	explore(t, race.Scenario{
		Setup:  setDB(0),
		Actors: []race.Actor{writer("ben", 1), time, reader("ann")},
		Check:  coherent(0),
	}, race.Options{Faults: true})
}

// While nobody invalidates or dies, a key is loaded once, by however many
// processes.
func TestRace_oneLoad(t *testing.T) {
	const loads = "loads"
	actor := func(name string) race.Actor {
		return race.Actor{Name: name, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			cache := numbers(c, k)
			n, token := cache.nameOf(raceKey), newToken()
			g, err := cache.remote.acquire(ctx, n, token, "")
			if err != nil || g.kind != granted {
				return err // it is there, or somebody is at it
			}
			_, _ = cache.loadLeased(ctx, raceKey, n, lease{token: token, grant: g}, func(ctx context.Context, _ *Entry) (int, error) {
				return 1, c.Incr(ctx, k(loads)).Err()
			}, epoch{})
			return nil
		}}
	}
	explore(t, race.Scenario{
		Setup:  setDB(0),
		Actors: []race.Actor{actor("ann"), actor("ben"), actor("cleo")},
		Check: func(ctx context.Context, c race.Client, k race.Keys, _ []race.End) error {
			n, err := c.Get(ctx, k(loads)).Int()
			if err == nil && n != 1 {
				err = &race.Violation{Message: fmt.Sprintf("%d loads", n)}
			}
			return err
		},
	}, race.Options{})
}
