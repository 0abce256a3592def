package keyspace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// filming walks over twenty keys, few enough to see each bucket.
func filming(ctx context.Context, r *unit.Run, s *shop) error {
	r.Step("Twenty keys in a database of their own: p1 to p17 are pages, d1 to d3 are drafts. Which bucket does each call look at?")
	t := &table{rdb: s.server.Client(func(o *redis.Options) { o.DB, o.PoolSize = 1, 1 })}
	defer t.rdb.Close()
	const pages, drafts = 17, 3
	_, err := t.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range pages {
			p.Set(ctx, fmt.Sprint("p", i+1), "x", 0)
		}
		for i := range drafts {
			p.Set(ctx, fmt.Sprint("d", i+1), "x", 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.settle(ctx, 1<<20); err != nil {
		return err
	}
	if err := t.look(ctx); err != nil {
		return err
	}
	if err := filmSearch(ctx, r, t); err != nil {
		return err
	}
	return filmShrinking(ctx, r, t)
}

// newWalk begins a film whose rows have eight buckets each.
func newWalk(t *table) *walk {
	return &walk{table: t, shelves: max(t.size/8, 1), cells: map[uint64]unit.Cell{}}
}

// filmSearch looks for the drafts, by KEYS in one go and by SCAN.
func filmSearch(ctx context.Context, r *unit.Run, t *table) error {
	const pattern, count = "d*", 4
	all, err := findByKeys(ctx, t.rdb, pattern)
	if err != nil {
		return err
	}
	w := newWalk(t)
	w.take(fmt.Sprintf("KEYS %s → %s: one call looks at all %d buckets, and nobody else is served until it ends. They stand here in the order in which SCAN takes them.", pattern, list(all), t.size), t.between(0, 0), all, nil)
	frames := w.frames
	w = newWalk(t)
	for cursor, done := uint64(0), false; !done; {
		names, next, err := t.rdb.Scan(ctx, cursor, pattern, count).Result()
		if err != nil {
			return err
		}
		looked := t.between(cursor, next)
		keys := 0
		for _, b := range looked {
			keys += len(t.keys[b])
		}
		said := fmt.Sprintf("SCAN %d MATCH %s COUNT %d → cursor %d and %s; it looked at %d of the keys.", cursor, pattern, count, next, list(names), keys)
		if next == 0 {
			said += " The cursor 0 is the end."
		}
		w.take(said, looked, names, nil)
		cursor, done = next, next == 0
	}
	r.Film(unit.Film{Title: "KEYS in one go, and the walk of a cursor", Frames: append(frames, w.frames...)})
	return nil
}

// filmShrinking has most keys leave in the middle of a walk.
func filmShrinking(ctx context.Context, r *unit.Run, t *table) error {
	const count = 3
	w := newWalk(t)
	seen := map[string]bool{}
	var mine []string // seen, of the row in which the cursor stands
	cursor := uint64(0)
	for {
		names, next, err := t.rdb.Scan(ctx, cursor, "", count).Result()
		if err != nil {
			return err
		}
		w.take(fmt.Sprintf("SCAN %d COUNT %d → cursor %d and %s.", cursor, count, next, list(names)), t.between(cursor, next), names, nil)
		for _, name := range names {
			seen[name] = true
		}
		mine = slices.DeleteFunc(names, func(name string) bool { return t.at[name]%w.shelves != next%w.shelves })
		if cursor = next; cursor == 0 || cursor >= w.shelves && len(mine) > 0 {
			break // at a place where those who stay will be met again
		}
	}
	if cursor == 0 {
		r.Step("The walk was over before it stood in the middle of a row; the next run may show what a table that shrinks does to it.")
		return nil
	}
	return w.shrink(ctx, r, cursor, count, mine[:min(len(mine), 2)], seen)
}

// shrink deletes all but those who were seen and stay, and one who was not, and
// goes on with the walk.
func (w *walk) shrink(ctx context.Context, r *unit.Run, cursor uint64, count int64, stay []string, seen map[string]bool) error {
	was := w.size
	for name := range w.at {
		if !seen[name] {
			stay = append(stay, name)
			break
		}
	}
	var leave []string
	for name := range w.at {
		if !slices.Contains(stay, name) {
			leave = append(leave, name)
		}
	}
	if err := w.rdb.Del(ctx, leave...).Err(); err != nil {
		return err
	}
	if err := w.settle(ctx, w.shelves); err != nil {
		return err
	}
	clear(w.cells)
	for _, name := range stay {
		b := w.at[name] & (w.size - 1)
		w.cells[b] = unit.Cell{Text: strings.TrimSpace(w.cells[b].Text + " " + name)}
	}
	w.take(fmt.Sprintf("%d keys are deleted, and %d buckets become %d. The cursor %d stands in bucket %d now.", len(leave), was, w.size, cursor, cursor%w.size), nil, nil, nil)
	for done := false; !done; {
		names, next, err := w.rdb.Scan(ctx, cursor, "", count).Result()
		if err != nil {
			return err
		}
		said := fmt.Sprintf("SCAN %d COUNT %d → cursor %d and %s.", cursor, count, next, list(names))
		if twice := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !seen[name] }); len(twice) > 0 {
			said += fmt.Sprintf(" For the second time: %s.", list(twice))
		}
		w.take(said, w.between(cursor, next), names, seen)
		for _, name := range names {
			seen[name] = true
		}
		cursor, done = next, next == 0
	}
	r.Film(unit.Film{Title: "The table shrinks in the middle of a walk", Frames: w.frames})
	return nil
}

// list names what a reply holds.
func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
