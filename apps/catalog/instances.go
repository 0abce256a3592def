package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// View is what an instance tells the others about itself.
type View struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Counts Counts `json:"counts"`
	Seen   *Seen  `json:"seen,omitempty"` // of the product that is watched
}

// Seen is how an instance answers for a product.
type Seen struct {
	ID         int    `json:"id"`
	Version    int    `json:"version"`
	PriceCents int    `json:"price_cents"`
	From       string `json:"from"`
	// SinceMillis is when it first answered with this version, by Redis's clock.
	SinceMillis int64 `json:"since_ms"`
}

// The times of the instances.
const (
	viewEvery   = time.Second
	viewWatched = 250 * time.Millisecond // while a product is watched
	lookEvery   = 20 * time.Millisecond  // at the product that is watched; mostly in memory
	viewTTL     = 4 * time.Second        // whose view is older is gone
	watchTTL    = 4 * time.Second        // who watches says so again within it
	memberTTL   = time.Hour              // of the set of names, after the last instance
)

// instances lets the instances of one Redis know of each other. Keys, all in one
// slot: <prefix>{instances}:all, a set of names; :view:<name>, JSON that ends with
// its instance; :watch, the id of a product that somebody looks at.
type instances struct {
	client  redis.UniversalClient
	catalog *Catalog
	prefix  string
	logger  *slog.Logger
	name    string
	url     func() string

	mu      sync.Mutex
	watched int // 0 for none
	seen    *Seen
	offset  time.Duration // Redis's clock, less ours
}

func newInstances(client redis.UniversalClient, c *Catalog, prefix, name string, url func() string, logger *slog.Logger) *instances {
	return &instances{client: client, catalog: c, prefix: prefix + "{instances}:", name: name, url: url, logger: logger}
}

// run shows this instance to the others until ctx ends. That Redis does not answer
// is told by others.
func (i *instances) run(ctx context.Context) error {
	look, next := time.NewTicker(lookEvery), time.Now()
	defer look.Stop()
	for {
		if now := time.Now(); !now.Before(next) {
			if err := i.show(ctx); err != nil {
				i.logger.Debug("the other instances do not see this one", "error", err)
			}
			next = now.Add(viewEvery)
			if i.watching() != 0 {
				next = now.Add(viewWatched)
			}
		}
		select {
		case <-look.C:
			i.look(ctx)
		case <-ctx.Done():
			return i.leave(context.WithoutCancel(ctx))
		}
	}
}

// show tells the others how this instance is, and learns what is watched.
// Redis: 1 round trip, TIME, GET, SET, SADD, PEXPIRE.
func (i *instances) show(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, viewEvery)
	defer cancel()
	view, err := json.Marshal(View{Name: i.name, URL: i.url(), Counts: i.catalog.Counts(), Seen: i.last()})
	if err != nil {
		return err
	}
	sent := time.Now()
	p := i.client.Pipeline()
	now, watched := p.Time(ctx), p.Get(ctx, i.prefix+"watch")
	p.Set(ctx, i.prefix+"view:"+i.name, view, viewTTL)
	p.SAdd(ctx, i.prefix+"all", i.name)
	p.PExpire(ctx, i.prefix+"all", memberTTL)
	if _, err := p.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	id, _ := strconv.Atoi(watched.Val()) // nothing, and what is no number, is nothing to watch
	i.mu.Lock()
	defer i.mu.Unlock()
	i.watched, i.offset = id, now.Val().Sub(sent)
	return nil
}

// leave takes this instance out. It is a courtesy: its view ends by itself.
func (i *instances) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, viewEvery)
	defer cancel()
	p := i.client.Pipeline()
	p.Del(ctx, i.prefix+"view:"+i.name)
	p.SRem(ctx, i.prefix+"all", i.name)
	_, _ = p.Exec(ctx)
	return nil
}

// watch has all instances look at a product for a while.
// Redis: 1 round trip, SET.
func (i *instances) watch(ctx context.Context, id int) error {
	return i.client.Set(ctx, i.prefix+"watch", id, watchTTL).Err()
}

// look notes how this instance answers for the product that is watched.
func (i *instances) look(ctx context.Context) {
	id := i.watching()
	if id == 0 {
		return
	}
	p, err := i.catalog.look(ctx, id)
	if err != nil {
		return // the page shows the last that it could answer
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	since := time.Now().Add(i.offset).UnixMilli()
	if s := i.seen; s != nil && s.ID == id && s.Version == p.Value.Version {
		since = s.SinceMillis
	}
	i.seen = &Seen{ID: id, Version: p.Value.Version, PriceCents: p.Value.PriceCents, From: p.From.String(), SinceMillis: since}
}

func (i *instances) watching() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.watched
}

// last is what was seen of the product that is watched.
func (i *instances) last() *Seen {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen == nil || i.seen.ID != i.watched {
		return nil
	}
	return i.seen // it is replaced, never changed
}

// all returns the views of the instances that live, by name. Without Redis that
// is this one.
// Redis: 2 round trips, SMEMBERS, MGET; and 1 SREM where one is gone.
func (i *instances) all(ctx context.Context) ([]View, error) {
	alone := []View{{Name: i.name, URL: i.url(), Counts: i.catalog.Counts(), Seen: i.last()}}
	names, err := i.client.SMembers(ctx, i.prefix+"all").Result()
	if err != nil || len(names) == 0 {
		return alone, err
	}
	keys := make([]string, len(names))
	for n, name := range names {
		keys[n] = i.prefix + "view:" + name
	}
	texts, err := i.client.MGet(ctx, keys...).Result()
	if err != nil {
		return alone, err
	}
	var views []View
	var gone []any
	for n, text := range texts {
		text, ok := text.(string)
		if !ok {
			gone = append(gone, names[n])
			continue
		}
		var v View
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return alone, fmt.Errorf("catalog: the view of instance %q: %w", names[n], err)
		}
		views = append(views, v)
	}
	if len(gone) > 0 {
		err = i.client.SRem(ctx, i.prefix+"all", gone...).Err()
	}
	slices.SortFunc(views, func(a, b View) int { return strings.Compare(a.Name, b.Name) })
	return views, err
}
