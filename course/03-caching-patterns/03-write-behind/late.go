package pages

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/writebehind"
)

// waking has a worker stand still with a batch in its hands until another has
// written newer turns, and then write its own.
func waking(ctx context.Context, r *unit.Run, dir string) error {
	r.Step("A worker stands still with a batch in its hands, while the readers turn to page 13 and another worker writes that. Then it wakes up.")
	compares, err := openLibrary(ctx, dir, "guarded", guarded)
	if err != nil {
		return err
	}
	defer compares.db.Close()
	believes, err := openLibrary(ctx, dir, "blind", blind)
	if err != nil {
		return err
	}
	defer believes.db.Close()
	both := func(ctx context.Context, turns []turn) error {
		return errors.Join(compares.save(ctx, turns), believes.save(ctx, turns))
	}
	open := func(c *redis.Client, sink func(context.Context, []turn) error) (*writebehind.Writer[string, int], error) {
		return writebehind.New(c, writebehind.Options[string, int]{Prefix: r.Space("late"), Sink: sink, Shards: 1, Batch: batch, Delay: -1, Lease: lease})
	}
	p := newProcess(r, "sleeper")
	asleep, wake := make(chan struct{}), make(chan struct{})
	sleeper, err := open(p.Client, func(ctx context.Context, turns []turn) error {
		p.kill() // nothing of it reaches Redis while it stands still, nor would anybody listen afterwards
		close(asleep)
		<-wake
		return both(context.WithoutCancel(ctx), turns)
	})
	if err != nil {
		return err
	}
	other, err := open(r.Redis(), both)
	if err != nil {
		return err
	}
	if err := putAll(ctx, other, readers(batch, 12)); err != nil {
		return err
	}
	alive, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- sleeper.Run(alive) }()
	select {
	case <-asleep:
	case <-ctx.Done():
		return ctx.Err()
	}
	newer := readers(batch, 13)
	putErr := putAll(ctx, other, newer)
	drainErr := other.Drain(ctx)
	end()
	close(wake)
	if err := errors.Join(putErr, drainErr, <-ended); err != nil {
		return err
	}
	table := unit.Table{Title: "All readers are on page 13", Columns: []string{"the database", "readers it shows on page 12", "rows it refused"}}
	for _, way := range []struct {
		name, label string
		tone        unit.Tone
		library     *library
	}{{"blind", "takes what comes last", unit.Bad, believes}, {"guarded", "compares versions", unit.Good, compares}} {
		back, err := way.library.behind(ctx, newer)
		if err != nil {
			return err
		}
		table.Rows = append(table.Rows, []string{way.label, unit.Figure(float64(back), ""), unit.Figure(float64(way.library.refused.Load()), "")})
		r.Metric(unit.Metric{Name: "back_" + way.name, Label: "readers set back, where the database " + way.label, Value: float64(back), Tone: way.tone, Minor: true})
	}
	r.Table(table)
	return nil
}

func putAll(ctx context.Context, w *writebehind.Writer[string, int], pages map[string]int) error {
	for reader, page := range pages {
		if err := w.Put(ctx, reader, page); err != nil {
			return err
		}
	}
	return nil
}

// poisoning puts one turn that the database will never take among others.
func poisoning(ctx context.Context, r *unit.Run, dir string) error {
	r.Step("One of %d readers reports page -1, and the table has CHECK (page > 0).", batch)
	pages := readers(batch, 12)
	pages["reader-7"] = -1
	naive, err := openLibrary(ctx, dir, "poison-naive", guarded)
	if err != nil {
		return err
	}
	defer naive.db.Close()
	b := newBuffer()
	for reader, page := range pages {
		if err := b.put(ctx, reader, page); err != nil {
			return err
		}
	}
	turns, tries := b.take(), 0
	for err = naive.save(ctx, turns); err != nil && tries < 5; tries++ {
		err = naive.save(ctx, turns)
	}
	kit, err := openLibrary(ctx, dir, "poison-kit", guarded)
	if err != nil {
		return err
	}
	defer kit.db.Close()
	w, err := writebehind.New(r.Redis(), writebehind.Options[string, int]{Prefix: r.Space("poison"), Sink: kit.save, Shards: 1, Batch: batch, Delay: -1})
	if err != nil {
		return err
	}
	if err := errors.Join(putAll(ctx, w, pages), w.Drain(ctx)); err != nil {
		return err
	}
	letters, err := w.DeadLetters(ctx, 10)
	if err != nil {
		return err
	}
	table := unit.Table{Title: "One write that can never succeed", Columns: []string{"", "rows written", "dead letters"}}
	table.Rows = [][]string{
		{"all in one batch, tried six times", unit.Figure(float64(naive.rows.Load()), ""), "–"},
		{"kit/cache/writebehind", unit.Figure(float64(kit.rows.Load()), ""), unit.Figure(float64(len(letters)), "")},
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "arrived_naive", Label: "good writes that arrived, all in one batch", Value: float64(naive.rows.Load()), Tone: unit.Bad, Minor: true})
	r.Metric(unit.Metric{Name: "arrived_kit", Label: "good writes that arrived, writebehind", Value: float64(kit.rows.Load()), Tone: unit.Good, Minor: true})
	r.Metric(unit.Metric{Name: "dead", Label: "dead letters", Value: float64(len(letters)), Minor: true})
	return nil
}
