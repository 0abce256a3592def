package cache

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/redistest"
)

func withTags(ids ...string) func(*Options[int64, user]) {
	return func(o *Options[int64, user]) {
		o.TagFunc = func(key int64, _ user) []string {
			if len(ids) == 0 {
				return []string{"all", fmt.Sprintf("mod:%d", key%2)}
			}
			return ids
		}
	}
}

func TestInvalidateTag(t *testing.T) {
	t.Parallel()
	c, o := newUsers(t, withTags()), &origin{}
	many := make([]int64, 1200) // more than one turn of ZSCAN
	for i := range many {
		many[i] = int64(i)
		o.set(int64(i), "someone")
	}
	loadMany := func(_ context.Context, ids []int64) (map[int64]user, error) {
		m := map[int64]user{}
		for _, id := range ids {
			m[id] = user{id, "someone"}
		}
		return m, nil
	}
	if _, err := c.FetchMany(t.Context(), many, loadMany); err != nil {
		t.Fatal(err)
	}
	if err := c.Write(t.Context(), 2000, user{2000, "written"}, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	there := func() (odd, even, written int) {
		for id := range int64(1200) {
			if _, ok, err := c.Peek(t.Context(), id); err != nil {
				t.Fatal(err)
			} else if ok {
				odd += int(id % 2)
				even += int(1 - id%2)
			}
		}
		if _, ok, _ := c.Peek(t.Context(), 2000); ok {
			written = 1
		}
		return odd, even, written
	}
	if odd, even, written := there(); odd != 600 || even != 600 || written != 1 {
		t.Fatalf("%d odd, %d even, %d written are there, want 600, 600, 1", odd, even, written)
	}
	if err := c.InvalidateTag(t.Context(), "mod:1"); err != nil {
		t.Fatal(err)
	}
	if odd, even, written := there(); odd != 0 || even != 600 || written != 1 {
		t.Errorf("%d odd, %d even, %d written are there, want 0, 600, 1", odd, even, written)
	}
	if err := c.InvalidateTag(t.Context(), "mod:0", "none has this one"); err != nil {
		t.Fatal(err)
	}
	if odd, even, written := there(); odd != 0 || even != 0 || written != 0 {
		t.Errorf("%d odd, %d even, %d written are there, want none", odd, even, written)
	}
	index, _ := c.tagKeys("mod:0")
	if n := redistest.Client(t).ZCard(t.Context(), index).Val(); n != 0 {
		t.Errorf("%d keys are left in the index of a tag without values", n)
	}
}

// A tag that is invalidated while a value is being loaded catches it.
func TestInvalidateTag_meanwhile(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t, withTags("t")), newBlocked()
	other := twin(t, c)
	got := make(chan user)
	go func() {
		u, err := c.Fetch(context.Background(), 7, b.load)
		if err != nil {
			t.Error(err)
		}
		got <- u
	}()
	<-b.running
	if err := other.InvalidateTag(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	b.release <- user{7, "old"}
	<-b.running
	b.release <- user{7, "new"}
	if u := <-got; u.Name != "new" || time.Since(begun) > time.Second {
		t.Errorf("got %v after %v, want new, loaded at once", u, time.Since(begun))
	}
}

// The index of a tag holds what lives, and goes with the last of it: however
// many keys come and go, it cannot outgrow them.
func TestTag_bounded(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	c, o := newUsers(t, withTags("t"), func(o *Options[int64, user]) {
		o.TTL, o.LeaseTTL, o.RedisTimeout = 100*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	}), &origin{}
	index, stamp := c.tagKeys("t")
	for round := range int64(4) {
		for id := range int64(20) {
			o.set(round*20+id, "x")
			source(t, c, round*20+id, o.load)
		}
		if round < 3 {
			time.Sleep(500 * time.Millisecond) // longer than values and slack live
		}
	}
	if n := client.ZCard(t.Context(), index).Val(); n > 20 {
		t.Errorf("the index holds %d keys, of which 20 live", n)
	}
	redistest.Eventually(t, "the index is gone with its values", func() bool {
		return client.Exists(t.Context(), index).Val() == 0
	})
	if err := c.InvalidateTag(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if ttl := client.PTTL(t.Context(), stamp).Val(); ttl <= 0 || ttl > c.stampTTL() {
		t.Errorf("the stamp lives for %v, want up to %v", ttl, c.stampTTL())
	}
}

// Tags under load: after an invalidation returned, no process reads what was
// loaded before it.
func TestInvalidateTag_load(t *testing.T) {
	t.Parallel()
	const keys = 8
	c := newUsers(t, withTags("t"))
	other := twin(t, c, withTags("t"))
	var mu sync.RWMutex
	version := 0
	load := func(_ context.Context, id int64) (user, error) {
		mu.RLock()
		v := version
		mu.RUnlock()
		time.Sleep(time.Millisecond) // between reading and answering much can happen
		return user{id, fmt.Sprint(v)}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i, c := range []*Cache[int64, user]{c, other, c, other} {
		wg.Go(func() {
			for id := int64(i); ctx.Err() == nil; id = (id + 3) % keys {
				_, _ = c.Fetch(ctx, id, load)
			}
		})
	}
	for want := 1; want <= 40; want++ {
		mu.Lock()
		version = want
		mu.Unlock()
		if err := c.InvalidateTag(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		for id := range int64(keys) {
			u, err := other.Fetch(t.Context(), id, load)
			var got int
			if _, scan := fmt.Sscan(u.Name, &got); scan != nil || err != nil || got < want {
				t.Errorf("after invalidation %d key %d is %q, %v", want, id, u.Name, err)
			}
		}
	}
	cancel()
	wg.Wait()
}

func TestClear(t *testing.T) {
	t.Parallel()
	c, b := newUsers(t, withLocal), newBlocked()
	stranger := newUsers(t, func(o *Options[int64, user]) { o.Name = c.space.Prefix() + "2" })
	o := &origin{}
	for id := range int64(30) {
		o.set(id, "x")
		source(t, c, id, o.load)
	}
	source(t, stranger, 1, o.load)
	got := make(chan user)
	go func() {
		u, _ := c.Fetch(context.Background(), 100, b.load)
		got <- u
	}()
	<-b.running
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id := range int64(30) {
		if got := source(t, c, id, o.load); got != Origin {
			t.Errorf("after Clear %d came from %v", id, got)
		}
	}
	if got := source(t, stranger, 1, o.load); got != Redis {
		t.Errorf("the value of another cache came from %v, want redis", got)
	}
	b.release <- user{100, "old"}
	<-b.running
	b.release <- user{100, "new"}
	if u := <-got; u.Name != "new" {
		t.Errorf("a load from before Clear brought %v, want it loaded again", u)
	}
}
