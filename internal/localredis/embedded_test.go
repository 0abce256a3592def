package localredis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// TestEmbedded_clock holds a TTL against the machine's clock. The bounds are
// those of the coarsest step, plus what a loaded machine may add.
func TestEmbedded_clock(t *testing.T) {
	c := client(t, openEmbedded(t))
	const ttl = 300 * time.Millisecond
	begin := time.Now()
	if err := c.Set(t.Context(), "k", 1, ttl).Err(); err != nil {
		t.Fatal(err)
	}
	var lived time.Duration
	for {
		n, err := c.Exists(t.Context(), "k").Result()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		lived = time.Since(begin)
		time.Sleep(5 * time.Millisecond) // paces the polling; what is waited for is time itself
	}
	if died := time.Since(begin); lived < ttl-coarsestStep || died > ttl+coarsestStep+time.Second {
		t.Errorf("a key with a TTL of %v was last seen after %v and gone after %v", ttl, lived, died)
	}
}

// TestEmbedded_idle: keys also expire when no command comes to let time pass.
func TestEmbedded_idle(t *testing.T) {
	e := openEmbedded(t).embedded
	if err := e.redis.Set("k", "1"); err != nil {
		t.Fatal(err)
	}
	e.redis.SetTTL("k", 10*time.Millisecond)
	for deadline := time.Now().Add(10 * time.Second); e.redis.Exists("k"); time.Sleep(time.Millisecond) { // paces the polling
		if time.Now().After(deadline) {
			t.Fatal("a key with a TTL of 10 ms is there after 10 s")
		}
	}
}

// TestEmbedded_time: TIME and EXPIREAT follow the machine's clock.
func TestEmbedded_time(t *testing.T) {
	c := client(t, openEmbedded(t))
	first, err := c.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Since(first).Abs(); off > time.Second {
		t.Errorf("TIME is %v off", off)
	}
	if err := c.Set(t.Context(), "k", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.ExpireAt(t.Context(), "k", time.Now().Add(time.Hour)).Err(); err != nil {
		t.Fatal(err)
	}
	if ttl := c.TTL(t.Context(), "k").Val(); ttl < 59*time.Minute || ttl > time.Hour {
		t.Errorf("TTL after EXPIREAT in an hour: got %v", ttl)
	}
}

// TestEmbedded_concurrent runs scripts, writes and steps of the clock against
// each other: under -race, and a deadlock between a script and a step would show
// as a test that never ends.
func TestEmbedded_concurrent(t *testing.T) {
	c := client(t, openEmbedded(t))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			key := fmt.Sprint("k", worker)
			for range 200 {
				err := c.Eval(t.Context(), `redis.call('SET', KEYS[1], 1, 'PX', 20) redis.call('INCR', 'total') return redis.call('PTTL', KEYS[1])`, []string{key}).Err()
				if err != nil {
					t.Error(err)
					return
				}
				if err := c.Set(t.Context(), key, 1, time.Millisecond).Err(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := c.Get(t.Context(), "total").Val(); got != "1600" {
		t.Errorf("total: got %s, want 1600", got)
	}
}

// stepNow takes a step of the clock, which also counts the keys, before it is due.
func (e *embedded) stepNow() {
	e.due.Store(0)
	e.step()
}

func TestEmbedded_full(t *testing.T) {
	e, err := startEmbedded(2000)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	c := redis.NewClient(&redis.Options{Addr: e.redis.Addr()})
	defer c.Close()
	const fill = `for i = 1, 1000 do redis.call('SET', ARGV[1] .. i, i, 'EX', 1000) end`
	for _, half := range []string{"a", "b"} {
		if err := c.Eval(t.Context(), fill, nil, half).Err(); !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		e.stepNow()
	}
	for _, args := range [][]any{
		{"SET", "new", "1"},
		{"INCR", "new"},
		{"XGROUP", "CREATE", "new", "g", "$", "MKSTREAM"},
		{"EVAL", "return redis.call('SET', 'new', 1)", "0"},
	} {
		err := c.Do(t.Context(), args...).Err()
		if err == nil || !strings.Contains(err.Error(), "the embedded server holds at most 2000 keys; `grind setup`") {
			t.Errorf("%v on a full server: got %v", args, err)
		}
		if args[0] != "EVAL" && !redis.IsOOMError(err) {
			t.Errorf("%v on a full server: got %v, want an OOM error", args, err)
		}
	}
	if err := c.Get(t.Context(), "a1").Err(); err != nil {
		t.Errorf("GET on a full server: %v", err)
	}
	if err := c.Del(t.Context(), "a1", "a2").Err(); err != nil {
		t.Errorf("DEL on a full server: %v", err)
	}
	e.stepNow()
	if err := c.Set(t.Context(), "new", 1, 0).Err(); err != nil {
		t.Errorf("SET after DEL made room: %v", err)
	}
}

// BenchmarkEmbedded_step is what a step of the clock costs on a full server.
func BenchmarkEmbedded_step(b *testing.B) {
	e, err := startEmbedded(maxKeys)
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	for i := range maxKeys {
		key := fmt.Sprint("grind:benchmark:", i)
		if err := e.redis.Set(key, "1"); err != nil {
			b.Fatal(err)
		}
		e.redis.SetTTL(key, time.Hour)
	}
	for b.Loop() {
		e.stepNow()
	}
}

// TestGrows holds the list of commands that a full server refuses against what a
// real server flags denyoom.
func TestGrows(t *testing.T) {
	r := openEmbedded(t)
	s, c := external(t, redisproc.Options{Name: "grows"})
	_ = s
	infos, err := c.Command(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for name, info := range infos {
		name = strings.ToUpper(name)
		if name == "XGROUP" || !r.embedded.redis.Server().IsRegisteredCommand(name) {
			continue // a subcommand of XGROUP carries the flag, not XGROUP
		}
		if want := slices.Contains(info.Flags, "denyoom"); grows(name) != want {
			t.Errorf("grows(%q): got %v, want %v", name, !want, want)
		}
	}
}

func TestEmbedded_databases(t *testing.T) {
	r := openEmbedded(t)
	o := r.Options()
	o.DB = databases - 1
	last := redis.NewClient(o)
	defer last.Close()
	if err := last.Set(t.Context(), "k", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.embedded.mu.Lock()
	if got := r.embedded.keys(); got != 1 {
		t.Errorf("keys: got %d, want the one in the last database", got)
	}
	r.embedded.mu.Unlock()
	o.DB = databases
	beyond := redis.NewClient(o)
	defer beyond.Close()
	if err := beyond.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("database %d: got %v", databases, err)
	}
}
