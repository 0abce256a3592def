//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/03-caching-patterns/07-stampede/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// ages is longer than anything takes that is right.
const ages = 5 * time.Second

var (
	errLoad = errors.New("the statistics are not there yet")
	usual   = exercise.Options{TTL: time.Minute, Lease: ages, Wait: ages}
)

// answer is what a Fetch returned.
type answer struct {
	value string
	err   error
}

// ask calls Fetch in a goroutine of its own.
func ask(ctx context.Context, p *exercise.Cache, key string, load exercise.Load) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		value, err := p.Fetch(ctx, key, load)
		out <- answer{value, err}
	}()
	return out
}

// get waits for an answer, but not for ever.
func get(c *check.C, from <-chan answer, when string) answer {
	select {
	case a := <-from:
		c.Written(a.err)
		return a
	case <-time.After(2 * ages):
		c.Fail("%s: Fetch has not returned after %v.", when, 2*ages)
	}
	return answer{}
}

// begins waits until a load runs, or Fetch has returned without one.
func begins(c *check.C, began <-chan struct{}, from <-chan answer, when string) {
	select {
	case <-began:
	case a := <-from:
		c.Written(a.err)
		c.Fail("%s: Fetch returned %q and the error %v, and called no load.", when, a.value, a.err)
	case <-time.After(2 * ages):
		c.Fail("%s: no load has begun after %v.", when, 2*ages)
	}
}

// held is a load that runs until it is let go.
type held struct {
	began, end chan struct{}
	once       sync.Once
	loads      atomic.Int64
}

func hold() *held { return &held{began: make(chan struct{}), end: make(chan struct{})} }

// load heeds no context, so that it ends when the check wants it.
func (h *held) load(context.Context) (string, error) {
	h.loads.Add(1)
	h.once.Do(func() { close(h.began) })
	<-h.end
	return "results", nil
}

func at(value string) exercise.Load {
	return func(context.Context) (string, error) { return value, nil }
}

// while gives others time to join what is under way. Too little of it hides a
// mistake, and makes none.
const while = 150 * time.Millisecond

func TestHit(t *testing.T) {
	check.Task(t, "hit", func(c *check.C) {
		p := exercise.New(c.Redis(), usual)
		var a answer
		if trips := c.RoundTrips(func() { a = get(c, ask(c.Context(), p, c.Key("page"), at("results")), "The first Fetch") }); trips > 6 { // a script's text goes once
			c.Fail("A Fetch that loads took %d round trips, and 5 must do.", trips)
		}
		c.NoError(a.err, "the first Fetch")
		trips := c.RoundTrips(func() { a = get(c, ask(c.Context(), p, c.Key("page"), at("others")), "The second Fetch") })
		if a.value != "results" || a.err != nil || trips != 1 {
			c.Fail("The value is in Redis. Fetch returned %q and the error %v in %d round trips, want \"results\" in 1.", a.value, a.err, trips)
		}
		if left := c.Direct().PTTL(c.Context(), c.Key("page")).Val(); left > time.Minute {
			c.Fail("The value lives for %v, want a minute.", left)
		}
	})
}

// crowd has so many callers in each process ask for one page, and returns how often it
// was loaded.
func crowd(c *check.C, processes, callers int) int64 {
	h, key := hold(), c.Key("page")
	var all []<-chan answer
	for range processes {
		p := exercise.New(c.Redis(), usual)
		for range callers {
			all = append(all, ask(c.Context(), p, key, h.load))
		}
	}
	begins(c, h.began, all[0], "A page that is not there")
	time.Sleep(while)
	close(h.end)
	for _, from := range all {
		if a := get(c, from, "A page that everybody waits for"); a.value != "results" || a.err != nil {
			c.Fail("%d callers waited for a page. One of them got %q and the error %v.", len(all), a.value, a.err)
		}
	}
	return h.loads.Load()
}

func TestProcess(t *testing.T) {
	check.Task(t, "process", func(c *check.C) {
		if n := crowd(c, 1, 50); n != 1 {
			c.Fail("50 callers of one process asked for a page, and it was loaded %d times, want once.", n)
		}
	})
}

func TestAll(t *testing.T) {
	check.Task(t, "all", func(c *check.C) {
		// Everybody is on the way to Redis at the same time.
		defer c.Throw(tap.Fault{Kind: tap.Latency, Delay: 20 * time.Millisecond})()
		if n := crowd(c, 4, 5); n != 1 {
			c.Fail("4 processes with 5 callers each asked for a page, and it was loaded %d times, want once.", n)
		}
	})
}

func TestLeave(t *testing.T) {
	check.Task(t, "leave", func(c *check.C) {
		p, key := exercise.New(c.Redis(), usual), c.Key("page")
		began, end := make(chan struct{}), make(chan struct{})
		var loads atomic.Int64
		load := func(ctx context.Context) (string, error) {
			if loads.Add(1) == 1 {
				close(began)
			}
			select {
			case <-end:
				return "results", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		first, leaves := context.WithCancel(c.Context())
		defer leaves()
		one := ask(first, p, key, load)
		begins(c, began, one, "A page that is not there")
		var others []<-chan answer
		for range 10 {
			others = append(others, ask(c.Context(), p, key, load))
		}
		time.Sleep(while)
		leaves()
		if a := get(c, one, "The first caller left"); !errors.Is(a.err, context.Canceled) {
			c.Fail("The first caller left, and its Fetch returned %q and the error %v, want its context's.", a.value, a.err)
		}
		time.Sleep(while / 3)
		close(end)
		for _, from := range others {
			if a := get(c, from, "The first caller left, and others wait"); a.err != nil || a.value != "results" {
				c.Fail("The caller that came first left. Another one, who had not, got %q and the error %v.", a.value, a.err)
			}
		}
		if n := loads.Load(); n != 1 {
			c.Fail("The caller that came first left, and the page was loaded %d times, want once: the load goes on for the others.", n)
		}
	})
}

func TestDead(t *testing.T) {
	check.Task(t, "dead", func(c *check.C) {
		o := exercise.Options{TTL: time.Minute, Lease: 300 * time.Millisecond, Wait: ages}
		key, h := c.Key("page"), hold()
		defer close(h.end)
		mortal := redis.NewClient(c.Redis().Options())
		one := ask(c.Context(), exercise.New(mortal, o), key, h.load)
		begins(c, h.began, one, "A page that is not there")
		c.NoError(mortal.Close(), "closing the connection of the process that dies") // it will never say anything again
		if a := get(c, ask(c.Context(), exercise.New(c.Redis(), o), key, at("results")), "The process that loads has died"); a.err != nil || a.value != "results" {
			c.Fail("The process that was loading died, and its lease was for %v. Another process got %q and the error %v after %v.", o.Lease, a.value, a.err, o.Wait)
		}
	})
}

func TestBounded(t *testing.T) {
	check.Task(t, "bounded", func(c *check.C) {
		o := exercise.Options{TTL: time.Minute, Lease: time.Minute, Wait: 200 * time.Millisecond}
		key, h := c.Key("page"), hold()
		defer close(h.end)
		here := exercise.New(c.Redis(), o)
		one := ask(c.Context(), here, key, h.load)
		begins(c, h.began, one, "A page that is not there")
		for _, who := range []struct {
			name string
			from <-chan answer
		}{
			{"A caller in the process that loads", ask(c.Context(), here, key, h.load)},
			{"A caller in another process", ask(c.Context(), exercise.New(c.Redis(), o), key, h.load)},
		} {
			select {
			case a := <-who.from:
				if !errors.Is(a.err, exercise.ErrBusy) {
					c.Fail("A load does not end. %s got %q and the error %v, want ErrBusy.", who.name, a.value, a.err)
				}
			case <-time.After(ages):
				c.Fail("A load does not end. %s was told to wait for %v, and still waits after %v.", who.name, o.Wait, ages)
			}
		}
		if n := h.loads.Load(); n != 1 {
			c.Fail("A load does not end, and callers who had waited for it loaded: %d loads, want one.", n)
		}
	})
}

func TestError(t *testing.T) {
	check.Task(t, "error", func(c *check.C) {
		here, there := exercise.New(c.Redis(), usual), exercise.New(c.Redis(), usual)
		key := c.Key("page")
		a := get(c, ask(c.Context(), here, key, func(context.Context) (string, error) { return "", errLoad }), "A load that fails")
		if !errors.Is(a.err, errLoad) {
			c.Fail("The load failed, and Fetch returned %q and the error %v, want the load's.", a.value, a.err)
		}
		begun := time.Now()
		a = get(c, ask(c.Context(), there, key, at("results")), "After a load that failed")
		if took := time.Since(begun); a.err != nil || a.value != "results" || took > ages/2 {
			c.Fail("A load failed. The next Fetch, in another process, returned %q and the error %v after %v: the lease was not given back.", a.value, a.err, took.Round(100*time.Millisecond))
		}
	})
}

func TestLate(t *testing.T) {
	check.Task(t, "late", func(c *check.C) {
		o := exercise.Options{TTL: time.Minute, Lease: 300 * time.Millisecond, Wait: ages}
		key, slow := c.Key("page"), hold()
		one := ask(c.Context(), exercise.New(c.Redis(), o), key, func(ctx context.Context) (string, error) {
			_, _ = slow.load(ctx)
			return "", errLoad // so that nothing is kept
		})
		begins(c, slow.began, one, "A page that is not there")
		o.Lease = time.Minute // the second one's outlives the check
		next := hold()
		two := ask(c.Context(), exercise.New(c.Redis(), o), key, next.load)
		begins(c, next.began, two, "The lease of the process that loads has ended")
		close(slow.end)
		get(c, one, "A load that comes late")
		three := ask(c.Context(), exercise.New(c.Redis(), o), key, next.load)
		time.Sleep(while)
		close(next.end)
		get(c, two, "The second process")
		get(c, three, "The third process")
		if n := next.loads.Load(); n != 1 {
			c.Fail("A load outlived its lease, and another process took over. When the first one ended it gave back a lease that was not its own any more, and a third process loaded too.")
		}
	})
}

func TestPolite(t *testing.T) {
	check.Task(t, "polite", func(c *check.C) {
		key, h := c.Key("page"), hold()
		one := ask(c.Context(), exercise.New(c.Direct(), usual), key, h.load)
		begins(c, h.began, one, "A page that is not there")
		there := exercise.New(c.Redis(), usual)
		var all []<-chan answer
		begun := time.Now()
		sent := len(c.Commands(func() {
			for range 40 {
				all = append(all, ask(c.Context(), there, key, h.load))
			}
			time.Sleep(2 * while)
			close(h.end)
			for _, from := range all {
				get(c, from, "Another process loads")
			}
		}))
		get(c, one, "The process that loads")
		took := time.Since(begun)
		if most := 40 + 20 + int(200*took.Seconds())*2; sent > most { // each comes with one GET; a look may be two commands
			c.Fail("40 callers of one process waited for another process for %v, and sent %d commands, want %d at most.", took.Round(10*time.Millisecond), sent, most)
		}
	})
}
