package canteen

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// recipes are the database: how often each dish has changed, and when.
type recipes struct {
	mu      sync.Mutex
	number  []int
	changed []time.Time
}

func newRecipes(dishes int) *recipes {
	return &recipes{number: make([]int, dishes), changed: make([]time.Time, dishes)}
}

func (d *recipes) of(dish int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.number[dish]
}

// change is a commit.
func (d *recipes) change(dish int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number[dish]++
	d.changed[dish] = time.Now()
}

// since returns how long ago a dish changed.
func (d *recipes) since(dish int) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.changed[dish])
}

// till is the second node: it reads, through Redis, and keeps copies of its own.
type till struct {
	way
	names
	rdb     *redis.Client
	recipes *recipes
	ttl     time.Duration // of entries in Redis
	copies  *copies
	kit     *cache.Cache[string, int]
	reads   int
}

// read returns the recipe that stands on a page.
func (t *till) read(ctx context.Context, dish int, page string) (int, error) {
	t.reads++
	if t.kit != nil {
		return t.kit.Fetch(ctx, name(dish, page), func(context.Context, string) (int, error) { return t.recipes.of(dish), nil })
	}
	return t.readByHand(ctx, dish, page)
}

// region: read

// readByHand looks into its own copies, then into Redis, then into the database.
func (t *till) readByHand(ctx context.Context, dish int, page string) (int, error) {
	key := t.entry(dish, page)
	if t.versions { // each read asks which version counts
		version, err := t.rdb.Get(ctx, t.version(dish)).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return 0, err
		}
		key = t.entry(dish, page+":"+version)
	}
	if recipe, ok := t.copies.get(key); ok {
		return recipe, nil
	}
	state := t.copies.state(key)
	recipe, err := t.rdb.Get(ctx, key).Int()
	if errors.Is(err, redis.Nil) {
		recipe = t.recipes.of(dish)
		err = t.store(ctx, key, dish, recipe)
	}
	if err == nil {
		t.copies.put(key, recipe, state)
	}
	return recipe, err
}

// endregion

func (t *till) store(ctx context.Context, key string, dish, recipe int) error {
	_, err := t.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		if t.tags { // listed first: what is listed and not there hurts nobody
			pipe.SAdd(ctx, t.index(dish), key)
			pipe.PExpire(ctx, t.index(dish), 2*t.ttl)
		}
		pipe.Set(ctx, key, recipe, t.ttl)
		return nil
	})
	return err
}

// openKit returns a cache of the toolkit. With copies it is the till's.
func openKit(rdb *redis.Client, n names, ttl time.Duration, copies cache.Local) (*cache.Cache[string, int], error) {
	return cache.New(rdb, cache.Options[string, int]{
		Name: n.r.Space(n.base), TTL: ttl, Local: copies,
		TagFunc: func(name string, _ int) []string { return []string{tag(name)} },
		Jitter:  -1, EarlyRefresh: -1, // as the others
		RedisTimeout: 5 * time.Second, // eight ways at once may keep a small machine busy
	})
}

// open starts a till. It has heard of everything once open returns, and ends with ctx.
func (w way) open(ctx context.Context, r *unit.Run, n names, d *recipes, to *wire, running *sync.WaitGroup) (*till, error) {
	t := &till{way: w, names: n, recipes: d, ttl: r.Duration("ttl"), copies: newCopies(r.Duration("local"))}
	t.rdb = r.Client("till", to.options)
	switch {
	case w.hears:
		return t, t.hear(ctx, running)
	case w.tracks:
		return t, t.track(ctx, r.Client("till-pushes", t.trackOptions(to)), running)
	case w.kit:
		kit, err := openKit(t.rdb, n, t.ttl, cache.Local{Entries: 1000, TTL: t.copies.life})
		if err != nil {
			return nil, err
		}
		t.kit = kit
		running.Go(func() { _ = kit.Run(ctx) }) // ends with ctx
		return t, until(ctx, func() bool { return kit.Stats().Pushed })
	}
	return t, nil
}

// asked returns how many of a hundred reads went to Redis.
func (t *till) asked() float64 {
	here := t.copies.count()
	switch {
	case t.kit != nil:
		here = int(t.kit.Stats().LocalHits)
	case t.versions:
		here = 0
	}
	return 100 * float64(t.reads-here) / float64(max(1, t.reads))
}
