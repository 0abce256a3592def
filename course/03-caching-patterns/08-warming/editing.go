package warming

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/warm"
)

// edited is how many articles are changed while the warmer runs.
const edited = 20

// editing changes articles between the warmer's query and its write.
func editing(ctx context.Context, r *unit.Run) error {
	r.Step("While the warmer runs, the editors change %d articles.", edited)
	stale, err := naively(ctx, r)
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "stale_rush", Label: "old articles in the cache, warmer with SET", Value: float64(stale), Tone: unit.Bad})
	if stale, err = leased(ctx, r); err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "stale_warm", Label: "old articles in the cache, kit/cache/warm", Value: float64(stale), Tone: unit.Good})
	return nil
}

// naively reads everything, then writes everything.
func naively(ctx context.Context, r *unit.Run) (stale int, err error) {
	a := newArchive(edited)
	ids := make([]int, edited)
	for i := range ids {
		ids[i] = i
	}
	// region: naive
	texts, err := a.load(ctx, ids)
	if err != nil {
		return 0, err
	}
	for _, id := range ids { // the editors, meanwhile: change, and delete what is cached
		a.edit(id)
		if err := r.Redis().Del(ctx, r.Key(fmt.Sprintf("article:%d", id))).Err(); err != nil {
			return 0, err
		}
	}
	for id, text := range texts { // the warmer, still busy
		if err := r.Redis().Set(ctx, r.Key(fmt.Sprintf("article:%d", id)), text, time.Hour).Err(); err != nil {
			return 0, err
		}
	}
	// endregion
	for _, id := range ids {
		got, err := r.Redis().Get(ctx, r.Key(fmt.Sprintf("article:%d", id))).Result()
		if err != nil {
			return 0, err
		}
		if got != text(id, 2) {
			stale++
		}
	}
	return stale, nil
}

// leased is the same with the toolkit: the editors come when the query has been
// answered and nothing is stored yet.
func leased(ctx context.Context, r *unit.Run) (stale int, err error) {
	a := newArchive(edited)
	c, err := edition(r, "edited")
	if err != nil {
		return 0, err
	}
	ids := make([]int, edited)
	for i := range ids {
		ids[i] = i
	}
	var once sync.Once
	var told error
	a.answered = func([]int) {
		once.Do(func() {
			for _, id := range ids {
				a.edit(id)
			}
			told = c.Invalidate(ctx, ids...)
		})
	}
	w, err := warm.New(c, a.load, warm.Options[int]{Total: len(ids)})
	if err != nil {
		return 0, err
	}
	if err := w.Run(ctx, warm.List(ids)); err != nil {
		return 0, err
	}
	if told != nil {
		return 0, told
	}
	for _, id := range ids {
		got, err := c.Fetch(ctx, id, a.one)
		if err != nil {
			return 0, err
		}
		if got != text(id, 2) {
			stale++
		}
	}
	return stale, nil
}

// watching shows what warming five articles is on the wire.
func watching(ctx context.Context, r *unit.Run) error {
	_, err := r.Trace(ctx, unit.Sample{
		Title: "five articles are warmed, two of them are there already",
		Note:  "The batch is read first: what is there is left alone. For the rest the right to load is taken, one query is made, and each is stored if nobody has changed it meanwhile.",
	}, func(ctx context.Context, client *redis.Client) error {
		a := newArchive(5)
		c, err := edition(r, "watched")
		if err != nil {
			return err
		}
		for _, id := range []int{0, 3} {
			if _, err := c.Fetch(ctx, id, a.one); err != nil {
				return err
			}
		}
		tapped, err := editionOn(client, r, "watched")
		if err != nil {
			return err
		}
		w, err := warm.New(tapped, a.load, warm.Options[int]{Total: 5})
		if err != nil {
			return err
		}
		return w.Run(trace.WithRequest(ctx, "the warmer"), warm.List([]int{0, 1, 2, 3, 4}))
	})
	return err
}
