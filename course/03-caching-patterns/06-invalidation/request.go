package canteen

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// counting shows what the kitchen sends when it changes one dish, each way.
func counting(ctx context.Context, r *unit.Run) error {
	r.Step("What the kitchen sends when a dish has changed, watched on the wire.")
	seen, err := r.Trace(ctx, unit.Sample{Title: "one dish, three pages", Note: "Nothing is sent where a TTL must do, so it is not here. With tracking the kitchen sends what it sends for a delete, and Redis does the rest."},
		func(ctx context.Context, c *redis.Client) error {
			for _, w := range ways {
				if err := w.once(ctx, r, c); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	table := unit.Table{Title: "What a change of one dish with three pages costs", Columns: []string{"", "commands", "the kitchen must know"}}
	for _, w := range ways {
		sent := 0
		for _, e := range seen.Events {
			if e.Kind == trace.Command && e.Label.Request == w.label {
				sent++
			}
		}
		r.Metric(unit.Metric{Name: "commands_" + w.name, Label: "commands for each change, " + w.label, Value: float64(sent), Minor: true})
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(sent), w.knows()})
	}
	r.Table(table)
	return nil
}

// knows says what the kitchen must know to tell others of a change.
func (w way) knows() string {
	switch w.name {
	case "ttl":
		return "nothing"
	case "tags", "versions", "kit_tags":
		return "the dish"
	}
	return "every page of the dish"
}

// once brings the pages of a dish into Redis, and has the kitchen change it over c.
func (w way) once(ctx context.Context, r *unit.Run, c *redis.Client) error {
	n := names{r, w.name}
	for _, rdb := range []*redis.Client{r.Redis(), c} { // first unwatched: Redis learns the scripts
		t := &till{way: w, names: n, rdb: r.Redis(), recipes: newRecipes(1), ttl: time.Minute, copies: newCopies(time.Minute)}
		k := &kitchen{names: n, rdb: rdb}
		var err error
		if k.kit, err = openKit(rdb, n, t.ttl, cache.Local{}); err != nil {
			return err
		}
		if w.kit {
			if t.kit, err = openKit(t.rdb, n, t.ttl, cache.Local{}); err != nil {
				return err
			}
		}
		for _, page := range pages {
			if _, err := t.read(ctx, 0, page); err != nil {
				return err
			}
		}
		if err := w.tell(k, trace.WithRequest(ctx, w.label), 0); err != nil {
			return err
		}
	}
	return nil
}
